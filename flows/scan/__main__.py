"""`python -m flows.scan`: one scan, with a Prefect server of its own where none is running."""

import argparse
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from flows.scan.arguments import parser
from tasks.errors import ExitCode, VetbookError

if TYPE_CHECKING:
    from flows.scan.flow import ScanOutcome
    from flows.scan.request import ScanRequest


def main(words: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = parser().parse_args(words)
    try:
        return _answer(arguments)
    except VetbookError as error:
        print(f"vetbook: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read our output (head, less) has seen enough; the interpreter must not flush into the closed pipe.
        sys.stdout = None
        return ExitCode.DONE
    except KeyboardInterrupt:
        return _interrupted(arguments, ExitCode.INTERRUPTED)
    except SystemExit as end:
        if end.code != ExitCode.TERMINATED:
            raise
        return _interrupted(arguments, ExitCode.TERMINATED)


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

    if arguments.input is None:
        raise UsageError("--input FILE is missing; see --help")
    if arguments.sync and arguments.offline:
        raise UsageError("--sync and --offline: a sync asks the services; give one of the two")
    if arguments.json_file == Path("-"):
        raise UsageError("--json needs a file name here; see --help")


def _look(arguments: argparse.Namespace) -> int:
    from flows.scan.looking import show_changes, show_formats, show_report  # noqa: PLC0415

    if arguments.report_only:
        show_report(arguments.input, arguments.config, arguments.data_dir, arguments.json_file)
    elif arguments.changes_only:
        show_changes(arguments.input, arguments.output, arguments.config, arguments.data_dir, arguments.json_file)
    else:
        show_formats(arguments.input, arguments.config, arguments.data_dir, arguments.json_file)
    return ExitCode.DONE


def _scan(arguments: argparse.Namespace) -> int:
    from flows.console import speak  # noqa: PLC0415  slow imports come after the quick answers
    from flows.local_server import LocalServer  # noqa: PLC0415

    request = _request(arguments)
    _check_input(request)
    speak(verbose=arguments.verbose, quiet=arguments.quiet)
    signal.signal(signal.SIGTERM, _terminate)
    with LocalServer() as server:
        outcome = _run(request, server)
    return _report(outcome, arguments)


def _request(arguments: argparse.Namespace) -> "ScanRequest":
    from pydantic import ValidationError  # noqa: PLC0415

    from flows.scan.request import ResumeMode, ScanRequest  # noqa: PLC0415
    from tasks.advisories.model import Severity  # noqa: PLC0415
    from tasks.errors import UsageError  # noqa: PLC0415
    from tasks.progress.display import DisplayKind  # noqa: PLC0415
    from tasks.settings.model import MergeStrategy  # noqa: PLC0415

    resume = ResumeMode.FRESH if arguments.start_fresh else ResumeMode.ASK
    if not arguments.start_fresh and (arguments.resume_auto or arguments.force_continue or arguments.yes):
        resume = ResumeMode.AUTO
    try:
        return ScanRequest(
            workbook=arguments.input,
            output=arguments.output,
            config=arguments.config,
            data_dir=arguments.data_dir,
            json_file=arguments.json_file,
            start_row=arguments.start_row,
            end_row=arguments.end_row,
            packages=tuple(arguments.packages),
            retry_failed=arguments.retry_failed,
            dry_run=arguments.dry_run,
            offline=arguments.offline,
            sync=arguments.sync,
            batch_size=arguments.batch_size,
            batch_strategy=arguments.batch_strategy,
            resume=resume,
            resume_from_package=arguments.resume_from_package,
            resume_from_batch=arguments.resume_from_batch,
            force_continue=arguments.force_continue,
            merge_strategy=MergeStrategy(arguments.merge_strategy),
            format_check=arguments.format_check,
            interactive=sys.stdin.isatty() and sys.stderr.isatty() and not (arguments.yes or arguments.quiet),
            fail_on=Severity(arguments.fail_on.upper()) if arguments.fail_on else None,
            lock_timeout_s=arguments.lock_timeout,
            display=DisplayKind.NONE if arguments.quiet else DisplayKind.AUTO,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        flag = "--" + str(first["loc"][0]).replace("_", "-")
        raise UsageError(f"{flag} {first['input']}: {first['msg']}; see --help") from error


def _check_input(request: "ScanRequest") -> None:
    from tasks.errors import InputError  # noqa: PLC0415

    if not request.workbook.exists():
        raise InputError(f"{request.workbook}: no such file; give an existing workbook to --input")


def _run(request: "ScanRequest", server: object) -> "ScanOutcome":
    from flows.local_server import LocalServer  # noqa: PLC0415
    from flows.scan.prepare import hand_over, prepare  # noqa: PLC0415

    assert isinstance(server, LocalServer)  # noqa: S101
    prepared = prepare(request)
    for warning in prepared.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    from flows.day_logs import day_logs  # noqa: PLC0415
    from flows.prefect_end import drained  # noqa: PLC0415
    from flows.scan.flow import scan  # noqa: PLC0415

    server.ready()
    with day_logs(prepared.folders.logs, prepared.settings.logging), hand_over(prepared), drained():
        return scan(request)


def _report(outcome: "ScanOutcome", arguments: argparse.Namespace) -> int:
    from flows.scan.outcome import exit_code  # noqa: PLC0415
    from tasks.reports.summary import summary_lines  # noqa: PLC0415

    if not arguments.quiet:
        print("\n".join((*summary_lines(outcome.result), *outcome.performance)))
    return exit_code(outcome, arguments.fail_on)


def _terminate(_signal: int, _frame: object) -> None:
    raise SystemExit(ExitCode.TERMINATED)


def _interrupted(arguments: argparse.Namespace, code: ExitCode) -> int:
    print(
        f"vetbook: interrupted; finished batches are kept, go on with: "
        f"python -m flows.scan --input {arguments.input} --data-dir {arguments.data_dir} --resume-auto",
        file=sys.stderr,
    )
    return code


if __name__ == "__main__":
    raise SystemExit(main())
