"""The printed command goes on with the scan that was interrupted: every word that shapes it is in it, quoted."""

import os
import shlex

import pytest

from flows.scan.arguments import parser
from flows.scan.going_on import command_to_go_on

EVERY_SHAPE = (
    ["--input", "my book.xlsx", "--output", "out.xlsx", "--config", "c.yaml", "--decisions", "risk $(x).yaml"],
    ["-i", "b.xlsx", "-p", "one", "two", "--start-row", "5", "--end-row=9", "--data-dir", "d"],
    [
        "--input",
        "b.xlsx",
        "--offline",
        "--fail-on",
        "high",
        "--merge-strategy=use-current",
        "--json",
        "r.json",
        "--yes",
    ],
    ["--environment", "/usr/bin/python3", "-o", "o.xlsx", "--batch-size", "7", "--retry-failed", "--dry-run", "--sync"],
    ["--input", "b.xlsx", "--vex", "v.json", "--csv", "c.csv", "--upgrade-sheet", "--summary-sheet", "--format-check"],
)


@pytest.mark.skipif(os.name == "nt", reason="quoted for another shell there")
@pytest.mark.parametrize("words", EVERY_SHAPE)
@pytest.mark.parametrize(
    "beginning", [[], ["--start-fresh"], ["--resume-auto"], ["--resume-from-package", "4"], ["--resume-from-batch=2"]]
)
def test_the_command_means_the_same_scan_resumed(words: list[str], beginning: list[str]) -> None:
    python, _, module, *again = shlex.split(command_to_go_on([*words[:2], *beginning, *words[2:]]))
    assert (python, module) == ("python", "flows.scan")
    assert vars(parser().parse_args(again)) == {**vars(parser().parse_args(words)), "resume_auto": True}


def test_a_value_that_is_missing_is_no_error_of_ours() -> None:
    assert command_to_go_on(["--resume-from-batch"]) == "python -m flows.scan --resume-auto"
