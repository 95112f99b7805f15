"""The command line of the IOC scan. Imports nothing that is slow: `--help` must answer at once."""

import argparse
from pathlib import Path

from flows.command.words import add_config, add_data_dir, add_loudness, command_parser

DESCRIPTION = "Find packages known to be malicious in the lockfiles and SBOMs of a GitHub organisation."

EPILOG = """The token comes from GITHUB_TOKEN, or a GitHub App from GITHUB_APP_ID, GITHUB_APP_PRIVATE_KEY (or
GITHUB_APP_PRIVATE_KEY_FILE) and, if wanted, GITHUB_APP_INSTALLATION_ID;
the address of GitHub Enterprise from sources.github.base_url.

exit codes:
  0  done, nothing found
  1  findings
  2  wrong use, settings, token or input; nothing was written
  3  done, but something could not be read
  4  a report could not be written
  130, 143  interrupted; run again, finished batches are kept"""


def parser() -> argparse.ArgumentParser:
    """The parser of `python -m flows.ioc`."""
    made = command_parser("ioc", DESCRIPTION, EPILOG)
    _add_target(made.add_argument_group("what is scanned"))
    _add_indicators(made.add_argument_group("what is looked for"))
    _add_batches(made.add_argument_group("batches, limits and resuming"))
    _add_output(made.add_argument_group("output"))
    return made


def _add_target(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--org", metavar="ORG", help="the organisation (or user)")
    only = group.add_mutually_exclusive_group()
    only.add_argument("--repo", nargs="+", metavar="NAME", default=[], help="only these repositories")
    only.add_argument("--team", metavar="SLUG", help="only this team's repositories")
    group.add_argument(
        "--team-first-org",
        action="store_true",
        help="the whole organisation, beginning with each team's repositories, or with those of --team",
    )
    group.add_argument("--github-block", metavar="NAME", help="take credentials from this saved Prefect block")
    group.add_argument("--fast", action="store_true", help="only files in the top folder of each repository")
    group.add_argument("--include-archived", action="store_true", help="archived repositories too")


def _add_indicators(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--indicators",
        nargs="+",
        type=Path,
        metavar="PATH",
        default=[],
        help="lists of malicious packages: OSV records (file, folder, zip), CSV, YAML, JSON, an older scanner's .py, or"
        " an advisory store (default: DATA/store/synced.sqlite, filled by python -m flows.sync)",
    )
    group.add_argument(
        "--allow", nargs="+", type=Path, metavar="PATH", default=[], help="lists of packages that are not reported"
    )


def _add_batches(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--batch-strategy",
        choices=["sequential", "parallel", "adaptive", "aggressive", "conservative"],
        help="how much is asked at once (default: adaptive)",
    )
    group.add_argument("--batch-size", type=int, metavar="N", help="files per batch (1 to 100, default: 10)")
    group.add_argument("--max-concurrent", type=int, metavar="N", help="requests in flight (1 to 50, default: 10)")
    group.add_argument("--max-repos", type=int, metavar="N", help="repositories at a time (1 to 10, default: 3)")
    group.add_argument(
        "--rate-limit-buffer", type=float, metavar="SHARE", help="share of the rate limit used (0.1 to 1, default: 0.8)"
    )
    across = group.add_mutually_exclusive_group()
    across.add_argument(
        "--enable-cross-repo-batching",
        dest="cross_repo",
        action="store_true",
        default=None,
        help="batches hold files of several repositories (default)",
    )
    across.add_argument(
        "--disable-cross-repo-batching", dest="cross_repo", action="store_false", help="one repository a batch"
    )
    group.add_argument(
        "--max-wait",
        type=float,
        metavar="SECONDS",
        default=900.0,
        help="how long to wait for a used-up rate limit before stopping, resumably (default: 900)",
    )
    resume = group.add_mutually_exclusive_group()
    resume.add_argument("--resume-auto", action="store_true", help="go on with an unfinished scan (default)")
    resume.add_argument(
        "--start-fresh", action="store_true", help="ignore an unfinished scan and read every file again"
    )
    group.add_argument("--list-checkpoints", action="store_true", help="list the checkpoints in the data folder")


def _add_output(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--json", type=Path, metavar="FILE", dest="json_file", help="write the whole result as JSON")
    group.add_argument("--sarif", type=Path, metavar="FILE", help="write the findings as SARIF 2.1.0")
    group.add_argument("--cyclonedx", type=Path, metavar="FILE", help="write the findings as CycloneDX 1.6")
    group.add_argument("--inventory", type=Path, metavar="FILE", help="write every package, one JSON object a line")
    group.add_argument("-o", "--output", type=Path, metavar="FILE", help="write a findings workbook (.xlsx)")
    add_config(group)
    add_data_dir(group, "what is kept")
    add_loudness(group)
