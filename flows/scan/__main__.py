"""`python -m flows.scan`: one scan, with a Prefect server of its own where none is running."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from flows.command.ending import ended
from flows.command.targets import check_data_dir, check_files, check_input, read_files
from flows.console import complain, say, speak
from flows.scan.arguments import parser
from flows.scan.going_on import command_to_go_on
from tasks.errors import ExitCode

if TYPE_CHECKING:
    from flows.local_server import LocalServer
    from flows.scan.flow import ScanOutcome
    from flows.scan.prepared import PreparedScan
    from flows.scan.request import ResumeMode, ScanRequest


def main(words: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    words = sys.argv[1:] if words is None else words
    arguments = parser().parse_args(words)
    return ended(lambda: _answer(arguments), f"finished batches are kept, go on with: {command_to_go_on(words)}")


def _answer(arguments: argparse.Namespace) -> int:
    if arguments.list_checkpoints:
        return _list_checkpoints(arguments)
    if arguments.validate_checkpoint is not None:
        return _validate_checkpoint(arguments)
    _check_words(arguments)
    if arguments.report_only or arguments.changes_only or arguments.format_check_only:
        return _look(arguments)
    return _scan(arguments)


def _list_checkpoints(arguments: argparse.Namespace) -> int:
    from flows.checkpoints.listing import print_list  # noqa: PLC0415  each command imports only what it needs

    return print_list(arguments.data_dir, arguments.json_file)


def _validate_checkpoint(arguments: argparse.Namespace) -> int:
    from flows.checkpoints.validating import print_validation  # noqa: PLC0415
    from tasks.engine.lookup import lookup_settings  # noqa: PLC0415
    from tasks.settings.load import load_settings  # noqa: PLC0415

    settings = load_settings(arguments.config).settings
    digest = lookup_settings(settings, offline=arguments.offline, store=None).answers_digest
    return print_validation(arguments.data_dir, arguments.validate_checkpoint, arguments.json_file, digest)


def _check_words(arguments: argparse.Namespace) -> None:
    from tasks.errors import UsageError  # noqa: PLC0415

    if arguments.input is None and arguments.environment is None:
        raise UsageError("--input FILE is missing; see --help")
    if arguments.sync and arguments.offline:
        raise UsageError("--sync and --offline: a sync asks the services; give one of the two")
    if arguments.json_file == Path("-"):
        raise UsageError("--json needs a file name here; see --help")


def _look(arguments: argparse.Namespace) -> int:
    from flows.scan.looking import show_changes, show_formats, show_report  # noqa: PLC0415

    _check_looked_at(arguments)
    if arguments.report_only:
        show_report(arguments.input, arguments.config, arguments.data_dir, arguments.json_file)
    elif arguments.changes_only:
        show_changes(arguments.input, arguments.output, arguments.config, arguments.data_dir, arguments.json_file)
    else:
        show_formats(arguments.input, arguments.config, arguments.data_dir, arguments.json_file)
    return ExitCode.DONE


def _check_looked_at(arguments: argparse.Namespace) -> None:
    from tasks.errors import UsageError  # noqa: PLC0415
    from tasks.inputs.files import is_workbook  # noqa: PLC0415

    check_data_dir(arguments.data_dir)
    if arguments.input is not None:
        check_input(arguments.input)
    if arguments.input is None or not is_workbook(arguments.input):
        raise UsageError(
            f"{arguments.input or arguments.environment}: not a workbook, and nothing is looked up here;"
            " give --input the workbook that was made of it"
        )
    check_files({"--json": arguments.json_file}, read_files(arguments.input, arguments.output, arguments.config))


def _scan(arguments: argparse.Namespace) -> int:
    from flows.command.serving import beside_server  # noqa: PLC0415  slow imports come after the quick answers

    request = _request(arguments)
    if not request.environment:
        check_input(request.workbook)
    known = _known(request, arguments)
    with beside_server(verbose=arguments.verbose, quiet=arguments.quiet) as server:
        outcome = _run(request, server, known)
    return _report(outcome, arguments)


def _request(arguments: argparse.Namespace) -> "ScanRequest":
    from flows.command.requests import request_from  # noqa: PLC0415
    from flows.scan.request import ScanRequest  # noqa: PLC0415
    from tasks.progress.display import DisplayKind  # noqa: PLC0415

    own = {
        "workbook": arguments.environment or arguments.input,
        "environment": arguments.environment is not None,
        "resume": _resume_mode(arguments),
        "interactive": sys.stdin.isatty() and sys.stderr.isatty() and not (arguments.yes or arguments.quiet),
        "lock_timeout_s": arguments.lock_timeout,
        "display": DisplayKind.NONE if arguments.quiet else DisplayKind.AUTO,
    }
    return request_from(ScanRequest, vars(arguments) | own, {"workbook": "input"})


def _resume_mode(arguments: argparse.Namespace) -> "ResumeMode":
    from flows.scan.request import ResumeMode  # noqa: PLC0415

    if arguments.start_fresh:
        return ResumeMode.FRESH
    unasked = arguments.resume_auto or arguments.force_continue or arguments.yes
    return ResumeMode.AUTO if unasked else ResumeMode.ASK


def _known(request: "ScanRequest", arguments: argparse.Namespace) -> "PreparedScan | None":
    """The scan prepared before a server is started for it, where that may be in vain: names that nobody may ask for.

    Elsewhere None: a scan is prepared while its server starts.
    """
    if not (request.offline and request.packages):
        return None
    speak(verbose=arguments.verbose, quiet=arguments.quiet)
    from flows.scan.new_packages import check_names  # noqa: PLC0415
    from flows.scan.prepare import prepare  # noqa: PLC0415

    prepared = prepare(request)
    check_names(prepared)
    return prepared


def _run(request: "ScanRequest", server: "LocalServer", known: "PreparedScan | None") -> "ScanOutcome":
    from flows.scan.early import begin_early  # noqa: PLC0415
    from flows.scan.prepare import hand_over, prepare  # noqa: PLC0415

    prepared = known or prepare(request)
    for warning in prepared.warnings:
        complain(f"warning: {warning}")
    begin_early(prepared)
    from flows.day_logs import day_logs  # noqa: PLC0415
    from flows.opaque import opened  # noqa: PLC0415
    from flows.prefect_end import drained  # noqa: PLC0415
    from flows.scan.flow import scan  # noqa: PLC0415

    server.ready()
    with day_logs(prepared.folders.logs, prepared.settings.logging), hand_over(prepared), drained():
        return opened(scan(prepared.request))


def _report(outcome: "ScanOutcome", arguments: argparse.Namespace) -> int:
    from flows.scan.outcome import exit_code  # noqa: PLC0415
    from tasks.reports.summary import summary_lines  # noqa: PLC0415

    if not arguments.quiet:
        for line in (*summary_lines(outcome.result), *outcome.performance):
            say(line)
    return exit_code(outcome, arguments.fail_on)


if __name__ == "__main__":
    raise SystemExit(main())
