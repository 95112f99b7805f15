"""The command line of the scan. Imports nothing that is slow: `--help` must answer at once."""

import argparse
from pathlib import Path

from flows.command.words import add_answer, add_config, add_data_dir, add_loudness, command_parser

DESCRIPTION = "Review every package of a workbook and write what was found back into it."

EPILOG = """exit codes:
  0  done
  1  findings at or above --fail-on
  2  wrong use, settings or input; nothing was touched
  3  done, but something could not be checked
  4  the workbook could not be written; the results are kept
  130, 143  interrupted; run again with --resume-auto"""


def parser() -> argparse.ArgumentParser:
    """The parser of `python -m flows.scan`."""
    made = command_parser("scan", DESCRIPTION, EPILOG)
    _add_files(made.add_argument_group("files"))
    _add_selection(made.add_argument_group("which packages"))
    _add_batches(made.add_argument_group("batches and resuming"))
    _add_behaviour(made.add_argument_group("behaviour"))
    return made


def _add_files(group: argparse._ArgumentGroup) -> None:
    source = group.add_mutually_exclusive_group()
    source.add_argument(
        "-i",
        "--input",
        type=Path,
        metavar="FILE",
        help="the review workbook; or requirements.txt, pylock.toml, uv.lock, poetry.lock, pdm.lock, Pipfile.lock, a"
        " CycloneDX or SPDX document: its packages become a workbook (FILE.review.xlsx, or --output)",
    )
    source.add_argument(
        "--environment",
        type=Path,
        metavar="PYTHON",
        help="review what is installed beside this interpreter (needs --output)",
    )
    group.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="write a full copy here, leave the input alone; of a list: the workbook to make, or to add packages to",
    )
    add_config(group)
    group.add_argument(
        "--decisions",
        type=Path,
        metavar="FILE",
        help="reviewers' decisions about findings (YAML), beside those of the workbook's sheet Decisions",
    )
    add_data_dir(group, "checkpoints, results and backups")
    add_answer(
        group,
        "write the whole result as JSON; of --list-checkpoints and --validate-checkpoint, also to standard output",
    )
    group.add_argument("--vex", type=Path, metavar="FILE", dest="vex_file", help="write the findings as CycloneDX VEX")
    group.add_argument("--csv", type=Path, metavar="FILE", dest="csv_file", help="write the findings as CSV")


def _add_selection(group: argparse._ArgumentGroup) -> None:
    group.add_argument("-p", "--packages", nargs="+", metavar="NAME", default=[], help="only these packages")
    group.add_argument("--start-row", type=int, metavar="N", help="first Excel row to review")
    group.add_argument("--end-row", type=int, metavar="N", help="last Excel row to review")
    group.add_argument(
        "--retry-failed", action="store_true", help="only rows where something could not be checked, or nothing is said"
    )


def _add_batches(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--enable-batch-processing", action="store_true", help="accepted; batches are always used")
    group.add_argument("--batch-size", type=int, metavar="N", help="packages per batch (default: by workbook size)")
    group.add_argument(
        "--batch-strategy",
        choices=["fixed-size", "memory-adaptive", "time-based"],
        help="how packages are cut into batches (default: fixed-size)",
    )
    resume = group.add_mutually_exclusive_group()
    resume.add_argument("--resume-auto", action="store_true", help="go on with an unfinished scan of this workbook")
    resume.add_argument("--start-fresh", action="store_true", help="ignore an unfinished scan of this workbook")
    resume.add_argument(
        "--resume-from-package",
        type=int,
        metavar="N",
        help="begin at the Nth package (from 1); before it, take the unfinished scan's results",
    )
    resume.add_argument("--resume-from-batch", type=int, metavar="N", help="the same with the Nth batch (from 1)")
    group.add_argument(
        "--force-continue", action="store_true", help="go on with an unfinished scan that its validation refuses"
    )
    looks = group.add_mutually_exclusive_group()
    looks.add_argument("--list-checkpoints", action="store_true", help="list the checkpoints in the data folder")
    looks.add_argument(
        "--validate-checkpoint", metavar="ID", help="check one checkpoint; exit 0 when it is valid, or 2"
    )


def _add_behaviour(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--dry-run", action="store_true", help="look everything up, write no workbook")
    looks = group.add_mutually_exclusive_group()
    looks.add_argument("--report-only", action="store_true", help="only report what the workbook says, look nothing up")
    looks.add_argument(
        "--changes-only",
        action="store_true",
        help="only report how --output differs from --input (without --output: --input from its newest backup)",
    )
    looks.add_argument(
        "--format-check-only",
        action="store_true",
        help="only list cells whose colours belie their text",
    )
    group.add_argument("--format-check", action="store_true", help="also mend such cells")
    group.add_argument(
        "--upgrade-sheet", action="store_true", help="also add or renew the sheet Vetbook upgrades in the workbook"
    )
    group.add_argument(
        "--summary-sheet", action="store_true", help="also add or renew the sheet Vetbook summary in the workbook"
    )
    group.add_argument(
        "--merge-strategy",
        choices=["use-checkpoint", "use-current", "merge"],
        default="merge",
        help="who wins a cell that both you and the scan changed: the scan, the workbook, or the workbook"
        " unless you decide otherwise on the terminal (default: merge)",
    )
    group.add_argument("--sync", action="store_true", help="first bring the advisory store up to date")
    group.add_argument(
        "--offline", action="store_true", help="open no connection; use the snapshot, or the store and what runs kept"
    )
    group.add_argument(
        "--fail-on",
        choices=["low", "medium", "high", "critical"],
        metavar="SEVERITY",
        help="exit with 1 at findings of this severity or above: low, medium, high, critical",
    )
    group.add_argument(
        "--lock-timeout",
        type=float,
        metavar="SECONDS",
        default=60.0,
        help="how long to wait for a workbook that is open elsewhere (default: 60)",
    )
    group.add_argument("--yes", action="store_true", help="ask nothing")
    add_loudness(group)
