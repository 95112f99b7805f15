"""What a scan does when the disk is full, a folder cannot be written, memory is short, or the workbook is damaged."""

import errno
import os
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from flows.scan.progress_record import ProgressRecord
from tasks.batching.pressure import LONGEST_WAIT_S
from tasks.checkpoints.batches import BatchResult
from tasks.checkpoints.statistics import RunStatistics
from tasks.checkpoints.store import CheckpointStore
from tasks.errors import MergeError
from tasks.workbook.writer import WriteReport, write_workbook
from tests.checkpoints.plain_scan import PlainScan, stepping
from tests.checkpoints.test_checkpoints_resume import StopAfter
from tests.end_to_end.harness import make_workbook

PACKAGES = 40


def _scan(folder: Path, settings: str = "batch_size: 4, checkpoint_frequency: 1") -> PlainScan:
    config = folder / "settings.yaml"
    config.write_text(f"batch_processing: {{max_concurrent_batches: 1, {settings}}}\n")
    book = make_workbook(folder / "r.xlsx", [(f"pkg-{number}", "1.0") for number in range(PACKAGES)])
    return PlainScan(book, folder / "data", config)


def _written(scan: PlainScan) -> bool:
    sheet = openpyxl.load_workbook(scan.book).active
    assert sheet is not None
    return all(sheet.cell(4 + place, 6).value == "2.0" for place in range(PACKAGES))


class Quota:
    """A disk with so many bytes for a folder: what is written beyond them fails, what is removed is free again."""

    def __init__(self, folder: Path, limit: int, only: str = "") -> None:
        self.folder, self.limit, self.only = folder, limit, only
        self.refused = 0

    @property
    def used(self) -> int:
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    def before(self, _: int, name: str, arguments: tuple[Any, ...]) -> None:
        if name != "write":
            return
        path = str(Path(f"/proc/self/fd/{arguments[0]}").readlink())
        if path.startswith(str(self.folder)) and self.only in path and self.used + len(arguments[1]) > self.limit:
            self.refused += 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks file names up in /proc")


def _old_files(scan: PlainScan) -> list[Path]:
    backups = scan.data / "backups"
    backups.mkdir(parents=True)
    old = [backups / f"other.backup_2024010{day}_120000.xlsx" for day in range(1, 6)]
    for path in old:
        path.write_bytes(bytes(100_000))
    return old


@needs_proc
def test_on_a_full_disk_old_backups_go_checkpoints_become_rarer_and_the_scan_ends(tmp_path: Path) -> None:
    scan = _scan(tmp_path)
    old = _old_files(scan)
    quota = Quota(scan.data, 500_000 + 3_000)
    with stepping(quota.before):
        scan.run()
    assert quota.refused >= 1
    assert [path.exists() for path in old] == [False] * 4 + [True]
    assert any("The disk is full: 4 old backups" in line for line in scan.warnings)
    assert _written(scan)


@needs_proc
def test_on_a_disk_that_stays_full_for_checkpoints_the_results_are_enough_to_go_on(tmp_path: Path) -> None:
    scan = _scan(tmp_path)
    quota = Quota(scan.data, 0, only="checkpoint_")
    with stepping(quota.before), pytest.raises(KeyboardInterrupt):
        scan.run(StopAfter(3))
    assert quota.refused > 3
    said = [line for line in scan.warnings if "could not be written" in line]
    assert len(said) == 1
    assert list((scan.data / "checkpoints").glob("checkpoint_*.json")) == []
    run = scan.run()
    assert (run.cached, len(scan.asked)) == (3, PACKAGES)
    assert _written(scan)


def test_without_a_folder_for_checkpoints_the_scan_goes_on_and_says_so(tmp_path: Path) -> None:
    scan = _scan(tmp_path)
    scan.data.mkdir()
    (scan.data / "checkpoints").write_text("in the way")
    run = scan.run()
    assert len(run.reviews) == PACKAGES
    assert sum("A checkpoint could not be written" in line for line in scan.warnings) == 1
    assert _written(scan)


def test_results_that_cannot_be_stored_are_failed_packages_and_nothing_else(tmp_path: Path) -> None:
    scan = _scan(tmp_path)

    def before(_: int, name: str, arguments: tuple[Any, ...]) -> None:
        if name == "replace" and arguments[1].name.startswith("batch-"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    with stepping(before):
        run = scan.run()
    assert {review.status.value for review in run.reviews.values()} == {"failed"}
    assert len(run.reviews) == PACKAGES


def test_a_result_that_was_used_without_being_stored_is_told_once_and_not_recorded(tmp_path: Path) -> None:
    scan = _scan(tmp_path)
    prepared = scan.prepare()
    record = ProgressRecord(prepared, RunStatistics(lambda: 0.0, lambda: 1, dict), scan.warnings.append)
    for number in (1, 2):
        result = BatchResult(number=number, keys=prepared.keys[:4], reviews=(), seconds=1.0)
        record.batch_done(f"{prepared.scan_id}/batch-{number}", result, cached=False, failed=0)
    assert [line.partition(" in ")[0] for line in scan.warnings] == ["Results cannot be stored"]
    head = next(CheckpointStore(scan.data / "checkpoints").heads())
    stored = CheckpointStore(scan.data / "checkpoints").load(head.checkpoint_id)
    assert (stored.result_keys, stored.batch_state.completed_packages) == ({}, 4)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_workbook_that_comes_out_damaged_is_not_put_in_place_and_nothing_is_looked_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: float
) -> None:
    scan = _scan(tmp_path)
    before_scan = scan.book.read_bytes()

    def damaging(source: Path, target: Path, *more: Any, **options: Any) -> WriteReport:
        report = write_workbook(source, target, *more, **options)
        written = target.read_bytes()
        at = int(len(written) * part)
        target.write_bytes(written[:at] + bytes(20) + written[at + 20 :])
        return report

    with monkeypatch.context() as patched:
        patched.setattr("tasks.merge.commit.write_workbook", damaging)
        with pytest.raises(MergeError):
            scan.run()
    assert scan.book.read_bytes() == before_scan
    asked = list(scan.asked)
    run = scan.run()
    assert (run.cached, run.batches) == (10, 10)
    assert scan.asked == asked
    assert _written(scan)


def _short_between(first: int, last: int) -> Any:
    calls = iter(range(10_000))
    return lambda: 0.95 if first <= next(calls) < last else 0.2


def _sizes(scan: PlainScan, batches: int) -> list[int]:
    """The sizes of the batches of a scan that is stopped after so many."""
    with pytest.raises(KeyboardInterrupt):
        scan.run(StopAfter(batches))
    return [len(plain["keys"]) for plain in scan.stored]


ADAPTIVE = "strategy: memory-adaptive, batch_size: 8, min_batch_size: 2, max_batch_size: 10, checkpoint_frequency: 100"


def test_short_memory_saves_waits_shrinks_and_drops_nothing(tmp_path: Path) -> None:
    scan = _scan(tmp_path, ADAPTIVE)
    waits = int(LONGEST_WAIT_S / 0.5)
    scan.memory = _short_between(2, 2 + 2 * (waits + 3))
    assert _sizes(scan, 4) == [8, 4, 2, 2]
    assert sum("Memory is short" in line for line in scan.warnings) == 1
    # One at the start, one when memory became short, one at the stop: the last two are kept.
    heads = list(CheckpointStore(scan.data / "checkpoints").heads())
    assert [head.completed_packages for head in heads] == [16, 8]


def test_adaptive_plans_are_replayed_as_they_were_and_only_the_rest_is_planned_anew(tmp_path: Path) -> None:
    scan = _scan(tmp_path, ADAPTIVE)
    scan.memory = _short_between(2, 30)
    sizes = _sizes(scan, 4)
    scan.memory = lambda: 0.2
    run = scan.run()
    assert run.cached == 4
    assert run.batches > 4
    assert scan.asked == [f"pkg-{place}" for place in range(PACKAGES)]
    assert sum(sizes) < PACKAGES


def test_a_time_based_batch_ends_in_time_and_the_next_takes_what_is_left(tmp_path: Path) -> None:
    # A package takes a (made-up) second here: 30 of them do not fit into 20.
    scan = _scan(tmp_path, "strategy: time-based, batch_size: 30, time_interval: 20, checkpoint_frequency: 100")
    sizes = _sizes(scan, 1)
    assert 8 <= sizes[0] <= 20
    heads = list(CheckpointStore(scan.data / "checkpoints").heads())
    assert heads[0].completed_packages == sizes[0]
    run = scan.run()
    assert run.cached == 1
    assert scan.asked == [f"pkg-{place}" for place in range(PACKAGES)]
    assert _written(scan)


def test_time_based_checkpoints_come_at_least_every_interval(tmp_path: Path) -> None:
    scan = _scan(
        tmp_path,
        "strategy: time-based, batch_size: 5, max_batch_size: 5, time_interval: 10, checkpoint_frequency: 1000",
    )
    with pytest.raises(KeyboardInterrupt):
        scan.run(StopAfter(6))
    done = [head.completed_packages for head in CheckpointStore(scan.data / "checkpoints").heads()]
    # The last at the stop, the one before it within an interval of ten packages.
    assert done[0] == 30
    assert done[0] - done[1] <= 10
