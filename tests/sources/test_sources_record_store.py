"""Kept records: what goes in comes out, for the very record asked, whatever happens to the file."""

import logging
import multiprocessing
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.advisories.model import Advisory
from tasks.advisories.parse import parse_advisory
from tasks.errors import SettingsError
from tasks.sources.interface import AdvisoryRef
from tasks.sources.record_store import RecordStore


def advisory(identifier: str, summary: str = "s") -> Advisory:
    package = {"ecosystem": "PyPI", "name": "a"}
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}]
    return parse_advisory(
        {
            "id": identifier,
            "modified": "2024-01-01T00:00:00Z",
            "aliases": ["CVE-2024-1"],
            "summary": summary,
            "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
            "affected": [{"package": package, "versions": ["1.0"], "ranges": ranges}],
        }
    )


def ref(identifier: str, modified: str = "1") -> AdvisoryRef:
    return AdvisoryRef(id=identifier, modified=modified)


def fill(path: Path, count: int = 3) -> None:
    with RecordStore(path) as store:
        store.put_many({ref(f"A-{n}"): advisory(f"A-{n}") for n in range(count)})


def test_only_the_very_record_is_served(tmp_path: Path) -> None:
    path = tmp_path / "new" / "advisories.sqlite"
    fill(path)
    with RecordStore(path) as store:
        got = store.get_many([ref("A-0"), ref("A-1", "2"), ref("A-9")])
        assert got == {"A-0": advisory("A-0")}
        store.put_many({ref("A-1", "2"): advisory("A-1", "changed")})
        assert store.get_many([ref("A-1")]) == {}
        assert store.get_many([ref("A-1", "2")])["A-1"].summary == "changed"


NAMES = st.from_regex(r"[!-~]{1,20}", fullmatch=True)


@given(st.dictionaries(NAMES, st.text(max_size=30), max_size=8))
def test_any_text_survives(texts: dict[str, str]) -> None:
    records = {ref(name): advisory(name, text) for name, text in texts.items()}
    with RecordStore(Path(":memory:")) as store:
        store.put_many(records)
        assert store.get_many(list(records)) == {r.id: a for r, a in records.items()}


def test_more_records_than_one_statement_takes(tmp_path: Path) -> None:
    path = tmp_path / "advisories.sqlite"
    fill(path, 1203)
    with RecordStore(path) as store:
        assert len(store.get_many([ref(f"A-{n}") for n in range(1300)])) == 1203


@pytest.mark.parametrize("damage", ["not sqlite", "cut", "pages"])
def test_a_damaged_file_is_set_aside_and_begun_anew(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "advisories.sqlite"
    fill(path, 300)
    body = path.read_bytes()
    broken = {"not sqlite": b"x" * 5000, "cut": body[:5000], "pages": body[:100] + b"\xff" * (len(body) - 100)}[damage]
    path.write_bytes(broken)
    with RecordStore(path) as store:
        assert store.get_many([ref("A-1"), ref("A-200")]) == {}
        store.put_many({ref("A-1"): advisory("A-1")})
        store.put_many({ref("A-1"): advisory("A-1")})
        assert set(store.get_many([ref("A-1")])) == {"A-1"}
    aside = [other for other in tmp_path.iterdir() if ".damaged-" in other.name]
    assert [other.read_bytes()[:100] for other in aside if not other.name.endswith(("-wal", "-shm"))] == [broken[:100]]
    assert "is damaged" in caplog.text


def test_a_damaged_row_counts_as_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "advisories.sqlite"
    fill(path)
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE advisories SET body = substr(body, 1, 20) WHERE id = 'A-0'")
        raw.execute("UPDATE advisories SET body = (SELECT body FROM advisories WHERE id = 'A-2') WHERE id = 'A-1'")
    raw.close()
    with RecordStore(path) as store:
        assert set(store.get_many([ref("A-0"), ref("A-1"), ref("A-2")])) == {"A-2"}


def test_a_file_of_a_newer_version_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "advisories.sqlite"
    fill(path)
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA user_version = 99")
    raw.close()
    with pytest.raises(SettingsError, match="schema 99, this version knows 1"):
        RecordStore(path)
    assert [other.name for other in tmp_path.iterdir() if "damaged" in other.name] == []


def test_a_file_that_cannot_be_used_now_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "advisories.sqlite"
    path.mkdir()
    with caplog.at_level(logging.WARNING), RecordStore(path) as store:
        store.put_many({ref("A-1"): advisory("A-1")})
        assert store.get_many([ref("A-1")]) == {}
    assert "could not be opened" in caplog.text


def test_what_is_missing_is_named_once_and_by_version(tmp_path: Path) -> None:
    path = tmp_path / "advisories.sqlite"
    fill(path)
    with RecordStore(path) as store:
        asked = [ref("A-0"), ref("A-1", "2"), ref("A-9"), ref("A-9")]
        assert list(store.missing(asked)) == [ref("A-1", "2"), ref("A-9")]


def _write(path: Path, worker: int) -> None:
    with RecordStore(path) as store:
        for number in range(20):
            name = f"W{worker}-{number}"
            store.put_many({ref(name): advisory(name), ref("SHARED-1", str(worker)): advisory("SHARED-1")})


def test_two_processes_write_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "advisories.sqlite"
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_write, args=(path, worker)) for worker in range(2)]
    for process in workers:
        process.start()
    for process in workers:
        process.join(60)
    assert [process.exitcode for process in workers] == [0, 0]
    with RecordStore(path) as store:
        wanted = [ref(f"W{worker}-{number}") for worker in range(2) for number in range(20)]
        assert len(store.get_many(wanted)) == 40
