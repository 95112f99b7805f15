"""Thousands of small batches: memory, open files and tasks stay where they were."""

import gc
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tasks.engine.engine import Engine
from tasks.engine.lookup import lookup_settings
from tasks.review.model import PackageKey, ReviewStatus
from tasks.settings.load import load_settings
from tests.engine.engine_services import FakeServices

BATCHES = 2000
WARM_UP = 300


@pytest.fixture
def services() -> Iterator[FakeServices]:
    running = FakeServices()
    yield running
    running.close()


def key(name: str) -> PackageKey:
    return PackageKey(name=name, project=name, version="1.0", version_text="1.0")


def _footprint() -> tuple[float, int, int]:
    """Resident MB, open descriptors (sockets and files), threads."""
    gc.collect()
    process = psutil.Process()
    count = getattr(process, "num_fds", None) or process.num_handles  # type: ignore[attr-defined]  # on Windows
    files = int(count())
    return process.memory_info().rss / 1e6, files, process.num_threads()


def test_two_thousand_batches_leak_neither_memory_nor_files(services: FakeServices, tmp_path: Path) -> None:
    settings = load_settings(None, {}, {"sources": services.sources}).settings
    engine = Engine(lookup_settings(settings, offline=False, store=tmp_path / "advisories.sqlite"))
    names = [f"{'bad' if n % 3 else 'good'}-{n % 100}" for n in range(BATCHES)]
    refs = engine.index(sorted(set(names)))
    engine.expect_projects(names)
    before = _footprint()
    for number, name in enumerate(names):
        if number == WARM_UP:
            before = _footprint()
            services.headers.clear()
        (review,) = engine.review_batch([key(name)], refs, None)
        assert review.status is ReviewStatus.REVIEWED
        if number % 100 == 0:
            services.headers.clear()
    services.headers.clear()
    after = _footprint()
    engine.close()
    assert after[0] - before[0] < 8, f"resident MB {before[0]:.1f} -> {after[0]:.1f}"
    assert after[1:] == before[1:], f"descriptors and threads {before[1:]} -> {after[1:]}"


def test_engines_made_and_closed_leave_nothing_open(services: FakeServices, tmp_path: Path) -> None:
    settings = load_settings(None, {}, {"sources": services.sources}).settings
    lookup = lookup_settings(settings, offline=False, store=tmp_path / "advisories.sqlite")

    def once() -> None:
        engine = Engine(lookup)
        refs = engine.index(["good"])
        engine.expect_projects(["good", "never-asked"])
        engine.review_batch([key("good")], refs, None)
        engine.close()

    once()
    before = _footprint()
    for _ in range(10):
        once()
    after = _footprint()
    # The server's own ends of the last connections may still be closing.
    assert after[1] - before[1] <= 2
    assert after[2] == before[2]
