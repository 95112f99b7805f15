"""`python -m flows.ioc`: one IOC scan, with a Prefect server of its own where none is running."""

import argparse
import signal
import sys
from typing import TYPE_CHECKING

from flows.ioc.arguments import parser
from tasks.errors import ExitCode, VetbookError

if TYPE_CHECKING:
    from flows.ioc.request import IocRequest
    from tasks.reports.findings import IocResult


def main(words: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = parser().parse_args(words)
    try:
        return _answer(arguments)
    except VetbookError as error:
        print(f"vetbook: {error}", file=sys.stderr)
        return _code_of(error)
    except BrokenPipeError:
        # Whoever read our output (head, less) has seen enough; the interpreter must not flush into the closed pipe.
        sys.stdout = None
        return ExitCode.DONE
    except KeyboardInterrupt:
        return _interrupted(ExitCode.INTERRUPTED)
    except SystemExit as end:
        if end.code != ExitCode.TERMINATED:
            raise
        return _interrupted(ExitCode.TERMINATED)


def _code_of(error: VetbookError) -> int:
    from tasks.github.errors import AuthenticationFailed, RepositoryInaccessible  # noqa: PLC0415  slow imports come late

    # A token or a name that GitHub does not know: what is to be mended is the input, and nothing was written.
    wrong_input = isinstance(error, AuthenticationFailed | RepositoryInaccessible)
    return ExitCode.USAGE if wrong_input else error.exit_code


def _answer(arguments: argparse.Namespace) -> int:
    if arguments.list_checkpoints:
        from flows.checkpoints.listing import print_list  # noqa: PLC0415  each command imports only what it needs

        return print_list(arguments.data_dir, arguments.json_file)
    if arguments.org is None:
        from tasks.errors import UsageError  # noqa: PLC0415  as above

        raise UsageError("--org ORG is missing; see --help")
    return _scan(arguments)


def _scan(arguments: argparse.Namespace) -> int:
    from flows.console import speak  # noqa: PLC0415  slow imports come after the quick answers
    from flows.local_server import LocalServer  # noqa: PLC0415

    request = _request(arguments)
    speak(verbose=arguments.verbose, quiet=arguments.quiet)
    with LocalServer() as server:
        signal.signal(signal.SIGTERM, _terminate)
        result = _run(request, server)
    if not arguments.quiet:
        print("\n".join(result.summary_lines()))
    return exit_code(result)


def _request(arguments: argparse.Namespace) -> "IocRequest":
    from pydantic import ValidationError  # noqa: PLC0415

    from flows.ioc.request import IocRequest  # noqa: PLC0415
    from tasks.errors import UsageError  # noqa: PLC0415

    try:
        return IocRequest(
            org=arguments.org,
            repositories=tuple(arguments.repo),
            team=arguments.team,
            team_first_org=arguments.team_first_org,
            fast=arguments.fast,
            include_archived=arguments.include_archived,
            indicators=tuple(arguments.indicators),
            allow=tuple(arguments.allow),
            config=arguments.config,
            data_dir=arguments.data_dir,
            json_file=arguments.json_file,
            sarif=arguments.sarif,
            inventory=arguments.inventory,
            output=arguments.output,
            batch_strategy=arguments.batch_strategy,
            batch_size=arguments.batch_size,
            max_concurrent=arguments.max_concurrent,
            max_repos=arguments.max_repos,
            rate_limit_buffer=arguments.rate_limit_buffer,
            cross_repo=arguments.cross_repo,
            max_wait_s=arguments.max_wait,
            start_fresh=arguments.start_fresh,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        flag = "--" + str(first["loc"][0]).removesuffix("_s").replace("_", "-")
        raise UsageError(f"{flag} {first['input']}: {first['msg']}; see --help") from error


def _run(request: "IocRequest", server: object) -> "IocResult":
    from flows.ioc.prepare import hand_over, prepare  # noqa: PLC0415
    from flows.local_server import LocalServer  # noqa: PLC0415

    assert isinstance(server, LocalServer)  # noqa: S101
    prepared = prepare(request)
    for warning in prepared.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    from flows.ioc.flow import ioc  # noqa: PLC0415
    from flows.prefect_end import drained  # noqa: PLC0415

    server.ready()
    with hand_over(prepared), drained():
        return ioc(request)


def exit_code(result: "IocResult") -> ExitCode:
    """The code of the contract: findings outweigh gaps."""
    if result.findings:
        return ExitCode.FINDINGS
    if result.failed_files or result.failed_repositories:
        return ExitCode.INCOMPLETE
    return ExitCode.DONE


def _terminate(_signal: int, _frame: object) -> None:
    raise SystemExit(ExitCode.TERMINATED)


def _interrupted(code: ExitCode) -> int:
    print("vetbook: interrupted; finished batches are kept, the same command goes on", file=sys.stderr)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
