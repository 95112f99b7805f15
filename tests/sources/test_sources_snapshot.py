"""Offline: a snapshot answers what it holds, and never says "none" for what it does not."""

import asyncio
import json
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import SettingsError, SourceAnswerInvalid, SourceOffline
from tasks.sources.interface import AdvisoryRef
from tasks.sources.offline import OfflineAdvisories, OfflineProjects
from tasks.sources.snapshot import SnapshotAdvisories, SnapshotProjects


def record(identifier: str, *names: str, ecosystem: str = "PyPI") -> dict[str, Any]:
    affected = [{"package": {"ecosystem": ecosystem, "name": name}, "versions": ["1.0"]} for name in names]
    return {"id": identifier, "modified": "2024-01-01T00:00:00Z", "affected": affected}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pypi").mkdir()
    (tmp_path / "osv").mkdir()
    declaration = {"created": "2026-01-01T00:00:00Z", "complete_for": ["Zope.Interface", "quiet"], "absent": ["Gone"]}
    (tmp_path / "snapshot.json").write_text(json.dumps(declaration), "utf-8")
    document = {"info": {"name": "quiet", "version": "1.0"}, "releases": {"1.0": [{"yanked": False}]}}
    (tmp_path / "pypi" / "quiet.json").write_text(json.dumps(document), "utf-8")
    for entry in (record("A-1", "zope.interface", "other"), record("A-2", "quiet", ecosystem="npm")):
        (tmp_path / "osv" / f"{entry['id']}.json").write_text(json.dumps(entry), "utf-8")
    with zipfile.ZipFile(tmp_path / "osv" / "all.zip", "w") as archive:
        archive.writestr("A-3.json", json.dumps(record("A-3", "Zope_Interface")))
    return tmp_path


def test_projects_come_from_their_documents(folder: Path) -> None:
    facts = asyncio.run(SnapshotProjects(folder).project("quiet", "1.0"))
    assert (facts.found, facts.latest_version) == (True, "1.0")


def test_advisories_are_as_old_as_the_snapshot(folder: Path) -> None:
    assert SnapshotAdvisories(folder).asked_at("quiet") == datetime.fromisoformat("2026-01-01T00:00:00")


@pytest.mark.parametrize("created", [None, 5, "yesterday", "2026-01-01"])
def test_a_snapshot_that_says_no_time_is_used_without_one(folder: Path, created: object) -> None:
    declaration = json.loads((folder / "snapshot.json").read_text())
    (folder / "snapshot.json").write_text(json.dumps({**declaration, "created": created}))
    assert SnapshotAdvisories(folder).asked_at("quiet") is None


@pytest.mark.parametrize("name", ["zope-interface", "absent", "../snapshot", "quiet/../quiet", ""])
def test_a_project_that_is_not_there_could_not_be_checked(folder: Path, name: str) -> None:
    with pytest.raises(SourceOffline, match="not in the snapshot"):
        asyncio.run(SnapshotProjects(folder).project(name, None))


def test_a_project_that_pypi_did_not_know_is_not_found(folder: Path) -> None:
    assert not asyncio.run(SnapshotProjects(folder).project("gone", None)).found


def test_advisories_come_from_files_and_zip(folder: Path) -> None:
    source = SnapshotAdvisories(folder)
    index = asyncio.run(source.index(["zope-interface", "quiet"]))
    assert {name: {ref.id for ref in refs} for name, refs in index.items()} == {
        "zope-interface": {"A-1", "A-3"},
        "quiet": set(),
    }
    records = asyncio.run(source.advisories(index["zope-interface"]))
    assert {identifier: one.id for identifier, one in records.items()} == {"A-1": "A-1", "A-3": "A-3"}


def test_none_is_only_said_where_the_snapshot_is_complete(folder: Path) -> None:
    source = SnapshotAdvisories(folder)
    assert asyncio.run(source.index(["quiet", "other", "gone"])) == {"quiet": (), "gone": ()}
    with pytest.raises(SourceOffline, match="the advisories of other are not in the snapshot"):
        asyncio.run(source.index(["other"]))


def test_a_record_that_is_not_there_could_not_be_checked(folder: Path) -> None:
    with pytest.raises(SourceOffline, match="A-9"):
        asyncio.run(SnapshotAdvisories(folder).advisories([AdvisoryRef(id="A-9", modified="1")]))


@pytest.mark.parametrize("name", ["osv/A-1.json", "osv/all.zip"])
@pytest.mark.parametrize("content", [b'{"id": "A', b"[]", b""])
def test_a_damaged_record_is_an_error_and_not_an_answer(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(SourceAnswerInvalid):
        asyncio.run(SnapshotAdvisories(folder).index(["quiet"]))


@pytest.mark.parametrize("content", [b'{"info": {', b"[]", b"", b'{"message": "Not Found"}'])
def test_a_damaged_document_is_an_error_and_not_an_answer(folder: Path, content: bytes) -> None:
    (folder / "pypi" / "quiet.json").write_bytes(content)
    with pytest.raises(SourceAnswerInvalid):
        asyncio.run(SnapshotProjects(folder).project("quiet", None))


@pytest.mark.parametrize("declaration", [None, "", "[]", "{}", '{"complete_for": "all"}', '{"complete_for": [1]}'])
def test_a_folder_that_declares_nothing_is_no_snapshot(folder: Path, declaration: str | None) -> None:
    (folder / "snapshot.json").unlink()
    if declaration is not None:
        (folder / "snapshot.json").write_text(declaration, "utf-8")
    for source in (SnapshotProjects, SnapshotAdvisories):
        with pytest.raises(SettingsError, match="is not a snapshot"):
            source(folder)


def test_without_a_snapshot_nothing_can_be_checked() -> None:
    with pytest.raises(SourceOffline, match="without --offline"):
        asyncio.run(OfflineProjects().project("a", None))
    with pytest.raises(SourceOffline, match="a and 1 more were not asked"):
        asyncio.run(OfflineAdvisories().index(["a", "b"]))
    with pytest.raises(SourceOffline, match="A-1 was not asked"):
        asyncio.run(OfflineAdvisories().advisories([AdvisoryRef(id="A-1", modified="1")]))
