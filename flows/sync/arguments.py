"""The command line of the sync. Imports nothing that is slow: `--help` must answer at once."""

import argparse
from pathlib import Path

from flows.command.words import add_config, add_data_dir, add_loudness, command_parser

DESCRIPTION = "Download advisories, KEV, EPSS, Exploit-DB and NVD's feeds into the advisory store."

EPILOG = """exit codes:
  0  done
  2  wrong use, settings or input; nothing was touched
  3  done, but a source could not be synced; what the store held of it is kept
  130, 143  interrupted; sources that were done are kept"""


def parser() -> argparse.ArgumentParser:
    """The parser of `python -m flows.sync`."""
    words = command_parser("sync", DESCRIPTION, EPILOG)
    _add_what(words.add_argument_group("what"))
    _add_behaviour(words.add_argument_group("behaviour"))
    return words


def _add_what(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--sources",
        nargs="+",
        metavar="NAME",
        choices=["osv", "kev", "epss", "exploitdb", "nvd"],
        default=[],
        help="only these: osv, kev, epss, exploitdb, nvd (default: all but nvd)",
    )
    group.add_argument(
        "--ecosystems", nargs="+", metavar="NAME", default=["PyPI"], help="of OSV, such as PyPI npm (default: PyPI)"
    )
    group.add_argument("--nvd", action="store_true", help="also NVD's feeds of the years the advisories name")
    group.add_argument("--epss-file", type=Path, metavar="FILE", help="take EPSS's scores from this CSV or CSV.gz")
    instead = group.add_mutually_exclusive_group()
    instead.add_argument("--status", action="store_true", help="only show what the store holds and how old it is")
    instead.add_argument("--prune", action="store_true", help="only remove kept answers that are too old or too many")


def _add_behaviour(group: argparse._ArgumentGroup) -> None:
    add_config(group)
    add_data_dir(group, "folder of what is kept")
    group.add_argument("--json", type=Path, metavar="FILE", dest="json_file", help="write the report as JSON too")
    group.add_argument(
        "--allow-shrink", action="store_true", help="take a source with over 20 %% fewer records than are held"
    )
    group.add_argument("--full", action="store_true", help="download everything anew, changed or not")
    add_loudness(group)
