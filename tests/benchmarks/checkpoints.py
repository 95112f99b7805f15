"""What checkpoints cost: `python -m tests.benchmarks.checkpoints [--rows 486] [--latency-ms 20]`."""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl

from flows.scan.batches import BatchOutcome
from flows.scan.progress_record import ProgressRecord
from tasks.checkpoints.batches import BatchRequest, BatchResult
from tasks.review.model import PackageKey, PackageReview
from tests.checkpoints import plain_scan
from tests.checkpoints.plain_scan import PlainLookups, PlainScan
from tests.end_to_end.harness import make_workbook

_COLUMNS = 16


def main() -> None:
    """Run both comparisons."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks.checkpoints", description=__doc__)
    parser.add_argument("--rows", type=int, default=486)
    parser.add_argument("--latency-ms", type=float, default=20, help="made-up time of one package's lookup")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        names = [(f"pkg-{number}", "1.0") for number in range(arguments.rows)]
        book = make_workbook(Path(folder) / "r.xlsx", names)
        _with_and_without(book, Path(folder), arguments.latency_ms / 1000)
        _against_saving_each_package(book, Path(folder), arguments.rows)


def _scan(book: Path, folder: Path) -> PlainScan:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    config = folder / "s.yaml"
    config.write_text("batch_processing: {batch_size: 10, max_concurrent_batches: 1}\n")
    return PlainScan(Path(shutil.copy(book, folder / "r.xlsx")), folder / "data", config)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


class _Slow(PlainLookups):
    """Lookups of a given latency a package."""

    latency_s = 0.0

    def _review(self, keys: Sequence[PackageKey]) -> Sequence[PackageReview]:
        time.sleep(self.latency_s * len(keys))
        return super()._review(keys)


class _Forgetful(_Slow):
    """The same, storing nothing."""

    def _batch(self, request: BatchRequest) -> BatchOutcome:
        reviews = tuple(self._review(request.keys))
        return BatchOutcome(BatchResult(number=1, keys=request.keys, reviews=reviews, seconds=0.0), cached=False)


def _with_and_without(book: Path, folder: Path, latency_s: float) -> None:
    """Batches of 10 with results, checkpoints and the copy of the workbook, and with none of them."""
    _Slow.latency_s = latency_s
    write, nothing = ProgressRecord._try, lambda *_: True
    _run(book, folder, _Slow)
    plain, durable = [], []
    for _ in range(3):
        ProgressRecord._try = nothing  # type: ignore[method-assign]
        plain.append(_run(book, folder, _Forgetful))
        ProgressRecord._try = write  # type: ignore[method-assign]
        durable.append(_run(book, folder, _Slow))
    ratio = min(durable) / min(plain)
    print(f"with checkpoints {min(durable):.2f} s, without {min(plain):.2f} s: ratio {ratio:.2f} (goal: at most 1.15)")


def _run(book: Path, folder: Path, lookups: type[Any]) -> float:
    scan = _scan(book, folder / "run")
    plain_scan.PlainLookups = lookups  # type: ignore[misc]  # what a run of PlainScan looks up with
    return _timed(scan.run)


def _against_saving_each_package(book: Path, folder: Path, rows: int) -> None:
    """A whole scan without any latency, and openpyxl saving the workbook after each package's cells."""
    _Slow.latency_s = 0.0
    ours = _run(book, folder, _Slow)
    path = Path(shutil.copy(book, folder / "each.xlsx"))
    opened = openpyxl.load_workbook(path)
    sheet = opened.active
    assert sheet is not None
    began = time.perf_counter()
    for row in range(4, 4 + rows):
        for column in range(_COLUMNS):
            sheet.cell(row, 5 + column, "None found")
        opened.save(path)
    theirs = time.perf_counter() - began
    print(
        f"saving after each package {theirs:.1f} s, our whole scan {ours:.2f} s: {theirs / ours:.0f} times (goal: 20)"
    )


if __name__ == "__main__":
    main()
