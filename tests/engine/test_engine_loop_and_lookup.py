"""The shared event loop and what an engine is built from."""

import asyncio
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path

import pytest

from tasks.engine.lookup import LookupSettings, lookup_settings
from tasks.engine.loop import LOOP_CLOSED, LoopThread
from tasks.http.policy import ServiceName
from tasks.settings.load import load_settings
from tasks.settings.model import Settings


@pytest.fixture
def loop() -> LoopThread:
    return LoopThread("test-loop")


async def _thread_name() -> str:
    return threading.current_thread().name


def test_work_runs_in_the_loop_s_own_thread_and_returns(loop: LoopThread) -> None:
    assert loop.run(_thread_name()) == "test-loop"
    loop.close()


def test_an_error_comes_back_to_the_caller(loop: LoopThread) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        loop.run(fail())
    loop.close()


def test_many_threads_share_the_loop(loop: LoopThread) -> None:
    here: list[int] = []

    async def meet(number: int, event: asyncio.Event) -> int:
        here.append(number)
        if len(here) == 4:
            event.set()
        await asyncio.wait_for(event.wait(), timeout=20)
        return number

    async def new_event() -> asyncio.Event:
        return asyncio.Event()

    event = loop.run(new_event())
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda n: loop.run(meet(n, event)), range(4))) == [0, 1, 2, 3]
    loop.close()


def test_closing_cancels_what_is_under_way(loop: LoopThread) -> None:
    started = threading.Event()
    cancelled: list[bool] = []

    async def wait_forever() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(loop.run, wait_forever())
        assert started.wait(timeout=20)
        loop.close()
        with pytest.raises(CancelledError):
            waiting.result(timeout=20)
    assert cancelled == [True]


def test_work_handed_over_while_the_loop_closes_is_refused_and_waits_for_nothing(loop: LoopThread) -> None:
    refused: list[str] = []

    async def last() -> None:
        try:
            loop.start(_thread_name())
        except RuntimeError as error:
            refused.append(str(error))

    loop.close(last)
    assert refused == [LOOP_CLOSED]


def test_what_is_under_way_ends_before_the_connections_do(loop: LoopThread) -> None:
    ended: list[str] = []
    started = threading.Event()

    async def batch() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("batch")

    async def connections() -> None:
        ended.append("connections")

    future = loop.start(batch())
    assert started.wait(timeout=20)
    loop.close(connections)
    assert (future.cancelled(), ended) == (True, ["batch", "connections"])


def test_closing_twice_is_fine_and_running_afterwards_is_refused(loop: LoopThread) -> None:
    loop.close()
    loop.close()
    assert not any(thread.name == "test-loop" for thread in threading.enumerate())
    with pytest.raises(RuntimeError):
        loop.run(_thread_name())


def _lookup(settings: Settings | None = None, *, offline: bool = False, store: Path | None = None) -> LookupSettings:
    return lookup_settings(settings or Settings(), offline=offline, store=store)


def _settings(**flags: object) -> Settings:
    return load_settings(None, {}, flags).settings


def test_the_lookup_part_holds_what_the_settings_say() -> None:
    settings = _settings(
        processing={"concurrent_requests": 9, "request_timeout": 8, "retry_attempts": 7},
        sources={"pypi": {"base_url": "https://mirror.example", "max_in_flight": 3}},
    )
    found = _lookup(settings, store=Path("records.sqlite"))
    assert (found.concurrent_requests, found.request_timeout, found.retry_attempts) == (9, 8, 7)
    assert (found.services["pypi"].base_url, found.services["pypi"].max_in_flight) == ("https://mirror.example", 3)
    assert set(found.services) == {name.value for name in ServiceName if name is not ServiceName.AI}
    assert (found.offline, found.store) == (False, Path("records.sqlite"))


def test_it_survives_being_stored_and_is_equal_and_hashable_then() -> None:
    found = _lookup(_settings(sources={"osv": {"requests_per_second": 5}}))
    again = LookupSettings.model_validate_json(found.model_dump_json())
    assert again == found
    assert {found: 1}[again] == 1


@pytest.mark.parametrize(
    "other",
    [
        _lookup(_settings(sources={"osv": {"base_url": "https://mirror.example"}})),
        _lookup(offline=True),
        _lookup(_settings(processing={"uncertain_limit": 10})),
    ],
    ids=["address", "offline", "uncertain-limit"],
)
def test_what_changes_answers_changes_the_digest(other: LookupSettings) -> None:
    assert other.answers_digest != _lookup().answers_digest


def test_another_snapshot_changes_the_digest_only_offline() -> None:
    snapshot = _settings(offline={"snapshot": "held"})
    assert _lookup(snapshot).answers_digest == _lookup().answers_digest
    assert _lookup(snapshot, offline=True).answers_digest != _lookup(offline=True).answers_digest


def test_limits_and_places_do_not_change_the_digest() -> None:
    settings = _settings(
        processing={"concurrent_requests": 9, "request_timeout": 8, "retry_attempts": 7},
        sources={"pypi": {"max_in_flight": 3, "requests_per_second": 1, "max_wait_s": 2}},
    )
    assert _lookup(settings, store=Path("elsewhere")).answers_digest == _lookup().answers_digest


def test_a_secret_under_an_unknown_key_is_never_stored() -> None:
    loaded = load_settings(None, {}, {"sources": {"github": {"token": "s3cret", "max_in_flight": 2}}})
    assert loaded.warnings
    found = _lookup(loaded.settings)
    assert found.services["github"].max_in_flight == 2
    assert "s3cret" not in found.model_dump_json()
    assert "s3cret" not in repr(found)
