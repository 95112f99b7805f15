"""`python -m flows.ioc`: one IOC scan, with a Prefect server of its own where none is running."""

import argparse
from typing import TYPE_CHECKING

from flows.command.ending import ended
from flows.console import complain, say
from flows.ioc.arguments import parser
from tasks.errors import ExitCode

if TYPE_CHECKING:
    from flows.ioc.request import IocRequest
    from flows.local_server import LocalServer
    from tasks.reports.findings import IocResult


def main(words: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = parser().parse_args(words)
    return ended(lambda: _answer(arguments), "finished batches are kept, the same command goes on")


def _answer(arguments: argparse.Namespace) -> int:
    if arguments.list_checkpoints:
        from flows.checkpoints.listing import print_list  # noqa: PLC0415  each command imports only what it needs

        return print_list(arguments.data_dir, arguments.json_file)
    if arguments.org is None:
        from tasks.errors import UsageError  # noqa: PLC0415  as above

        raise UsageError("--org ORG is missing; see --help")
    return _scan(arguments)


def _scan(arguments: argparse.Namespace) -> int:
    from flows.command.serving import beside_server  # noqa: PLC0415  slow imports come after the quick answers

    request = _request(arguments)
    with beside_server(verbose=arguments.verbose, quiet=arguments.quiet) as server:
        result = _run(request, server)
    if not arguments.quiet:
        for line in result.summary_lines():
            say(line)
    return exit_code(result)


def _request(arguments: argparse.Namespace) -> "IocRequest":
    from flows.command.requests import request_from  # noqa: PLC0415
    from flows.ioc.request import IocRequest  # noqa: PLC0415

    own = {"repositories": arguments.repo, "max_wait_s": arguments.max_wait}
    return request_from(IocRequest, vars(arguments) | own, {"repositories": "repo"})


def _run(request: "IocRequest", server: "LocalServer") -> "IocResult":
    from flows.ioc.prepare import hand_over, prepare  # noqa: PLC0415

    prepared = prepare(request)
    for warning in prepared.warnings:
        complain(f"warning: {warning}")
    from flows.ioc.flow import ioc  # noqa: PLC0415
    from flows.opaque import opened  # noqa: PLC0415
    from flows.prefect_end import drained  # noqa: PLC0415

    server.ready()
    with hand_over(prepared), drained():
        return opened(ioc(request))


def exit_code(result: "IocResult") -> ExitCode:
    """The code of the contract: findings outweigh gaps, and both what was asked for and not written."""
    if result.problem is not None:
        return ExitCode.MERGE_FAILED
    if result.findings:
        return ExitCode.FINDINGS
    if result.incomplete:
        return ExitCode.INCOMPLETE
    return ExitCode.DONE


if __name__ == "__main__":
    raise SystemExit(main())
