"""A project's releases, read from PyPI's JSON: versions by PEP 440, upload times, yanked or not (PEP 592)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from packaging.version import Version

from tasks.advisories.versions import parse_version

__all__ = ["Release", "latest", "parse_releases", "reduced_files", "reduced_releases", "release_of", "stable"]

# Days that every month has: what is no date is left to the parser.
_AS_PYPI_WRITES = re.compile(
    r"[12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3])(?::[0-5]\d){2}\.\d{6}Z", re.ASCII
)

_PYTHON = "requires_python"
_LONGEST_PYTHON = 200
"""Characters of a Requires-Python that is read, as for a version."""


@dataclass(frozen=True, slots=True)
class Release:
    """One release that has files: its version, the text PyPI gives it, its files as PyPI lists them."""

    version: Version
    text: str
    files: tuple[Mapping[str, Any], ...]

    @property
    def uploaded_at(self) -> datetime | None:
        """The first upload, naive UTC in whole seconds."""
        return _first_upload(self.files)

    @property
    def yanked(self) -> bool:
        """Whether every file of it is (PEP 592)."""
        return _all_yanked(self.files)

    @property
    def requires_python(self) -> str | None:
        """What its first file that says so requires (PEP 345)."""
        return _python(self.files)


def parse_releases(document: Mapping[str, Any]) -> tuple[Release, ...]:
    """Every release with files, ascending; texts that are not PEP 440 versions are left out.

    Without "releases" (deprecated, https://docs.pypi.org/api/json/) only the described version is known.
    """
    listed = document.get("releases")
    if not isinstance(listed, Mapping):
        info = document["info"]
        listed = {info.get("version"): document.get("urls")}
    found = (_release(text, files) for text, files in listed.items())
    return tuple(sorted((r for r in found if r is not None), key=lambda r: r.version))


def stable(releases: Iterable[Release]) -> tuple[Release, ...]:
    """Those that are neither yanked nor pre- or development releases, each version once."""
    distinct = {r.version: r for r in releases if not r.yanked and not r.version.is_prerelease}
    return tuple(distinct.values())


def latest(releases: tuple[Release, ...]) -> Release | None:
    """The highest stable release, else the highest pre-release; None where every file is yanked."""
    candidates = stable(releases) or tuple(r for r in releases if not r.yanked)
    return candidates[-1] if candidates else None


def release_of(releases: tuple[Release, ...], installed: str) -> Release | None:
    """The release that is the installed version by PEP 440 equality (6 is 6.0), by its very text where two are."""
    version = parse_version(installed)
    if version is None:
        return None
    equal = [r for r in releases if r.version == version]
    return next((r for r in equal if r.text == installed), equal[0] if equal else None)


def reduced_releases(document: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Every release with files, by PyPI's own text, with its files reduced to one that says the same of it."""
    reduced = ((text, reduced_files(_listed(files))) for text, files in document["releases"].items())
    return {text: files for text, files in reduced if files}


def reduced_files(files: Iterable[object]) -> list[dict[str, Any]]:
    """One file with the first upload, the first Requires-Python, yanked where all are; none for none."""
    listed = tuple(file for file in files if isinstance(file, Mapping))
    if not listed:
        return []
    python = _python(listed)
    return [{**_first_time(listed), "yanked": _all_yanked(listed), **({_PYTHON: python} if python else {})}]


def _release(text: object, listed: object) -> Release | None:
    files = tuple(f for f in _listed(listed) if isinstance(f, Mapping))
    if not isinstance(text, str) or not files:
        return None
    version = parse_version(text)
    return None if version is None else Release(version, text, files)


def _listed(files: object) -> list[object]:
    return files if isinstance(files, list) else []


def _first_upload(files: Iterable[Mapping[str, Any]]) -> datetime | None:
    times = [t for t in map(_uploaded_at, files) if t is not None]
    return min(times, default=None)


def _first_time(files: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The first upload under PyPI's own key; times as PyPI writes them come in the order of their texts."""
    texts = [file.get("upload_time_iso_8601") for file in files]
    written = [text for text in texts if isinstance(text, str) and _AS_PYPI_WRITES.fullmatch(text)]
    if len(written) == len(texts):
        return {"upload_time_iso_8601": min(written)}
    moment = _first_upload(files)
    return {} if moment is None else {"upload_time": moment.isoformat()}


def _python(files: Iterable[Mapping[str, Any]]) -> str | None:
    for file in files:
        text = file.get(_PYTHON)
        if isinstance(text, str) and 0 < len(text) <= _LONGEST_PYTHON:
            return text
    return None


def _all_yanked(files: Iterable[Mapping[str, Any]]) -> bool:
    return all(f.get("yanked") is True for f in files)


def _uploaded_at(file: Mapping[str, Any]) -> datetime | None:
    # Old answers have only upload_time, which is UTC without saying so.
    for key in ("upload_time_iso_8601", "upload_time"):
        text = file.get(key)
        if isinstance(text, str) and (moment := _moment(text)) is not None:
            return moment
    return None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return aware.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    except (ValueError, OverflowError):
        return None
