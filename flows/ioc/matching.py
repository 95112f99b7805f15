"""The end of the IOC scan: every file with what it holds, held against the indicators."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flows.ioc.prepare import PreparedIoc
from flows.ioc.reading import Content, Reading, content_of
from tasks.files.atomic import write_atomically
from tasks.indicators.names import ecosystem_of
from tasks.ioc.findings import Hit, findings_in, hits_in
from tasks.ioc.model import Candidate, FileRecord, FileStatus, Finding, Parsed
from tasks.reports.inventory import inventory_lines


@dataclass(frozen=True, slots=True)
class Matched:
    """Findings in order of repositories and paths; possible ones apart; one record a file; ecosystems met."""

    findings: tuple[Finding, ...]
    possible: tuple[Finding, ...]
    files: tuple[FileRecord, ...]
    ecosystems: frozenset[str] = frozenset()


class _Matching:
    def __init__(self, prepared: PreparedIoc, reading: Reading) -> None:
        self._prepared = prepared
        self._reading = reading
        self._hits: dict[tuple[Content, object], tuple[Hit, ...]] = {}
        self.findings: list[Finding] = []
        self.files: list[FileRecord] = []
        self.ecosystems: set[str] = set()

    def file(self, candidate: Candidate) -> Parsed | None:
        """Note one file; what it holds, None where it could not be read."""
        parsed = self._reading.known(candidate)
        self.files.append(self._record(candidate, parsed))
        if parsed is None or parsed.reason is not None:
            return None
        key = content_of(candidate), parsed.siblings
        if key not in self._hits:
            self.ecosystems.update(ecosystem_of(package.ecosystem) for package in parsed.packages)
            self._hits[key] = hits_in(parsed.packages, self._prepared.indicators.index)
        entry = candidate.entry
        self.findings += findings_in(candidate.repository.full_name, entry.path, entry.sha, self._hits[key])
        return parsed

    def _record(self, candidate: Candidate, parsed: Parsed | None) -> FileRecord:
        name, entry, content = candidate.repository.full_name, candidate.entry, content_of(candidate)
        if parsed is None:
            reason = self._reading.unread.get(content) or str(self._reading.exhausted or "not read")
            return FileRecord(name, entry.path, entry.sha, FileStatus.FAILED, reason)
        if parsed.reason is not None:
            return FileRecord(name, entry.path, entry.sha, FileStatus.FAILED, parsed.reason)
        status = FileStatus.SCANNED if content in self._reading.read else FileStatus.CACHED
        return FileRecord(name, entry.path, entry.sha, status, None, len(parsed.packages))


def match(prepared: PreparedIoc, files: Sequence[Candidate], reading: Reading) -> Matched:
    """Match every file, and write the inventory where one is asked for; memory holds one file's packages at a time.

    CheckpointError where the inventory cannot be written.
    """
    matching = _Matching(prepared, reading)

    def lines() -> Iterator[bytes]:
        for candidate in files:
            parsed = matching.file(candidate)
            if parsed is not None:
                yield from inventory_lines(candidate.repository.full_name, candidate.entry.path, parsed.packages)

    path = prepared.request.inventory
    if path is None:
        for candidate in files:
            matching.file(candidate)
    else:
        write_atomically(path, lambda out: out.writelines(lines()))
    found = list(dict.fromkeys(matching.findings))
    return Matched(
        tuple(one for one in found if one.certain),
        tuple(one for one in found if not one.certain),
        tuple(matching.files),
        frozenset(matching.ecosystems),
    )
