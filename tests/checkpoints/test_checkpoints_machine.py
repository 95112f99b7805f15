"""Any order of runs, kills, stops, resumes, damage and edits: nothing is lost, repeated or overwritten."""

import os
import shutil
import signal
import tempfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from flows.scan.prepare import prepare
from flows.scan.request import ResumeMode
from tests.checkpoints.plain_scan import PlainScan, in_child, killing, stepping
from tests.end_to_end.harness import make_workbook

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

PACKAGES = 12
STEPS = 160
"""A little more durable steps than a run of this size takes."""


class Scans(RuleBasedStateMachine):
    """One workbook and what happens to it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        config = self.folder / "settings.yaml"
        config.write_text("batch_processing: {batch_size: 3, max_concurrent_batches: 1, checkpoint_frequency: 1}\n")
        book = make_workbook(self.folder / "r.xlsx", [(f"pkg-{place}", "1.0") for place in range(PACKAGES)])
        self.scan = PlainScan(book, self.folder / "data", config)
        self.notes = {place: f"note {place}" for place in range(PACKAGES)}
        self.typed: dict[int, str] = {}

    def _run(self, step: int | None, resume: ResumeMode) -> int:
        finished, asked = self.scan.finished if resume is ResumeMode.AUTO else set(), len(self.scan.asked)

        def work() -> None:
            with stepping(killing(step or 10**9)):
                # Forced: damage and edits may have left no copy to compare with.
                self.scan.run(prepared=prepare(self.scan.request(resume=resume, force_continue=True)))

        code = in_child(work)
        assert code in (0, -signal.SIGKILL)
        assert not finished & set(self.scan.asked[asked:])
        return code

    @rule(step=st.integers(1, STEPS), resume=st.sampled_from([ResumeMode.AUTO, ResumeMode.AUTO, ResumeMode.FRESH]))
    def killed(self, step: int, resume: ResumeMode) -> None:
        self._run(step, resume)

    @rule()
    def run_to_its_end(self) -> None:
        assert self._run(None, ResumeMode.AUTO) == 0
        sheet = openpyxl.load_workbook(self.scan.book).active
        assert sheet is not None
        found = {place: sheet.cell(4 + place, 6).value for place in range(PACKAGES)}
        assert all(value == "2.0" for place, value in found.items() if place not in self.typed), found
        assert self.scan.unfinished is None
        self.typed.clear()

    @rule(seed=st.integers(0, 99))
    def damage(self, seed: int) -> None:
        files = sorted(path for name in ("checkpoints", "results") for path in (self.scan.data / name).rglob("*.*"))
        files = [path for path in files if path.is_file()]
        if files:
            path = files[seed % len(files)]
            path.write_bytes(path.read_bytes()[: seed * 7])

    @rule(place=st.integers(0, PACKAGES - 1), text=st.sampled_from(["seen", "later", "mine"]))
    def note(self, place: int, text: str) -> None:
        book = openpyxl.load_workbook(self.scan.book)
        assert book.active is not None
        book.active.cell(4 + place, 14, text)
        book.save(self.scan.book)
        self.notes[place] = text

    @invariant()
    def the_reviewers_cells_are_untouched(self) -> None:
        sheet = openpyxl.load_workbook(self.scan.book).active
        assert sheet is not None
        assert {place: sheet.cell(4 + place, 14).value for place in range(PACKAGES)} == self.notes
        assert [sheet.cell(4 + place, 2).value for place in range(PACKAGES)] == [f"pkg-{n}" for n in range(PACKAGES)]

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


Scans.TestCase.settings = settings(
    max_examples=15, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck)
)
TestScans = Scans.TestCase
TestScans.pytestmark = [pytestmark, pytest.mark.timeout(300)]  # type: ignore[attr-defined]
