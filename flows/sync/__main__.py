"""`python -m flows.sync`: download what scans use into the advisory store, and look after what is kept."""

import argparse
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.errors import ExitCode, VetbookError

if TYPE_CHECKING:
    from flows.sync.request import SyncRequest
    from tasks.store.work import SourceReport

EPILOG = """exit codes:
  0  done
  2  wrong use, settings or input; nothing was touched
  3  done, but a source could not be synced; what the store held of it is kept
  130, 143  interrupted; sources that were done are kept"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    words = argparse.ArgumentParser(
        "python -m flows.sync",
        description="Download advisories, KEV, EPSS, Exploit-DB and NVD's feeds into the advisory store.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
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
    group.add_argument("--status", action="store_true", help="only show what the store holds and how old it is")
    group.add_argument("--prune", action="store_true", help="only remove kept answers that are too old or too many")


def _add_behaviour(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--config", type=Path, metavar="FILE", help="settings, YAML or JSON")
    group.add_argument(
        "--data-dir", type=Path, metavar="DIR", default=Path("data"), help="folder of what is kept (default: data)"
    )
    group.add_argument("--json", type=Path, metavar="FILE", dest="json_file", help="write the report as JSON too")
    group.add_argument(
        "--allow-shrink", action="store_true", help="take a source with over 20 %% fewer records than are held"
    )
    group.add_argument("--full", action="store_true", help="download everything anew, changed or not")
    loudness = group.add_mutually_exclusive_group()
    loudness.add_argument("-v", "--verbose", action="store_true", help="show what Prefect and the sources do")
    loudness.add_argument("-q", "--quiet", action="store_true", help="show errors only")


def main(words: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = parser().parse_args(words)
    try:
        return _answer(arguments)
    except VetbookError as error:
        print(f"vetbook: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("vetbook: interrupted; sources that were done are kept", file=sys.stderr)
        return ExitCode.INTERRUPTED


def _answer(arguments: argparse.Namespace) -> int:
    if arguments.prune:
        print(_prune(arguments.config, arguments.data_dir))
        return ExitCode.DONE
    if arguments.status:
        from flows.sync.status import print_status  # noqa: PLC0415  --help must answer at once

        return print_status(arguments.data_dir, arguments.json_file)
    return _sync(arguments)


def _sync(arguments: argparse.Namespace) -> int:
    from flows.console import speak  # noqa: PLC0415  slow imports come after the quick answers
    from flows.local_server import LocalServer  # noqa: PLC0415

    request = _request(arguments)
    speak(verbose=arguments.verbose, quiet=arguments.quiet)
    with LocalServer() as server:
        signal.signal(signal.SIGTERM, _terminate)
        from flows.prefect_end import drained  # noqa: PLC0415
        from flows.sync.flow import sync, sync_lookup  # noqa: PLC0415
        from tasks.store.work import SourceReport  # noqa: PLC0415

        sync_lookup(request)
        server.ready()
        with drained():
            reports = [SourceReport(**report) for report in sync(request)]
    _report(arguments, reports)
    return ExitCode.INCOMPLETE if any(report.problem for report in reports) else ExitCode.DONE


def _request(arguments: argparse.Namespace) -> "SyncRequest":
    from flows.sync.request import SyncRequest  # noqa: PLC0415

    return SyncRequest(
        data_dir=arguments.data_dir,
        config=arguments.config,
        sources=tuple(arguments.sources),
        ecosystems=tuple(arguments.ecosystems),
        nvd=arguments.nvd,
        allow_shrink=arguments.allow_shrink,
        full=arguments.full,
        epss_file=arguments.epss_file,
    )


def _report(arguments: argparse.Namespace, reports: list["SourceReport"]) -> None:
    import dataclasses  # noqa: PLC0415

    from flows.sync.status import print_status  # noqa: PLC0415

    if not arguments.quiet:
        print_status(arguments.data_dir, None)
    for report in reports:
        if report.problem and arguments.quiet:
            print(f"vetbook: {report.name}: {report.problem}", file=sys.stderr)
    if arguments.json_file is not None:
        document: dict[str, Any] = {"schema": 1, "sources": [dataclasses.asdict(report) for report in reports]}
        arguments.json_file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _terminate(_signal: int, _frame: object) -> None:
    raise SystemExit(ExitCode.TERMINATED)


def _prune(config: Path | None, data_dir: Path) -> str:
    from tasks.engine.lookup import lookup_settings  # noqa: PLC0415  slow imports come after --help
    from tasks.engine.stores import Stores  # noqa: PLC0415
    from tasks.errors import UsageError  # noqa: PLC0415
    from tasks.settings.load import load_settings  # noqa: PLC0415

    store = data_dir / "store" / "advisories.sqlite"
    if not store.parent.is_dir():
        raise UsageError(f"--data-dir {data_dir}: no earlier run kept anything there; name the folder of the scans")
    lookup = lookup_settings(load_settings(config).settings, offline=False, store=store)
    stores = Stores.open(lookup)
    assert stores is not None  # noqa: S101  a store was named
    try:
        pruned = stores.prune(lookup)
    finally:
        stores.close()
    return f"Removed {pruned.removed} kept answers; {pruned.left} are left ({pruned.left_bytes / 1e6:.1f} MB)"


if __name__ == "__main__":
    raise SystemExit(main())
