"""The four sheets of a scan's result, and what becomes of rows that the scan has no more.

A finding is "no longer found" only where its repository was read again; what could not be read is "could not check",
and what was not part of the scan stays as it is.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tasks.findingsbook.interface import FIRST_SEEN, NOTES, STATUS, Key, Row, Table
from tasks.ioc.model import FileRecord, FileStatus, Finding, RepositoryStatus
from tasks.reports.findings import IocResult
from tasks.review.meaning import Meaning

__all__ = ["COVERAGE", "FINDINGS", "tables_of"]

FINDINGS, COVERAGE = "Findings", "Coverage"
UNCOMPARED = "not compared"
FOUND, POSSIBLE, NO_LONGER, UNCHECKED = "found", "possible", "no longer found", "could not check"
_MEANINGS = {
    FOUND: Meaning.RISK,
    POSSIBLE: Meaning.MANUAL_REVIEW,
    NO_LONGER: Meaning.UPDATED,
    UNCHECKED: Meaning.COULD_NOT_CHECK,
    FileStatus.FAILED.value: Meaning.COULD_NOT_CHECK,
}
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
"""Characters that XML cannot hold (https://www.w3.org/TR/xml/#charsets): without them, keys read back as written."""


def tables_of(result: IocResult, *, fast: bool = False, limited: bool = False) -> tuple[Table, ...]:
    """The sheets; fast: only top folders were looked at; limited: not the whole organisation was."""
    seen = _Seen.of(result, fast=fast)
    repositories = [
        _row(
            Repository=one.repository,
            Status=one.status.value,
            Commit=one.commit,
            Lockfiles=one.files,
            Archived="yes" if one.archived else "no",
        )
        for one in result.repositories
    ]
    return (
        Table(
            FINDINGS,
            ("Repository", "File", "Ecosystem", "Package", "Version", "Indicator"),
            ("Source", "Note", STATUS, FIRST_SEEN, "Last seen"),
            tuple(_finding(one, result) for one in (*result.findings, *result.possible)),
            own=(NOTES,),
            gone=seen.finding_gone,
            meanings=_MEANINGS,
        ),
        Table(
            COVERAGE,
            ("What", "Where"),
            (STATUS, "Reason"),
            tuple(_coverage(result)),
            gone=seen.gap_gone,
            meanings=_MEANINGS,
        ),
        Table(
            "Repositories",
            ("Repository",),
            (STATUS, "Commit", "Lockfiles", "Archived"),
            tuple(repositories),
            gone=lambda _: None if limited else _row(Status="not in this scan"),
            meanings=_MEANINGS,
        ),
        Table(
            "Files",
            ("Repository", "File"),
            ("Blob", STATUS, "Packages", "Reason"),
            tuple(_file(one) for one in result.files),
            gone=seen.file_gone,
            meanings=_MEANINGS,
        ),
    )


def _row(**values: str | int | None) -> Row:
    """Values by header; texts without what XML cannot hold."""
    return {name: _UNWRITABLE.sub("", value) if isinstance(value, str) else value for name, value in values.items()}


def _finding(one: Finding, result: IocResult) -> Row:
    texts = _row(
        Repository=one.repository,
        File=one.path,
        Ecosystem=one.ecosystem,
        Package=one.name,
        Version=one.version or "",
        Indicator=one.indicator,
        Source=one.source,
        Note=one.note,
        Status=FOUND if one.certain else POSSIBLE,
    )
    when = result.finished_at.replace(microsecond=0)
    return {**texts, FIRST_SEEN: when, "Last seen": when}


def _file(one: FileRecord) -> Row:
    return _row(
        Repository=one.repository,
        File=one.path,
        Blob=one.sha,
        Status=one.status.value,
        Packages=one.packages,
        Reason=one.reason,
    )


def _coverage(result: IocResult) -> Iterator[Row]:
    when = f"{result.finished_at:%Y-%m-%d %H:%M:%S} UTC"
    yield _row(What="scan", Where=result.target, Status="finished", Reason=when)
    for what, said in zip(("findings", "lockfiles", "indicators", "requests"), result.summary_lines(), strict=False):
        yield _row(What=what, Where="", Status="", Reason=said)
    for note in dict.fromkeys(result.notes):
        yield _row(What="note", Where=note, Status="", Reason="")
    for name in result.uncompared:
        yield _row(What=UNCOMPARED, Where=name, Status=UNCHECKED, Reason="no indicator to compare its packages with")
    for repository in result.failed_repositories:
        failed = RepositoryStatus.FAILED.value
        yield _row(What="repository", Where=repository.repository, Status=failed, Reason=repository.reason or "")
    for file in result.failed_files:
        where = f"{file.repository}: {file.path}"
        yield _row(What="file", Where=where, Status=FileStatus.FAILED.value, Reason=file.reason or "")


@dataclass(frozen=True, slots=True)
class _Seen:
    """Which repositories were looked at, whether they could be read, and what came of their files."""

    repositories: Mapping[str, RepositoryStatus]
    files: Mapping[Key, FileStatus]
    fast: bool
    uncompared: frozenset[str]

    @classmethod
    def of(cls, result: IocResult, *, fast: bool) -> "_Seen":
        files: dict[Key, FileStatus] = {(one.repository, one.path): one.status for one in result.files}
        return cls(
            {one.repository: one.status for one in result.repositories}, files, fast, frozenset(result.uncompared)
        )

    def finding_gone(self, key: Key) -> Row | None:
        there = self.files.get((key[0], key[1])) is not None
        return self._of_file(key[0], key[1], UNCHECKED if there and key[2] in self.uncompared else NO_LONGER)

    def file_gone(self, key: Key) -> Row | None:
        return self._of_file(key[0], key[1], "no longer there")

    def gap_gone(self, key: Key) -> Row | None:
        what, where = key
        if what in ("note", UNCOMPARED):
            return _row(Status="no longer")
        repository, _, path = where.partition(": ")
        if what == "file":
            return self._of_file(repository, path, "mended")
        return self._of_file(repository, "", "mended") if what == "repository" else None

    def _of_file(self, repository: str, path: str, gone: str) -> Row | None:
        status = self.repositories.get(repository)
        if status is None or (self.fast and "/" in path and (repository, path) not in self.files):
            return None
        unread = status is RepositoryStatus.FAILED or self.files.get((repository, path)) is FileStatus.FAILED
        return _row(Status=UNCHECKED if unread else gone)
