"""The store's file: one sync at a time, undone as a whole, never believed when damaged or newer."""

import asyncio
import logging
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from filelock import FileLock

from tasks.engine.enrichers import CveSources
from tasks.engine.synced import age_warning, stored_cve_sources, synced_advisories
from tasks.engine.terms import policies
from tasks.errors import SettingsError, StoreError
from tasks.http.client import HttpClient
from tasks.store.advisories import AdvisoryStore
from tasks.store.facts import StoreEpss, StoreExploits, StoreKev, StoreNvd
from tasks.store.file import StoreFile
from tasks.store.state import SourceState
from tasks.store.sync import SyncPlan, planned, store_states, swept, sync_source, syncing
from tasks.store.work import Outcome
from tests.store.conftest import Sync
from tests.store.store_world import World, record, records


def change(store: Path, statement: str) -> None:
    connection = sqlite3.connect(store)
    with connection:
        connection.execute(statement)
    connection.close()


def test_a_full_disk_undoes_the_whole_source(world: World, sync: Sync, tmp_path: Path, store: Path) -> None:
    world.osv = records(20)
    sync("osv/PyPI")
    world.osv = {f"GHSA-{n}": record(f"GHSA-{n}", "demo-1000", summary="x" * 190) for n in range(5000, 9000)}
    lookup = world.lookup(tmp_path)

    async def sync_into_little_space() -> object:
        with syncing(store) as (file, folder):
            with file.read() as connection:
                (pages,) = connection.execute("PRAGMA page_count").fetchone()
                connection.execute(f"PRAGMA max_page_count = {pages + 20}")
            async with HttpClient(policies(lookup, {})) as client:
                return await sync_source(client, file, folder, "osv/PyPI", SyncPlan(allow_shrink=True))

    report = asyncio.run(sync_into_little_space())
    assert "database or disk is full" in report.problem  # type: ignore[attr-defined]
    assert [ref.id for ref in AdvisoryStore(store).index_now(["demo-1000"])["demo-1000"]] == ["GHSA-1000"]
    assert sync("osv/PyPI", allow_shrink=True).records == 4000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize(
    ("name", "download"), [("osv/PyPI", "modified_id.csv"), ("osv/PyPI", "all.zip"), ("kev", "kev")]
)
def test_a_disk_that_is_full_for_the_download_leaves_what_is_held(
    name: str, download: str, world: World, sync: Sync, tmp_path: Path, store: Path
) -> None:
    world.osv, world.kev = records(20), [{"cveID": "CVE-2024-1000", "dateAdded": "2024-01-02"}]
    before = sync(name).records
    lookup = world.lookup(tmp_path)

    async def sync_onto_a_full_disk() -> object:
        with syncing(store) as (file, folder):
            (folder / download).symlink_to("/dev/full")
            async with HttpClient(policies(lookup, {})) as client:
                return await sync_source(client, file, folder, name, SyncPlan(full=True))

    report = asyncio.run(sync_onto_a_full_disk())
    assert (report.outcome, report.records) == (Outcome.FAILED, before)  # type: ignore[attr-defined]
    assert "No space left on device" in report.problem  # type: ignore[attr-defined]
    assert sync(name, full=True).records == before


def test_a_store_of_a_newer_version_is_left_alone(world: World, sync: Sync, store: Path, tmp_path: Path) -> None:
    world.osv = records(1)
    sync("osv/PyPI")
    change(store, "PRAGMA user_version = 99")
    before = store.read_bytes()
    for use in (
        lambda: sync("osv/PyPI"),
        lambda: AdvisoryStore(store),
        lambda: synced_advisories(world.lookup(tmp_path)),
    ):
        with pytest.raises(SettingsError, match="schema 99"):
            use()
    assert store.read_bytes() == before


def test_a_damaged_store_is_set_aside_by_the_next_sync(
    world: World, sync: Sync, store: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world.osv = records(1)
    sync("osv/PyPI")
    store.write_bytes(b"no database at all" * 1000)
    for rest in ("-wal", "-shm"):
        Path(f"{store}{rest}").unlink(missing_ok=True)
    with pytest.raises(StoreError, match="could not be opened"):
        AdvisoryStore(store)
    with caplog.at_level(logging.WARNING):
        assert synced_advisories(world.lookup(tmp_path)) is None
    assert "is not used" in caplog.text
    assert sync("osv/PyPI").outcome is Outcome.FAILED
    aside = swept(store)
    assert aside is not None
    assert aside.read_bytes().startswith(b"no database")
    assert sync("osv/PyPI").records == 1
    assert swept(store) is None, "a sound store stays where it is"


def test_one_sync_at_a_time(world: World, sync: Sync, store: Path) -> None:
    world.osv = records(1)
    store.parent.mkdir(parents=True)
    with FileLock(store.with_name(f"{store.name}.lock")):
        report = sync("osv/PyPI")
    assert "another sync" in report.problem
    assert sync("osv/PyPI").problem == ""


def test_what_a_killed_sync_left_is_swept_up(world: World, sync: Sync, store: Path) -> None:
    world.osv = records(1)
    left = store.parent / ".sync-left"
    left.mkdir(parents=True)
    (left / "all.zip").write_bytes(b"PK")
    sync("osv/PyPI")
    assert not left.exists()


def test_a_transaction_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    with StoreFile(tmp_path / "store", create=True) as file:
        with pytest.raises(ValueError, match="stop"), file.write() as connection:  # noqa: PT012
            connection.execute("INSERT INTO epss VALUES ('CVE-2024-1', 0.5)")
            raise ValueError("stop")
        with file.read() as connection:
            assert connection.execute("SELECT COUNT(*) FROM epss").fetchone() == (0,)


def test_a_scan_reads_the_old_state_while_a_sync_writes(world: World, sync: Sync, store: Path) -> None:
    world.osv = records(1)
    sync("osv/PyPI")
    reader = AdvisoryStore(store)
    with StoreFile(store) as file, file.write() as connection:
        connection.execute("DELETE FROM names")
        assert [ref.id for ref in reader.index_now(["demo-1000"])["demo-1000"]] == ["GHSA-1000"]


def test_there_is_no_store_before_the_first_sync(world: World, store: Path, tmp_path: Path) -> None:
    assert synced_advisories(world.lookup(tmp_path)) is None
    with pytest.raises(StoreError, match=r"python -m flows\.sync"):
        store_states(store)


def test_the_store_says_how_old_it_is(
    world: World, sync: Sync, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world.osv = records(1)
    sync("osv/PyPI")
    found = synced_advisories(world.lookup(tmp_path))
    assert found is not None
    checked = found.state.checked_at
    assert found.age_hours(checked + 7200) == 2.0
    assert found.asked_at("demo") == datetime.fromtimestamp(int(checked), UTC).replace(tzinfo=None)
    assert "older than" not in caplog.text
    with caplog.at_level(logging.WARNING):
        assert synced_advisories(world.lookup(tmp_path), lambda: checked + 25 * 3600) is not None, "old, but used"
    assert "older than 24 h (osv/PyPI 25 h)" in caplog.text


def test_only_what_is_too_old_is_warned_of() -> None:
    def state(name: str, checked_at: float) -> SourceState:
        return SourceState(name, 1, checked_at, checked_at, "http://x")

    assert age_warning([state("osv/PyPI", 3600)], 1, 7200) is None
    ahead = age_warning([state("osv/PyPI", 20_000), state("kev", 8000)], 1, 7200)
    assert ahead is not None
    assert "(osv/PyPI synced in the future)" in ahead
    warning = age_warning([state("osv/PyPI", 3600), state("kev", 0), state("osv/npm", 0)], 1, 7201)
    assert warning is not None
    assert "(osv/PyPI 1 h, kev 2 h)" in warning


def test_the_store_answers_for_all_but_the_cve_list(world: World, sync: Sync, tmp_path: Path) -> None:
    world.osv = records(1)
    sync("osv/PyPI")
    found = synced_advisories(world.lookup(tmp_path))
    assert found is not None
    live: object = object()
    made = stored_cve_sources(found, CveSources(*[live] * 5))  # type: ignore[arg-type]
    assert made.mitre is live
    assert [type(source) for source in (made.nvd, made.kev, made.epss, made.exploits)] == [
        StoreNvd,
        StoreKev,
        StoreEpss,
        StoreExploits,
    ]


@pytest.mark.parametrize(
    ("only", "nvd", "names"),
    [
        ((), False, ("osv/PyPI", "osv/npm", "kev", "exploitdb", "epss")),
        ((), True, ("osv/PyPI", "osv/npm", "kev", "exploitdb", "epss", "nvd")),
        (("epss", "osv"), False, ("osv/PyPI", "osv/npm", "epss")),
        (("kev",), True, ("kev", "nvd")),
        (("nvd",), False, ("nvd",)),
    ],
)
def test_what_is_synced_is_chosen(only: tuple[str, ...], nvd: bool, names: tuple[str, ...]) -> None:
    assert planned(["PyPI", "npm", "PyPI"], nvd=nvd, only=only) == names
