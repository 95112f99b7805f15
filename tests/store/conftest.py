"""Fixtures of the store's tests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from tasks.store.advisories import AdvisoryStore
from tasks.store.sync import SyncPlan
from tasks.store.work import SourceReport
from tasks.sync import synced
from tests.store.store_world import World

Sync = Callable[..., SourceReport]


@pytest.fixture
def world(httpserver: HTTPServer) -> World:
    """Services that know nothing yet."""
    made = World(httpserver)
    made.begin()
    return made


@pytest.fixture
def sync(world: World, tmp_path: Path) -> Sync:
    """Sync one source of the world into the test's own store."""

    def run(name: str, **plan: Any) -> SourceReport:
        return synced(name, SyncPlan(**plan), world.lookup(tmp_path))

    return run


@pytest.fixture
def store(world: World, tmp_path: Path) -> Path:
    """Where the store is."""
    path = world.lookup(tmp_path).advisory_store
    assert path is not None
    return path


@pytest.fixture
def advisories(store: Path) -> Callable[[], AdvisoryStore]:
    """Opens the store's advisories."""
    return lambda: AdvisoryStore(store)
