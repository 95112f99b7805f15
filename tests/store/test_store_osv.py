"""OSV's advisories in the store: downloaded once, brought up to date in small steps, kept whatever goes wrong."""

import asyncio
import io
import json
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.advisories.assess import assess
from tasks.advisories.parse import parse_advisory
from tasks.errors import SourceAnswerInvalid, StoreError
from tasks.sources.interface import AdvisoryRef
from tasks.store.advisories import AdvisoryStore
from tasks.store.osv_records import stamp
from tasks.store.work import Outcome
from tests.store.conftest import Sync
from tests.store.store_world import World, record, records

LIST, ZIP = "/osv-bulk/PyPI/modified_id.csv", "/osv-bulk/PyPI/all.zip"
Open = Callable[[], AdvisoryStore]


def held(advisories: Open, name: str) -> list[str]:
    store = advisories()
    try:
        return [ref.id for ref in store.index_now([name])[name]]
    finally:
        store.close()


def test_the_first_sync_takes_everything_in_two_requests(world: World, sync: Sync, advisories: Open) -> None:
    world.osv = records(30) | {"PYSEC-1": record("PYSEC-1", "Demo_1000", "3.0")}
    report = sync("osv/PyPI")
    assert (report.outcome, report.records, report.written, report.problem) == (Outcome.UPDATED, 31, 31, "")
    assert world.asked == {LIST: 1, ZIP: 1}
    store = advisories()
    index = asyncio.run(store.index(["demo-1000", "demo-1001", "no-such"]))
    assert {name: [ref.id for ref in refs] for name, refs in index.items()} == {
        "demo-1000": ["GHSA-1000", "PYSEC-1"],
        "demo-1001": ["GHSA-1001"],
        "no-such": [],
    }
    found = asyncio.run(store.advisories(index["demo-1000"]))
    ours = assess(found.values(), "demo-1000", "2.5")
    assert ours == assess([parse_advisory(world.osv[i]) for i in ("GHSA-1000", "PYSEC-1")], "demo-1000", "2.5")
    assert [v.ids for v in ours.vulnerabilities] == [("PYSEC-1",)]


def test_nothing_is_downloaded_twice(world: World, sync: Sync) -> None:
    world.osv = records(5)
    sync("osv/PyPI")
    world.asked.clear()
    assert sync("osv/PyPI").outcome is Outcome.UNCHANGED
    assert (world.asked, world.unchanged) == ({LIST: 1}, {LIST: 1})


def test_a_few_changes_are_fetched_one_by_one(world: World, sync: Sync, advisories: Open) -> None:
    world.osv = records(30)
    sync("osv/PyPI")
    world.asked.clear()
    world.osv["GHSA-1003"] = record("GHSA-1003", "renamed", modified="2024-06-01T00:00:00.5Z")
    world.osv["GHSA-2000"] = record("GHSA-2000", "new")
    del world.osv["GHSA-1004"]
    report = sync("osv/PyPI")
    assert (report.records, report.written, report.removed) == (30, 2, 1)
    assert set(world.asked) == {LIST, "/osv-bulk/PyPI/GHSA-1003.json", "/osv-bulk/PyPI/GHSA-2000.json"}
    assert [held(advisories, name) for name in ("renamed", "demo-1003", "new", "demo-1004")] == [
        ["GHSA-1003"],
        [],
        ["GHSA-2000"],
        [],
    ]


def test_many_changes_are_fetched_as_one_zip(world: World, sync: Sync, advisories: Open) -> None:
    world.osv = records(450)
    sync("osv/PyPI")
    world.asked.clear()
    world.osv = {i: {**r, "modified": "2025-01-01T00:00:00Z", "summary": "new"} for i, r in world.osv.items()}
    assert sync("osv/PyPI").written == 450
    assert world.asked == {LIST: 1, ZIP: 1}


def without(zipped: bytes, *lacking: str) -> bytes:
    """The zip without these records."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(zipped)) as whole, zipfile.ZipFile(buffer, "w") as part:
        for name in whole.namelist():
            if name.removesuffix(".json") not in lacking:
                part.writestr(name, whole.read(name))
    return buffer.getvalue()


def test_what_the_list_names_and_the_zip_lacks_is_fetched(world: World, sync: Sync, advisories: Open) -> None:
    world.osv = records(30)
    world.instead[ZIP] = without(world.zipped(), "GHSA-1003", "GHSA-1004")
    assert (sync("osv/PyPI").records, held(advisories, "demo-1003")) == (30, ["GHSA-1003"])


def test_a_zip_that_lacks_much_is_not_believed(world: World, sync: Sync, advisories: Open) -> None:
    world.osv = records(900)
    part = without(world.zipped(), *(f"GHSA-{number}" for number in range(1000, 1450)))
    world.instead[ZIP] = part
    report = sync("osv/PyPI")
    assert report.outcome is Outcome.FAILED
    assert "the zip lacks 450 of the 900 records" in report.problem
    del world.instead[ZIP]
    sync("osv/PyPI")
    world.instead[ZIP] = without(world.zipped(), *(f"GHSA-{number}" for number in range(1000, 1100)))
    assert sync("osv/PyPI", full=True).records == 900
    assert held(advisories, "demo-1050") == ["GHSA-1050"]


def test_a_listed_record_that_is_nowhere_is_noted_and_holds_nothing_up(world: World, sync: Sync) -> None:
    world.osv = records(30)
    names = "".join(f"2024-05-01T00:00:00Z,{identifier}\n" for identifier in [*world.osv, "GHSA-gone"])
    world.instead[LIST] = names.encode()
    for _ in range(2):
        report = sync("osv/PyPI")
        assert (report.problem, report.records) == ("", 30)
        assert report.note == "1 records could not be read"


def test_full_downloads_all_anew(world: World, sync: Sync) -> None:
    world.osv = records(3)
    sync("osv/PyPI")
    assert sync("osv/PyPI", full=True).written == 3
    assert (world.asked[ZIP], world.unchanged) == (2, {})


def test_a_store_of_another_address_is_not_believed_to_be_current(world: World, sync: Sync, store: Path) -> None:
    world.osv = records(3)
    sync("osv/PyPI")
    with sqlite3.connect(store) as connection:
        connection.execute("UPDATE sources SET address = 'http://elsewhere'")
    connection.close()
    sync("osv/PyPI")
    assert world.unchanged == {}


def test_an_export_that_shrinks_is_refused_unless_allowed(world: World, sync: Sync, advisories: Open) -> None:
    world.osv = records(100)
    sync("osv/PyPI")
    world.osv = records(79)
    report = sync("osv/PyPI")
    assert report.outcome is Outcome.FAILED
    assert "79 records where 100 are held" in report.problem
    assert "--allow-shrink" in report.problem
    assert (report.records, held(advisories, "demo-1099")) == (100, ["GHSA-1099"])
    assert sync("osv/PyPI", allow_shrink=True).records == 79
    assert held(advisories, "demo-1099") == []
    world.osv = records(64)
    assert sync("osv/PyPI").records == 64, "19 % fewer are taken"


def half(body: bytes) -> bytes:
    return body[: len(body) // 2]


def with_bad_checksum(body: bytes) -> bytes:
    """A zip whose last record's bytes were changed: its directory is whole."""
    with zipfile.ZipFile(io.BytesIO(body)) as export:
        last = export.infolist()[-1]
    at = last.header_offset + 30 + len(last.filename) + last.compress_size // 2
    return body[:at] + bytes([body[at] ^ 0xFF]) + body[at + 1 :]


LOGIN = b"<html><body>Please sign in to the network</body></html>"


@pytest.mark.parametrize(
    ("path", "broken", "word"),
    [
        (LIST, LOGIN, "modified_id.csv"),
        (LIST, b"", "modified_id.csv"),
        (LIST, b"2024-05-01T00:00:00Z,GHSA-1000\n2024-05-01T00:0", "modified_id.csv"),
        (ZIP, LOGIN, "zip"),
        (ZIP, half, "zip"),
        (ZIP, with_bad_checksum, "damaged"),
    ],
)
def test_a_broken_download_is_named_and_changes_nothing(
    path: str, broken: object, word: str, world: World, sync: Sync, advisories: Open, store: Path
) -> None:
    world.osv = records(30)
    sync("osv/PyPI")
    world.osv = {i: record(i, "other", modified="2025-01-01T00:00:00Z") for i in records(500)}
    world.instead[path] = broken(world.zipped()) if callable(broken) else broken  # type: ignore[assignment]
    report = sync("osv/PyPI", full=path == ZIP)
    assert report.outcome is Outcome.FAILED
    assert word in report.problem
    assert report.records == 30
    assert held(advisories, "demo-1000") == ["GHSA-1000"]
    assert held(advisories, "other") == []
    assert [left.name for left in store.parent.glob(".sync-*")] == []


def test_a_service_that_is_down_leaves_what_is_held(world: World, sync: Sync, advisories: Open) -> None:
    world.osv = records(3)
    sync("osv/PyPI")
    world.down.add("osv-bulk")
    assert "HTTP 500" in sync("osv/PyPI").problem
    assert held(advisories, "demo-1000") == ["GHSA-1000"]


def test_a_record_that_cannot_be_read_does_not_read_as_none(world: World, sync: Sync, advisories: Open) -> None:
    world.osv = records(3) | {"BAD-1": {**record("BAD-1", "odd"), "aliases": 5}}
    report = sync("osv/PyPI")
    assert (report.records, report.note) == (4, "1 records could not be read")
    store = advisories()
    with pytest.raises(SourceAnswerInvalid, match="BAD-1"):
        store.advisories_now(store.index_now(["odd"])["odd"])
    assert store.advisories_now(store.index_now(["demo-1001"])["demo-1001"]).keys() == {"GHSA-1001"}


def test_an_export_of_something_else_is_refused(world: World, sync: Sync) -> None:
    world.osv = {i: {"id": i, "modified": r["modified"], "affected": "?"} for i, r in records(50).items()}
    assert "50 of 50 records are not OSV's" in sync("osv/PyPI").problem


def test_other_ecosystems_lie_beside(world: World, sync: Sync, store: Path) -> None:
    def of_npm(identifier: str, name: str) -> dict[str, object]:
        made = record(identifier, name)
        made["affected"][0]["package"]["ecosystem"] = "npm"
        return made

    world.osv = records(3)
    sync("osv/PyPI")
    world.osv = {"MAL-1": of_npm("MAL-1", "@scope/Bad_Name")}
    assert sync("osv/npm").records == 1
    npm = AdvisoryStore(store, "npm")
    assert [ref.id for ref in npm.index_now(["@scope/Bad_Name"])["@scope/Bad_Name"]] == ["MAL-1"]
    assert AdvisoryStore(store).index_now(["demo-1000"])["demo-1000"][0].id == "GHSA-1000"
    with pytest.raises(StoreError, match="no advisories of Go"):
        AdvisoryStore(store, "Go")


def test_a_record_that_went_meanwhile_is_an_error(world: World, sync: Sync, advisories: Open) -> None:
    world.osv = records(3)
    sync("osv/PyPI")
    with pytest.raises(StoreError, match="GHSA-9 is no longer in the advisory store"):
        advisories().advisories_now([AdvisoryRef(id="GHSA-9", modified="")])


def test_a_damaged_row_is_an_error_and_not_silence(world: World, sync: Sync, advisories: Open, store: Path) -> None:
    world.osv = records(3)
    sync("osv/PyPI")
    with sqlite3.connect(store) as connection:
        connection.execute("UPDATE advisories SET body = x'00ff' WHERE id = 'GHSA-1001'")
    connection.close()
    opened = advisories()
    with pytest.raises(SourceAnswerInvalid, match="GHSA-1001"):
        opened.advisories_now(opened.index_now(["demo-1001"])["demo-1001"])


@pytest.mark.parametrize("text", ["2024-05-01T00:00:00Z", "2024-05-01T00:00:00.000Z", "2024-05-01T00:00:00.000000Z"])
def test_times_of_change_compare_whatever_their_zeros(text: str) -> None:
    assert stamp(text) == stamp("2024-05-01T00:00:00Z")
    assert stamp("2024-05-01T00:00:10Z") != stamp("2024-05-01T00:00:1Z")
    assert json.dumps(stamp(text))
