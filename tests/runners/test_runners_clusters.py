"""Batches in two worker processes: the same results, twice the work under way, and a killed one loses nothing."""

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from pydantic import SecretStr

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


def test_a_worker_believes_nothing_of_an_earlier_scan(
    dask_cluster: ExecutionSettings, known: Services, tmp_path: Path
) -> None:
    first = look_up(dask_cluster, lookup(known, tmp_path), tmp_path / "one", BATCHES)
    assert sum(len(review["vulnerabilities"]) for review in first.reviews) == len(NAMES) / 2
    changed = {"withdrawn": "2024-06-01T00:00:00Z", "modified": "2024-06-01T00:00:00Z"}
    for name in NAMES[::2]:
        known.advisories[f"PYSEC-{name}"] = advisory(f"PYSEC-{name}", name, "2.0", **changed)
    second = look_up(dask_cluster, lookup(known, tmp_path), tmp_path / "two", BATCHES)
    assert sum(len(review["vulnerabilities"]) for review in second.reviews) == 0


@pytest.mark.parametrize("shared", [False, True])
def test_two_workers_have_twice_as_much_under_way_unless_they_share_limits(
    shared: bool, dask_cluster: ExecutionSettings, known: Services, redis_address: str, tmp_path: Path
) -> None:
    crowd = Crowd()
    known.gate = crowd.meet
    limits = SecretStr(redis_address) if shared else None
    alone = lookup(known, tmp_path, concurrent_requests=1).model_copy(update={"shared_limits": limits})
    found = look_up(dask_cluster, alone, tmp_path / "results", [[name] for name in NAMES[:4]])
    assert {review["status"] for review in found.reviews} == {ReviewStatus.REVIEWED}
    assert crowd.most == (1 if shared else 2)


@dataclass
class Crowd:
    """Requests that are being answered at the same time; the first ones wait a moment for company."""

    inside: int = 0
    most: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def meet(self, name: str) -> None:
        with self.changed:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.most > 1, timeout=0.3)
            self.inside -= 1


def _asking(port: int, mine: int) -> psutil.Process:
    """One of the processes that have a connection to this port."""
    for one in psutil.process_iter():
        if one.pid != mine and any(c.raddr and c.raddr.port == port for c in one.net_connections("tcp")):
            return one
    raise AssertionError("nobody asks")
