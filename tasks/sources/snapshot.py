"""Answers out of a folder, for `--offline`: what services said once, kept as they said it.

FOLDER/snapshot.json      {"created": "2026-11-01T00:00:00Z", "complete_for": ["jinja2", ...], "absent": [...]}
FOLDER/pypi/NAME.json     PyPI's JSON document of a project, by PEP 503 name
FOLDER/osv/ID.json        OSV records; or FOLDER/osv/all.zip, a zip of such files as OSV exports it

That no advisory lies here means something only for the projects that `complete_for` names; `absent` (optional)
names those that PyPI did not know.
"""

import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from tasks.advisories.model import Advisory
from tasks.advisories.parse import parse_advisory
from tasks.errors import SettingsError, SourceAnswerInvalid, SourceOffline
from tasks.sources.interface import AdvisoryRef, ProjectFacts
from tasks.sources.pypi import project_facts

__all__ = ["SnapshotAdvisories", "SnapshotProjects", "check_snapshot"]

MAX_FILE_BYTES = 64 * 1024 * 1024

_DECLARATION = "snapshot.json"
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def check_snapshot(folder: Path) -> None:
    """Raise SettingsError where the folder is no snapshot."""
    for key in ("complete_for", "absent"):
        _names(folder, key)


class SnapshotProjects:
    """`ProjectSource` out of a snapshot; SettingsError where the folder is not one."""

    def __init__(self, folder: Path) -> None:
        _names(folder, "complete_for")
        self._absent = _names(folder, "absent")
        self._folder = folder

    async def project(self, name: str, installed: str | None) -> ProjectFacts:
        """Facts of one project; SourceOffline where it is not in the snapshot, SourceAnswerInvalid where damaged."""
        if name in self._absent:
            return ProjectFacts(name=name, found=False)
        path = self._folder / "pypi" / f"{name}.json"
        if not _NAME.fullmatch(name) or not path.is_file():
            raise _not_in(self._folder, f"pypi: {name} is")
        return project_facts(_json(path.name, _bytes(path)), name, installed)


class SnapshotAdvisories:
    """`AdvisorySource` out of a snapshot; SettingsError where the folder is not one.

    The records are read once, at the first question.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._complete_for = _names(folder, "complete_for") | _names(folder, "absent")

    async def index(self, names: Sequence[str]) -> Mapping[str, tuple[AdvisoryRef, ...]]:
        """The advisories of each project that the snapshot is complete for; SourceOffline where that is none."""
        known = [name for name in names if name in self._complete_for]
        if names and not known:
            raise _not_in(self._folder, f"osv: the advisories of {names[0]} are")
        return {name: tuple(self._records[0].get(name, {}).values()) for name in known}

    async def advisories(self, refs: Sequence[AdvisoryRef]) -> Mapping[str, Advisory]:
        """The records by id; SourceOffline where one is not in the snapshot."""
        for ref in refs:
            if ref.id not in self._records[1]:
                raise _not_in(self._folder, f"osv: {ref.id} is")
        return {ref.id: self._records[1][ref.id] for ref in refs}

    def asked_at(self, name: str) -> datetime | None:  # noqa: ARG002 - one time for all
        """When the snapshot was made, naive UTC in whole seconds; None where its file does not say."""
        return self._created

    @cached_property
    def _created(self) -> datetime | None:
        try:
            made = datetime.fromisoformat(json.loads((self._folder / _DECLARATION).read_text("utf-8"))["created"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return None if made.tzinfo is None else made.astimezone(UTC).replace(tzinfo=None, microsecond=0)

    @cached_property
    def _records(self) -> tuple[dict[str, dict[str, AdvisoryRef]], dict[str, Advisory]]:
        """References by project and id, and records by id."""
        index: dict[str, dict[str, AdvisoryRef]] = {}
        records: dict[str, Advisory] = {}
        for file, body in _osv_files(self._folder / "osv"):
            advisory = parse_advisory(_json(file, body))
            projects = {canonicalize_name(a.name) for a in advisory.affected if a.ecosystem.partition(":")[0] == "PyPI"}
            for project in projects & self._complete_for:
                index.setdefault(project, {})[advisory.id] = AdvisoryRef(id=advisory.id, modified=advisory.modified)
                records[advisory.id] = advisory
        return index, records


def _names(folder: Path, key: str) -> frozenset[str]:
    path = folder / _DECLARATION
    try:
        names = {"absent": [], **json.loads(path.read_text("utf-8"))}[key]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f"{folder} is not a snapshot: {path.name} is missing or malformed; give another folder to offline.snapshot"
        ) from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise SettingsError(f"{folder} is not a snapshot: {key} in {path.name} is not a list of names.")
    return frozenset(map(canonicalize_name, names))


def _osv_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.glob("*.json")):
        yield path.name, _bytes(path)
    if (folder / "all.zip").is_file():
        yield from _zipped(folder / "all.zip")


def _zipped(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if entry.filename.endswith(".json"):
                    _check_size(path / entry.filename, entry.file_size)
                    yield entry.filename, archive.read(entry)
    except zipfile.BadZipFile as error:
        raise SourceAnswerInvalid(f"{path} in the snapshot is damaged; make the snapshot anew.") from error


def _bytes(path: Path) -> bytes:
    _check_size(path, path.stat().st_size)
    return path.read_bytes()


def _check_size(path: Path, size: int) -> None:
    if size > MAX_FILE_BYTES:
        raise SourceAnswerInvalid(f"{path} in the snapshot is larger than {MAX_FILE_BYTES >> 20} MiB; replace it.")


def _json(file: str, body: bytes) -> Any:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SourceAnswerInvalid(f"{file} in the snapshot is not JSON; make the snapshot anew.") from error
    if not isinstance(value, dict):
        raise SourceAnswerInvalid(f"{file} in the snapshot is not a JSON object; make the snapshot anew.")
    return value


def _not_in(folder: Path, what: str) -> SourceOffline:
    return SourceOffline(f"{what} not in the snapshot {folder}; run once without --offline.")
