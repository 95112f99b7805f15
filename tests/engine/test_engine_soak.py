"""Thousands of small batches: memory, open files and tasks stay where they were."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.engine.engine import Engine
from tasks.engine.lookup import lookup_settings
from tasks.review.model import PackageKey
from tasks.settings.load import load_settings
from tests.benchmarks.soak import Footprint, soak
from tests.engine.engine_services import FakeServices

BATCHES = 2000


@pytest.fixture
def services() -> Iterator[FakeServices]:
    running = FakeServices()
    yield running
    running.close()


def key(name: str) -> PackageKey:
    return PackageKey(name=name, project=name, version="1.0", version_text="1.0")


def test_two_thousand_batches_leak_neither_memory_nor_files(services: FakeServices, tmp_path: Path) -> None:
    warm, *_, last = soak(services, tmp_path, BATCHES)
    assert last.batches == BATCHES
    assert last.resident_mb - warm.resident_mb < 8, f"resident MB {warm.resident_mb:.1f} -> {last.resident_mb:.1f}"
    assert (last.descriptors, last.threads) == (warm.descriptors, warm.threads)


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
    before = Footprint.now()
    for _ in range(10):
        once()
    after = Footprint.now()
    # The server's own ends of the last connections may still be closing.
    assert after.descriptors - before.descriptors <= 2
    assert after.threads == before.threads
