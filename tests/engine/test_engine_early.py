"""What is begun before it is asked for is asked for once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.engine.engine import Engine
from tasks.engine.lookup import LookupSettings, lookup_settings
from tasks.errors import SourceError
from tasks.review.model import PackageKey, ReviewStatus
from tasks.settings.load import load_settings
from tests.engine.engine_services import FakeServices

NAMES = ("bad-one", "good", "bad-one")


@pytest.fixture
def services() -> Iterator[FakeServices]:
    running = FakeServices()
    yield running
    running.close()


@pytest.fixture
def engine(services: FakeServices, tmp_path: Path) -> Iterator[Engine]:
    made = Engine(lookup(services, tmp_path))
    yield made
    made.close()


def lookup(services: FakeServices, folder: Path, *, offline: bool = False) -> LookupSettings:
    flags = {"sources": services.sources, "processing": {"retry_attempts": 1}}
    settings = load_settings(None, {}, flags).settings
    return lookup_settings(settings, offline=offline, store=folder / "store" / "advisories.sqlite")


def review(engine: Engine, names: tuple[str, ...]) -> list[tuple[str, ReviewStatus, int]]:
    refs = engine.index(tuple(sorted(set(names))))
    engine.expect([ref for own in refs.values() for ref in own])
    engine.expect_projects(names)
    keys = [PackageKey(name=name, project=name, version="1.0", version_text="1.0") for name in names]
    return [(r.name, r.status, len(r.vulnerabilities)) for r in engine.review_batch(keys, refs, None)]


def test_a_begun_scan_asks_what_one_that_was_not_begun_asks(
    engine: Engine, services: FakeServices, tmp_path: Path
) -> None:
    plain = Engine(lookup(services, tmp_path / "other"))
    expected = review(plain, NAMES)
    plain.close()
    asked = services.asked.copy()
    services.asked.clear()

    engine.begin(NAMES)

    assert review(engine, NAMES) == expected
    assert services.asked == asked == {"osv": 2, "pypi": 2}


def test_projects_that_come_later_are_asked_for_alone(engine: Engine, services: FakeServices) -> None:
    engine.begin(["good"])

    assert review(engine, ("good", "bad-two"))[1] == ("bad-two", ReviewStatus.REVIEWED, 1)
    assert services.asked["pypi"] == 2


def test_a_beginning_that_failed_is_said_where_the_answer_is_wanted_and_may_be_tried_again(
    engine: Engine, services: FakeServices
) -> None:
    services.down.add("osv")
    engine.begin(NAMES)

    with pytest.raises(SourceError):
        engine.index(sorted(set(NAMES)))

    services.down.clear()
    assert len(engine.index(sorted(set(NAMES)))) == 2


def test_offline_nothing_is_begun(services: FakeServices, tmp_path: Path) -> None:
    engine = Engine(lookup(services, tmp_path, offline=True))
    engine.begin(NAMES)
    engine.close()

    assert not services.asked
