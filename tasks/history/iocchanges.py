"""What changed between two IOC scans: findings by repository. What was not read this time is not gone."""

from dataclasses import dataclass

from tasks.history.changes import Reference
from tasks.history.iocmodel import FileEntry, FindingEntry, IocDocument, RepositoryEntry
from tasks.ioc.model import FileStatus, RepositoryStatus

__all__ = ["GoneFinding", "IocChanges", "compare_ioc"]


@dataclass(frozen=True, slots=True)
class GoneFinding:
    """A finding that one of the two scans does not have, and why."""

    finding: FindingEntry
    reason: str


@dataclass(frozen=True, slots=True)
class IocChanges:
    """Everything that changed between two IOC scans; repositories are OWNER/NAME.

    unknown_before are findings where the former scan did not look: they are no news.
    """

    before: Reference
    after: Reference
    new: tuple[FindingEntry, ...] = ()
    gone: tuple[GoneFinding, ...] = ()
    not_checked: tuple[GoneFinding, ...] = ()
    unknown_before: tuple[GoneFinding, ...] = ()
    added: tuple[str, ...] = ()
    no_longer_listed: tuple[str, ...] = ()


def compare_ioc(before: IocDocument, after: IocDocument) -> IocChanges:
    """What changed from one IOC scan to a later one."""
    old = {finding.key: finding for finding in before.findings}
    new = {finding.key: finding for finding in after.findings}
    judge, former = _Judge(before, after), _Judge(after, before)
    vanished = [judge.judged(finding) for key, finding in old.items() if key not in new]
    come = [(finding, former.why_blind(finding)) for key, finding in new.items() if key not in old]
    was, now = ([one.repository for one in document.repositories] for document in (before, after))
    return IocChanges(
        before=Reference.of(before),
        after=Reference.of(after),
        new=tuple(finding for finding, why in come if why is None),
        gone=tuple(gone for checked, gone in vanished if checked),
        not_checked=tuple(gone for checked, gone in vanished if not checked),
        unknown_before=tuple(GoneFinding(finding, why) for finding, why in come if why is not None),
        added=tuple(name for name in now if name not in set(was)),
        no_longer_listed=tuple(name for name in was if name not in set(now)),
    )


class _Judge:
    """Says of a finding that only the scan before has whether the scan after looked where it was."""

    def __init__(self, before: IocDocument, after: IocDocument) -> None:
        self._fast = after.scope.fast
        self._uncompared = after.indicators.uncompared
        self._same_lists = before.indicators.digest == after.indicators.digest
        self._repositories: dict[str, RepositoryEntry] = {one.repository: one for one in after.repositories}
        self._files: dict[tuple[str, str], FileEntry] = {(one.repository, one.path): one for one in after.files}

    def judged(self, finding: FindingEntry) -> tuple[bool, GoneFinding]:
        why_not = self._why_not_looked(finding)
        return why_not is None, GoneFinding(finding, why_not or self._why_gone(finding))

    def _why_not_looked(self, finding: FindingEntry) -> str | None:
        if finding.repository not in self._repositories:
            return "the repository was not part of this scan"
        return self.why_blind(finding)

    def why_blind(self, finding: FindingEntry) -> str | None:
        """Why the scan after could not see it, although it knew of the repository; None where it could."""
        repository = self._repositories.get(finding.repository)
        if repository is None:
            return None
        if repository.status is RepositoryStatus.FAILED:
            return f"the repository could not be read: {repository.reason or 'no reason given'}"
        file = self._files.get((finding.repository, finding.path))
        if file is not None and file.status is FileStatus.FAILED:
            return f"the file could not be read: {file.reason or 'no reason given'}"
        if file is None and self._fast and "/" in finding.path:
            return "only files in the top folder were read"
        if file is not None and finding.ecosystem in self._uncompared:
            return f"no indicator for {finding.ecosystem} was at hand"
        return None

    def _why_gone(self, finding: FindingEntry) -> str:
        if (finding.repository, finding.path) not in self._files:
            return "the file is no longer there"
        if self._same_lists:
            return "the file no longer names it"
        return "the file no longer names it, or the lists of indicators do not"
