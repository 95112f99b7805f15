"""The client in all weathers: `python -m tests.benchmarks.http --services URL --workbook FILE`.

Looks all packages up in batches, as the scan does, without Prefect: with and without asking ahead, then again with
what the first run kept. Set faults on the services' side to see what they cost.
"""

import argparse
import os
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from flows.scan.prepare import prepare
from flows.scan.prepared import PreparedScan
from flows.scan.request import ResumeMode, ScanRequest
from tasks.engine.engine import Engine
from tasks.reports.advice import advice
from tasks.review.model import PackageReview

_PREFIXES = {"pypi": "pypi-host", "osv": "osv", "osv_bulk": "osv-bulk"}


def main() -> None:
    """Run the comparison that the arguments ask for."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks.http", description=__doc__)
    parser.add_argument("--services", required=True, help="address of the services")
    parser.add_argument("--workbook", type=Path, required=True, help="review workbook to look up")
    parser.add_argument("--batch-size", type=int, default=10)
    parser.add_argument("--at-once", type=int, default=4, help="batches under way at the same time")
    parser.add_argument("--before-each", type=Path, help="program to run before each comparison")
    arguments = parser.parse_args()
    os.environ.update(
        {f"VETBOOK_SOURCES__{k.upper()}__BASE_URL": f"{arguments.services}/{v}" for k, v in _PREFIXES.items()}
    )
    for ahead in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            request = ScanRequest(
                workbook=arguments.workbook, data_dir=Path(folder), resume=ResumeMode.FRESH, dry_run=True
            )
            for turn in ("first", "again"):
                if arguments.before_each:
                    subprocess.run([arguments.before_each], check=True)
                _one(f"ahead {ahead}, {turn}", prepare(request), arguments.batch_size, arguments.at_once, ahead)


def _one(name: str, prepared: PreparedScan, size: int, at_once: int, ahead: bool) -> None:
    engine = Engine(prepared.lookup)
    reviews: list[PackageReview] = []
    seconds = _timed(lambda: reviews.extend(_look_up(engine, prepared, size, at_once, ahead)))
    figures = {
        service.value: (m.requests, m.retries, m.cache_hits, m.peak_in_flight, m.waits_s)
        for service, m in engine.metrics().items()
    }
    statuses = Counter(review.status.value for review in reviews)
    metrics = engine.metrics()
    engine.close()
    print(f"{name}: {seconds:.1f} s, {dict(statuses)}; requests, retries, hits, in flight, waits: {figures}")
    for sentence in advice({service.value: m for service, m in metrics.items()}):
        print(f"  {sentence}")


def _timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _look_up(engine: Engine, prepared: PreparedScan, size: int, at_once: int, ahead: bool) -> list[PackageReview]:
    refs = engine.index(sorted({key.project for key in prepared.keys}))
    engine.expect([ref for own in refs.values() for ref in own])
    if ahead:
        engine.expect_projects([key.project for key in prepared.keys])
    batches = [prepared.keys[at : at + size] for at in range(0, len(prepared.keys), size)]
    with ThreadPoolExecutor(at_once) as pool:
        done = pool.map(lambda batch: engine.review_batch(batch, refs, None), batches)
        return [review for batch in done for review in batch]


if __name__ == "__main__":
    main()
