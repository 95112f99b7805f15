"""Advisories, facts and sources for the review tests: handwritten values behind the public seams."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tasks.advisories.model import Advisory, Affected, Event, EventKind, Severity
from tasks.errors import SourceError, SourceUnavailable
from tasks.review.model import PackageKey, PackageReview
from tasks.review.reviewer import Reviewer
from tasks.sources.interface import AdvisoryRef, ProjectFacts

NOW = datetime.fromisoformat("2026-03-04T05:06:07")
RELEASED = datetime.fromisoformat("2020-01-02T03:04:05")
HIGH = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"
MEDIUM = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N"
CRITICAL = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"


def advisory(
    identifier: str,
    *,
    fixed: str | None = "2.0",
    introduced: str = "0",
    versions: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
    vector: str | None = HIGH,
    label: Severity = Severity.UNKNOWN,
    withdrawn: bool = False,
    name: str = "demo",
) -> Advisory:
    """An advisory for one project: a range from introduced to fixed, or explicit versions alone."""
    events = [Event(EventKind.INTRODUCED, introduced)] + ([Event(EventKind.FIXED, fixed)] if fixed else [])
    affected = Affected("PyPI", name, versions, () if versions else (tuple(events),))
    vectors = (vector,) if vector else ()
    return Advisory(identifier, "2026-01-01T00:00:00Z", aliases, withdrawn, "words", (affected,), vectors, label)


def facts(
    latest: str | None = "3.0", *, released: datetime | None = RELEASED, name: str = "demo", found: bool = True
) -> ProjectFacts:
    """A project with the stable versions 1.0, 2.0 and the latest."""
    if not found:
        return ProjectFacts(name=name, found=False)
    return ProjectFacts(
        name=name,
        found=True,
        latest_version=latest,
        latest_released_at=RELEASED if latest else None,
        released_at=released,
        requires=("a", "b", "c", "d", "e", "f"),
        development_status="5 - Production/Stable",
        github_url="https://github.com/demo/demo",
        stable_versions=("1.0", "2.0", latest) if latest else (),
    )


def key(version: str | None = "1.0", *, name: str = "demo", text: str | None = None, new: bool = False) -> PackageKey:
    """What the workbook asks about; version None makes an unusable one."""
    problem = None if version is not None or new else f"{text!r} is no version"
    return PackageKey(
        name=name,
        project=name.lower(),
        version=None if new else version,
        version_text=text or ("NEW" if new else version or ""),
        problem=problem,
        is_new=new,
    )


@dataclass
class Projects:
    """A ProjectSource that answers from facts, or fails; arrived counts those that wait for everybody."""

    known: ProjectFacts | SourceError = field(default_factory=facts)
    everybody: int = 0
    arrived: int = 0
    _all_here: asyncio.Event = field(default_factory=asyncio.Event)

    async def project(self, name: str, installed: str | None) -> ProjectFacts:
        if self.everybody:
            self.arrived += 1
            if self.arrived == self.everybody:
                self._all_here.set()
            await self._all_here.wait()
        if isinstance(self.known, SourceError):
            raise self.known
        return self.known


@dataclass
class Advisories:
    """An AdvisorySource that answers from records, or fails."""

    records: Sequence[Advisory] = ()
    failure: SourceError | None = None
    lost: frozenset[str] = frozenset()

    async def index(self, names: Sequence[str]) -> Mapping[str, tuple[AdvisoryRef, ...]]:
        refs = tuple(AdvisoryRef(id=record.id, modified=record.modified) for record in self.records)
        return dict.fromkeys(names, refs)

    async def advisories(self, refs: Sequence[AdvisoryRef]) -> Mapping[str, Advisory]:
        if self.failure is not None:
            raise self.failure
        wanted = {ref.id for ref in refs} - self.lost
        return {record.id: record for record in self.records if record.id in wanted}


PYPI_DOWN = SourceUnavailable("pypi: no answer after 5 tries")
OSV_DOWN = SourceUnavailable("osv: no answer after 5 tries")


def reviewed(
    asked: PackageKey | None = None,
    *records: Advisory,
    pypi: ProjectFacts | SourceError | None = None,
    osv: SourceError | None = None,
    index_problem: str | None = None,
    uncertain_limit: int = 1,
) -> PackageReview:
    """One package reviewed through the public seams; row 4."""

    async def run() -> PackageReview:
        wanted, advisories = asked or key(), Advisories(records, osv)
        refs = {} if index_problem else await advisories.index([wanted.project])
        reviewer = Reviewer(Projects(pypi or facts()), advisories, lambda: NOW, uncertain_limit)
        (review,) = await reviewer.review_batch([wanted], refs, index_problem)
        return review.model_copy(update={"row": 4})

    return asyncio.run(run())
