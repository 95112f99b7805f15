"""`python -m flows.report`: list kept scans, compare two, make the reports of one again. No Prefect, no network."""

import argparse
from pathlib import Path

from flows.command.ending import ended
from flows.command.targets import check_data_dir, check_files, read_files
from flows.command.words import add_data_dir, command_parser

DESCRIPTION = "List the scans that are kept, compare two of them, or make the reports of one again."

EPILOG = """a SCAN is an id (or the start of one, see --list), `last`, `previous` (the one before `last`), or a file
written with --json. Without --list or --compare the text report of SCAN is printed.

exit codes:
  0  done
  2  wrong use, or no such scan
  4  a kept scan is damaged, or a file could not be written"""


def parser() -> argparse.ArgumentParser:
    """The parser of `python -m flows.report`."""
    made = command_parser("report", DESCRIPTION, EPILOG)
    what = made.add_argument_group("what")
    what.add_argument("scan", metavar="SCAN", nargs="?", help="the scan to report (default: last)")
    what.add_argument("--latest", action="store_true", help="the same as `last`")
    what.add_argument("--list", action="store_true", dest="listing", help="list the kept scans, newest first")
    what.add_argument("--compare", nargs=2, metavar=("A", "B"), help="what changed from scan A to scan B")
    files = made.add_argument_group("where")
    files.add_argument("-i", "--input", type=Path, metavar="FILE", help="only scans of this workbook")
    files.add_argument("--org", metavar="ORG", help="only IOC scans of this organisation")
    files.add_argument("--json", type=Path, metavar="FILE", dest="json_file", help="write it as JSON")
    files.add_argument("--html", type=Path, metavar="FILE", dest="html_file", help="write it as a page for a browser")
    add_data_dir(files, "data folder of the scans")
    return made


def main(words: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = parser().parse_args(words)
    return ended(lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    from flows.report.showing import Wanted, show_comparison, show_list, show_report  # noqa: PLC0415  --help comes first
    from tasks.errors import UsageError  # noqa: PLC0415

    asked = [bool(arguments.scan), arguments.latest, arguments.listing, arguments.compare is not None]
    if sum(asked) > 1:
        raise UsageError("SCAN, --latest, --list and --compare: give one of them; see --help")
    if arguments.input is not None and arguments.org is not None:
        raise UsageError("--input and --org: give one of them; see --help")
    check_data_dir(arguments.data_dir)
    read = [Path(name) for name in (arguments.scan, *(arguments.compare or ())) if name]
    check_files(
        {"--json": arguments.json_file, "--html": arguments.html_file},
        read_files(arguments.input, *read),
    )
    wanted = Wanted(arguments.data_dir, arguments.input, arguments.org, arguments.json_file, arguments.html_file)
    if arguments.listing:
        return show_list(wanted)
    if arguments.compare is not None:
        return show_comparison(wanted, *arguments.compare)
    return show_report(wanted, arguments.scan or "last")


if __name__ == "__main__":
    raise SystemExit(main())
