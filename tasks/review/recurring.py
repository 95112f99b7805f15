"""Advisories of projects that come up again and again, made ready once: many rows of a large workbook name the same."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.advisories.assess import ProjectAdvisories
from tasks.advisories.model import Advisory
from tasks.sources.interface import AdvisoryRef

__all__ = ["MOST_RECORDS", "Known", "Recurring"]

MOST_RECORDS = 8000
"""Records held at most; some 9 kB each."""


@dataclass(frozen=True, slots=True)
class Known:
    """One project's advisories as refs name them: the records by id, and those made ready for matching."""

    refs: Sequence[AdvisoryRef]
    records: Mapping[str, Advisory]
    ready: ProjectAdvisories


class Recurring:
    """Holds what a project's advisories came to from the second time on; what was not used for longest goes first."""

    def __init__(self, most_records: int = MOST_RECORDS) -> None:
        self._most = most_records
        self._records = 0
        self._seen: set[str] = set()
        self._known: OrderedDict[str, Known] = OrderedDict()

    def get(self, project: str, refs: Sequence[AdvisoryRef]) -> Known | None:
        """What is held of exactly these advisories of the project."""
        known = self._known.get(project)
        if known is None or known.refs != refs:
            return None
        self._known.move_to_end(project)
        return known

    def put(self, project: str, known: Known) -> None:
        """Hold it, where the project was asked for before."""
        if project not in self._seen:
            # Most projects come up once: holding those would cost memory for nothing.
            self._seen.add(project)
            return
        self._drop(project)
        self._known[project] = known
        self._records += len(known.records)
        while self._records > self._most:
            self._drop(next(iter(self._known)))

    def forget(self) -> None:
        """Give up all that is held; a project that comes up again is made ready anew."""
        self._known.clear()
        self._records = 0

    def _drop(self, project: str) -> None:
        known = self._known.pop(project, None)
        if known is not None:
            self._records -= len(known.records)
