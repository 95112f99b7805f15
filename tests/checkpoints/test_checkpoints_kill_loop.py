"""A scan of 40 packages in batches, killed at every durable step it takes, ends like one that was left in peace."""

import os
import signal
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from tests.checkpoints.plain_scan import PlainScan, copied, in_child, killing, stepping
from tests.end_to_end.harness import make_workbook

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

PACKAGES = 40
STRATEGIES = {
    "fixed-size": "batch_size: 5",
    "memory-adaptive": "batch_size: 8, min_batch_size: 2, max_batch_size: 12",
    "time-based": "batch_size: 4, max_batch_size: 30, time_interval: 8",
}


class Swinging:
    """Memory in use that passes the threshold and comes back, the same way in every run."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> float:
        self.calls += 1
        return (0.3, 0.3, 0.95, 0.5)[self.calls % 4]


def _scan(folder: Path, strategy: str) -> PlainScan:
    config = folder / "settings.yaml"
    rest = "max_concurrent_batches: 1, checkpoint_frequency: 2"
    config.write_text(f"batch_processing: {{strategy: {strategy}, {STRATEGIES[strategy]}, {rest}}}\n")
    book = make_workbook(folder / "r.xlsx", [(f"pkg-{number}", "1.0") for number in range(PACKAGES)])
    return PlainScan(book, folder / "data", config, Swinging())


def _kill_and_go_on(scan: PlainScan, number: int, before: bytes, after: bytes) -> bool:
    """Whether the run was killed; whatever the step, the next run ends with the very same workbook."""

    def dying() -> None:
        with stepping(killing(number)):
            scan.run()

    code = in_child(dying)
    if code == 0:
        return False
    assert code == -signal.SIGKILL
    assert scan.book.read_bytes() in (before, after), f"step {number}"
    finished, asked = scan.finished, Counter(scan.asked)
    done = not finished and scan.book.read_bytes() == after
    assert in_child(scan.run) == 0, f"step {number}"
    assert scan.book.read_bytes() == after, f"step {number}"
    repeated = {name for name, times in Counter(scan.asked).items() if times > asked[name]}
    assert not repeated & finished, f"step {number}"
    assert done or set(scan.asked) == {f"pkg-{place}" for place in range(PACKAGES)}
    left = [path for folder in (scan.data, scan.book.parent) for path in folder.rglob("*.tmp")]
    assert left == [], f"step {number}"
    return True


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("strategy", "stride"), [("fixed-size", 1), ("memory-adaptive", 7), ("time-based", 7)])
def test_killed_at_any_step_the_next_run_ends_with_the_same_workbook(
    tmp_path: Path, strategy: str, stride: int
) -> None:
    calm = _scan(tmp_path, strategy)
    before = calm.book.read_bytes()
    steps = 0

    def count(number: int, name: str, arguments: tuple[object, ...]) -> None:
        nonlocal steps
        steps = number

    fresh = copied(calm, tmp_path / "calm")
    with stepping(count):
        run = fresh.run()
    after = fresh.book.read_bytes()
    assert after != before
    assert zipfile.ZipFile(fresh.book).testzip() is None
    assert len(run.reviews) == PACKAGES
    assert run.batches >= 5
    assert not list((fresh.data / "results").iterdir())
    assert not list((fresh.data / "checkpoints").glob("*.json"))
    killed = [
        _kill_and_go_on(copied(calm, tmp_path / str(number)), number, before, after)
        for number in range(1, steps + 1, stride)
    ]
    assert all(killed)
    assert steps > 100
