"""Indicators out of the advisory store, as a sync has filled it."""

import time
from pathlib import Path
from typing import Any

import pytest

from flows.ioc.prepare import prepare
from flows.ioc.request import IocRequest
from tasks.errors import UsageError
from tasks.indicators.interface import IndicatorError, Match
from tasks.indicators.load import Indicators, load_indicators
from tasks.store.file import STORE_NAME, StoreFile
from tasks.store.osv_records import record_of
from tasks.store.osv_rows import put_records
from tasks.store.state import SourceState, osv_name, save_state


def malware(identifier: str, ecosystem: str, name: str, *versions: str, **more: Any) -> dict[str, Any]:
    """An OSV record; without versions every one is malicious."""
    entry: dict[str, Any] = {"package": {"ecosystem": ecosystem, "name": name}, "versions": list(versions)}
    if not versions:
        entry["ranges"] = [{"type": "SEMVER", "events": [{"introduced": "0"}]}]
    made = {"id": identifier, "modified": "2025-01-01T00:00:00Z", "summary": f"Malicious code in {name}"}
    return {**made, "affected": [entry], **more}


def fill(path: Path, records: dict[str, list[dict[str, Any]]], checked_at: float | None = None) -> Path:
    with StoreFile(path, create=True) as file, file.write() as connection:
        for ecosystem, found in records.items():
            put_records(connection, ecosystem, [record_of(ecosystem, one) for one in found])
            state = SourceState(osv_name(ecosystem), len(found), checked_at or time.time(), 0.0, "http://osv.invalid")
            save_state(connection, state)
    return path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return fill(
        tmp_path / "store" / STORE_NAME,
        {
            "npm": [
                malware("MAL-2025-1", "npm", "evil", "6.6.6"),
                malware("MAL-2025-2", "npm", "worse"),
                malware("MAL-2025-3", "npm", "fine", "1.0.0", withdrawn="2025-02-02T00:00:00Z"),
                malware("GHSA-1111-2222-3333", "npm", "hole", "1.0.0"),
            ],
            "PyPI": [malware("MAL-2025-4", "PyPI", "Num2Words_X", "0.5.0")],
            "crates.io": [malware("MAL-2025-5", "crates.io", "rust_bad", "0.1.0")],
        },
    )


def answers(indicators: Indicators, ecosystem: str, name: str, version: str | None) -> list[tuple[str, Match]]:
    return [(one.id, answer) for one, answer in indicators.index.matches(ecosystem, name, version)]


def test_malware_of_every_ecosystem_is_found_by_package_and_version(store: Path) -> None:
    found = load_indicators([store])
    assert answers(found, "npm", "evil", "6.6.6") == [("MAL-2025-1", Match.YES)]
    assert answers(found, "npm", "evil", "6.6.7") == []
    assert answers(found, "npm", "worse", "0.0.1") == [("MAL-2025-2", Match.YES)]
    assert answers(found, "PyPI", "num2words.x", "0.5") == [("MAL-2025-4", Match.YES)]
    assert answers(found, "crates.io", "rust-bad", "0.1.0") == [("MAL-2025-5", Match.YES)]
    assert answers(found, "PyPI", "evil", "6.6.6") == []
    assert answers(found, "Go", "evil", "6.6.6") == []
    found.close()


def test_withdrawn_records_and_those_of_mere_vulnerabilities_do_not_count(store: Path) -> None:
    found = load_indicators([store])
    assert answers(found, "npm", "fine", "1.0.0") == []
    assert answers(found, "npm", "hole", "1.0.0") == []
    assert (found.count, found.withdrawn) == (4, 1)
    found.close()


def test_a_store_goes_together_with_lists_and_is_allowed_from(store: Path, tmp_path: Path) -> None:
    own, allow = tmp_path / "own.csv", tmp_path / "allow.csv"
    own.write_text("ecosystem,name,versions\nnpm,mine,1.0\n")
    allow.write_text("ecosystem,name,versions\nnpm,evil,6.6.6\n")
    found = load_indicators([store, own], [allow])
    assert answers(found, "npm", "mine", "1.0")
    assert answers(found, "npm", "worse", "1.0")
    assert answers(found, "npm", "evil", "6.6.6") == []
    assert found.count == 5
    found.close()


def test_a_record_that_cannot_be_read_makes_its_package_possible_and_is_said(store: Path) -> None:
    with StoreFile(store) as file, file.write() as connection:
        connection.execute("UPDATE advisories SET body = x'00' WHERE id = 'MAL-2025-1'")
    found = load_indicators([store])
    assert answers(found, "npm", "evil", "1.2.3") == [("MAL-2025-1", Match.POSSIBLE)]
    assert "MAL-2025-1" in found.warnings[0]
    found.close()


def test_equal_stores_have_equal_digests_and_others_not(store: Path, tmp_path: Path) -> None:
    records = {"npm": [malware("MAL-2025-1", "npm", "evil", "6.6.6")]}
    same, again = (load_indicators([fill(tmp_path / name, records)]) for name in ("a.sqlite", "b.sqlite"))
    other = load_indicators([store])
    assert same.digest == again.digest != other.digest
    for one in (same, again, other):
        one.close()


def test_without_lists_the_store_is_used_and_its_age_is_said(store: Path, tmp_path: Path) -> None:
    prepared = prepare(IocRequest(org="acme", data_dir=tmp_path))
    assert prepared.indicators.count == 4
    assert not prepared.warnings
    prepared.indicators.close()
    with StoreFile(store) as file, file.write() as connection:
        connection.execute("UPDATE sources SET checked_at = checked_at - 90000 WHERE name = 'osv/npm'")
    prepared = prepare(IocRequest(org="acme", data_dir=tmp_path))
    assert "was synced 25 h ago" in prepared.warnings[0]
    prepared.indicators.close()


def test_without_lists_and_store_both_ways_are_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--indicators PATH .*python -m flows\.sync") as caught:
        prepare(IocRequest(org="acme", data_dir=tmp_path))
    assert caught.value.exit_code == 2


def test_a_store_without_advisories_or_a_strange_sqlite_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IndicatorError, match="no advisories of OSV"):
        load_indicators([fill(tmp_path / "empty.sqlite", {})])
    torn = tmp_path / "torn.sqlite"
    torn.write_bytes(b"SQLite format 3\0" + b"x" * 400)
    with pytest.raises(IndicatorError, match=r"torn\.sqlite"):
        load_indicators([torn])
