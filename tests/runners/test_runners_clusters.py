"""Batches in two worker processes: the same results, twice the work under way, and a killed one loses nothing."""

import os
import threading
from pathlib import Path

import psutil
import pytest

from tasks.engine.lookup import LookupSettings
from tasks.review.model import ReviewStatus
from tasks.settings.running import ExecutionSettings
from tests.end_to_end.harness import Services, advisory, pypi_document
from tests.runners.clusters import look_up, plain_lookup

pytestmark = pytest.mark.prefect

NAMES = [f"pkg-{number}" for number in range(8)]
BATCHES = [NAMES[:2], NAMES[2:4], NAMES[4:6], NAMES[6:]]


@pytest.fixture
def known(services: Services) -> Services:
    for name in NAMES:
        services.projects[name] = pypi_document(name)
    for name in NAMES[::2]:
        services.advisories[f"PYSEC-{name}"] = advisory(f"PYSEC-{name}", name, "2.0")
    return services


def lookup(services: Services, folder: Path, **processing: object) -> LookupSettings:
    sources = {name: {"base_url": services.server.url_for(f"/{name}")} for name in ("pypi", "osv")}
    return plain_lookup(sources, folder, **processing)


def test_results_and_counts_are_those_of_threads(cluster: ExecutionSettings, known: Services, tmp_path: Path) -> None:
    here = look_up(ExecutionSettings(), lookup(known, tmp_path / "a"), tmp_path / "a/results", BATCHES)
    asked = dict(known.asked)
    known.asked.clear()
    there = look_up(cluster, lookup(known, tmp_path / "b"), tmp_path / "b/results", BATCHES)
    assert there.reviews == here.reviews
    assert {one["status"] for one in there.reviews} == {"reviewed"}
    assert sum(len(one["vulnerabilities"]) for one in there.reviews) == len(NAMES) / 2
    assert dict(known.asked) == asked
    assert there.requests == here.requests == {"pypi": 8, "osv": 5}
    known.asked.clear()
    again = look_up(cluster, lookup(known, tmp_path / "b"), tmp_path / "b/results", BATCHES)
    assert (all(one.cached for one in again.outcomes), again.requests, dict(known.asked)) == (True, {}, {})
    assert again.reviews == there.reviews


def test_a_worker_killed_in_mid_run_loses_nothing(cluster: ExecutionSettings, known: Services, tmp_path: Path) -> None:
    mine, killed = os.getpid(), threading.Event()

    def kill(name: str) -> None:
        if name == "pkg-3" and not killed.is_set():
            killed.set()
            _asking(known.server.port, mine).kill()

    known.gate = kill
    found = look_up(cluster, lookup(known, tmp_path), tmp_path / "results", BATCHES)
    assert killed.is_set()
    assert [review["name"] for review in found.reviews] == NAMES
    assert {review["status"] for review in found.reviews} == {ReviewStatus.REVIEWED}


def _asking(port: int, mine: int) -> psutil.Process:
    """One of the processes that have a connection to this port."""
    for one in psutil.process_iter():
        if one.pid != mine and any(c.raddr and c.raddr.port == port for c in one.net_connections("tcp")):
            return one
    raise AssertionError("nobody asks")
