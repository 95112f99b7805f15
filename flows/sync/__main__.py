"""`python -m flows.sync`: download what scans use into the advisory store, and look after what is kept."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.command.ending import ended
from flows.command.targets import check_data_dir, check_files, make_data_dir, read_files
from flows.console import complain
from flows.sync.arguments import parser
from tasks.errors import ExitCode

if TYPE_CHECKING:
    from flows.local_server import LocalServer
    from flows.sync.request import SyncRequest
    from tasks.store.work import SourceReport


def main(words: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = parser().parse_args(words)
    return ended(lambda: _answer(arguments), "sources that were done are kept")


def _answer(arguments: argparse.Namespace) -> int:
    check_data_dir(arguments.data_dir)
    check_files({"--json": arguments.json_file}, read_files(arguments.config, arguments.epss_file))
    if arguments.prune:
        print(_prune(arguments.config, arguments.data_dir))
        return ExitCode.DONE
    if arguments.status:
        from flows.sync.status import print_status  # noqa: PLC0415  --help must answer at once

        return print_status(arguments.data_dir, arguments.json_file)
    return _sync(arguments)


def _sync(arguments: argparse.Namespace) -> int:
    from flows.command.requests import request_from  # noqa: PLC0415  slow imports come after the quick answers
    from flows.command.serving import beside_server  # noqa: PLC0415
    from flows.sync.lookup import sync_lookup  # noqa: PLC0415
    from flows.sync.request import SyncRequest  # noqa: PLC0415

    request = request_from(SyncRequest, vars(arguments))
    sync_lookup(request)
    make_data_dir(request.data_dir)
    with beside_server(verbose=arguments.verbose, quiet=arguments.quiet) as server:
        reports = _run(request, server)
    _report(arguments, reports)
    return ExitCode.INCOMPLETE if any(report.problem for report in reports) else ExitCode.DONE


def _run(request: "SyncRequest", server: "LocalServer") -> list["SourceReport"]:
    from flows.prefect_end import drained  # noqa: PLC0415
    from flows.sync.flow import sync  # noqa: PLC0415
    from tasks.store.work import SourceReport  # noqa: PLC0415

    server.ready()
    with drained():
        return [SourceReport(**report) for report in sync(request)]


def _report(arguments: argparse.Namespace, reports: list["SourceReport"]) -> None:
    import dataclasses  # noqa: PLC0415

    from flows.sync.status import print_status  # noqa: PLC0415
    from tasks.reports.files import write_document  # noqa: PLC0415

    if not arguments.quiet:
        print_status(arguments.data_dir, None)
    for report in reports:
        if report.problem and arguments.quiet:
            complain(f"vetbook: {report.name}: {report.problem}")
    if arguments.json_file is not None:
        document: dict[str, Any] = {"schema": 1, "sources": [dataclasses.asdict(report) for report in reports]}
        write_document(arguments.json_file, document)


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
