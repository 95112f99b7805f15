"""What runs tell in the UI: the right rows and tags, progress off the run's path, and no failure of their own."""

import dataclasses
import socket
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect import flow, tags
from prefect.runtime import flow_run

from flows.prefect_end import drained
from flows.story.ioc_story import ioc_pieces
from flows.story.pieces import LinkPiece, MarkdownPiece, Piece, TablePiece, escaped, table_of
from flows.story.progress import ProgressTeller, TellingDisplay, told_progress
from flows.story.publish import publish
from flows.story.scan_story import coverage_rows, finding_rows, scan_pieces, scan_tags
from tasks.progress.tally import Figures
from tasks.reports.findings import IocMetrics, IocResult
from tasks.reports.result import RunMetrics, ScanResult
from tasks.review.model import PackageReview, ReviewStatus
from tests.review.review_samples import CRITICAL, MEDIUM, NOW, OSV_DOWN, advisory, key, reviewed

MILD = reviewed(key("1.0"), advisory("GHSA-1", vector=MEDIUM))
GRAVE = reviewed(key("1.0"), advisory("GHSA-2", vector=CRITICAL))
DOWN = reviewed(key("1.0"), osv=OSV_DOWN)
CLEAN = reviewed(key("1.0"))
UNUSABLE = reviewed(key(None, text="latest"))


def result_of(*packages: PackageReview, **more: Any) -> ScanResult:
    return ScanResult("s1", Path("books/a.xlsx"), NOW, NOW, packages, RunMetrics(1.0, 1, 0), **more)


def test_the_gravest_finding_is_first_and_every_gap_is_a_row() -> None:
    result = result_of(MILD, GRAVE, DOWN)
    assert [row["Advisories"] for row in finding_rows(result)] == ["GHSA-2", "GHSA-1"]
    assert [(row["Status"], row["Source"]) for row in coverage_rows(result)] == [("failed", "all")]
    skipped = MILD.model_copy(update={"status": ReviewStatus.SKIPPED, "reason": "blank", "vulnerabilities": ()})
    assert [row["Reason"] for row in coverage_rows(result_of(skipped))] == ["blank"]


def test_a_source_that_failed_is_a_gap_of_a_reviewed_package() -> None:
    gapped = MILD.model_copy(update={"gaps": ("kev",)})
    assert [(row["Source"], row["Reason"]) for row in coverage_rows(result_of(gapped))] == [("kev", "could not answer")]
    assert "outcome:unchecked" in scan_tags(result_of(gapped), None)


def test_no_artifact_says_none_exploited_where_kev_was_not_heard() -> None:
    known = reviewed(key("1.0"), advisory("GHSA-1", aliases=("CVE-2020-0001",)))
    unasked = known.model_copy(update={"not_consulted": ("kev",)})
    exploited = known.vulnerabilities[0].model_copy(update={"kev": True})
    for packages, cell, figure in (
        ((known,), "no", "0"),
        ((unasked,), "not consulted", "not known: KEV not consulted for 1 package"),
        ((unasked.model_copy(update={"vulnerabilities": (exploited,)}),), "yes", "1, perhaps more: KEV not consulted"),
        ((DOWN,), None, "not known: 1 package could not be checked"),
    ):
        summary, table, *_ = scan_pieces(result_of(*packages), None, {})
        assert isinstance(summary, MarkdownPiece)
        assert f"| Exploited or malicious | {figure}" in summary.text
        assert isinstance(table, TablePiece)
        assert [row["Exploited"] for row in table.rows] == ([cell] if cell else [])


@pytest.mark.parametrize(
    ("packages", "problem", "tags"),
    [
        ((CLEAN,), None, {"clean"}),
        ((MILD,), None, {"findings"}),
        ((GRAVE, CLEAN), None, {"findings", "critical"}),
        ((DOWN,), None, {"unchecked"}),
        ((CLEAN,), "open in Excel", {"not-written"}),
        ((CLEAN, UNUSABLE), None, {"manual-review"}),
    ],
)
def test_tags_say_the_outcome(packages: tuple[PackageReview, ...], problem: str | None, tags: set[str]) -> None:
    assert scan_tags(result_of(*packages), problem) == {f"outcome:{tag}" for tag in tags}


def test_the_summary_names_a_merge_that_failed_and_the_files() -> None:
    pieces = list(scan_pieces(result_of(MILD), "open in *Excel*", {"Workbook": Path("/books/a.xlsx")}))
    (summary,) = (piece for piece in pieces if isinstance(piece, MarkdownPiece))
    assert "**The workbook was not written:** open in \\*Excel\\*" in summary.text
    assert "`/books/a.xlsx`" in summary.text
    assert [piece.path for piece in pieces if isinstance(piece, LinkPiece)] == [Path("/books/a.xlsx")]
    assert [len(piece.rows) for piece in pieces if isinstance(piece, TablePiece)] == [1, 0]


def test_an_ioc_scan_links_its_report() -> None:
    result = IocResult("s1", "github:acme", NOW, NOW, (), (), (), (), IocMetrics(), 1, page=Path("r.html"))
    links = [piece.path for piece in ioc_pieces(result, {}) if isinstance(piece, LinkPiece)]
    assert links == [Path("r.html").resolve()]


def test_many_figures_are_shown_rarely_and_the_last_one_always() -> None:
    shown: list[tuple[float, str]] = []
    first = threading.Event()

    def show(percent: float, text: str) -> None:
        shown.append((percent, text))
        first.set()

    teller = ProgressTeller(show, every_s=0.01)
    teller.note(1, 4, "one")
    teller.start()
    assert first.wait(10)
    teller.note(4, 4, "four")
    teller.end()
    assert shown == [(25.0, "one"), (100.0, "four")]


def test_a_run_that_ends_at_once_shows_no_progress() -> None:
    shown: list[object] = []
    teller = ProgressTeller(lambda *figures: shown.append(figures), every_s=3600)
    teller.start()
    teller.note(1, 1, "all")
    teller.end()
    assert shown == []


def test_the_display_notes_and_shows() -> None:
    noted: list[tuple[int, int, str]] = []
    seen: list[bool] = []

    class Inner:
        def show(self, figures: Figures, *, last: bool = False) -> None:
            seen.append(last)

        def close(self) -> None:
            seen.append(True)

    display = TellingDisplay(Inner(), lambda *figures: noted.append(figures))
    display.show(Figures(1, 2, 8, 0, 0, 1.0, None))
    display.close()
    assert (noted[0][:2], seen) == ((2, 8), [False, True])


@pytest.mark.prefect
def test_artifacts_and_tags_belong_to_the_run(prefect_server: str) -> None:
    pieces: list[Piece] = [
        MarkdownPiece("story-text", "A text", "# a"),
        table_of("story-table", "rows", [{"Package": "*p*"}]),
        LinkPiece("story-link", "A file", Path.cwd() / "a b.xlsx"),
    ]

    @flow
    def told() -> str:
        with told_progress("subject") as note:
            note(1, 2, "half")
        publish(pieces, {"outcome:clean"})
        return str(flow_run.id)

    with drained(), tags("mine", "outcome:not-written"):
        run_id = told()
    wanted = {"artifacts": {"flow_run_id": {"any_": [run_id]}}}
    found = {one["key"]: one for one in httpx.post(f"{prefect_server}/artifacts/filter", json=wanted).json()}
    assert httpx.get(f"{prefect_server}/flow_runs/{run_id}").json()["tags"] == ["mine", "outcome:clean"]
    assert set(found) == {"story-text", "story-table", "story-link"}
    assert found["story-table"]["data"] == '[{"Package": "\\\\*p\\\\*"}]'
    link = found["story-link"]["data"]
    assert "a%20b.xlsx" in link
    assert f"{escaped(socket.gethostname())}: `{Path.cwd() / 'a b.xlsx'}`" in link


@pytest.mark.prefect
def test_a_story_that_cannot_be_written_is_a_warning(prefect_server: str, caplog: pytest.LogCaptureFixture) -> None:
    bad = dataclasses.replace(MarkdownPiece("x", "Bad key", "text"), key="No Such Key!")

    @flow
    def told() -> str:
        publish([bad, MarkdownPiece("story-good", "Good", "text")], {"outcome:clean"})
        return "done"

    with drained():
        assert told() == "done"
    assert '"Bad key" could not be shown' in caplog.text


def test_outside_of_a_run_nothing_is_told() -> None:
    publish([MarkdownPiece("k", "t", "x")], {"outcome:clean"})
    with told_progress("subject") as note:
        note(1, 1, "all")
