"""A batch of packages as it is asked for and as it is stored: what makes a scan resumable."""

import hashlib
from dataclasses import dataclass

from tasks.batching.interface import Batch
from tasks.engine.batch_metrics import BatchMetrics
from tasks.engine.lookup import LookupSettings
from tasks.review.model import PackageKey, PackageReview
from tasks.sources.interface import AdvisoryRef, Plain

Identity = tuple[str, str, bool]


def identity(key: PackageKey) -> Identity:
    """What makes two rows the same package version: project, version (its text where it is none), and being new."""
    return key.project, key.version or key.version_text, key.is_new


class AdvisoryIndex(Plain):
    """Which advisories name which project, as the index task stores it."""

    refs: dict[str, tuple[AdvisoryRef, ...]]


@dataclass(frozen=True, slots=True)
class AdvisoryQuestion:
    """Which projects' advisories a scan asks for; names are PEP 503 and sorted."""

    scan_id: str
    names: tuple[str, ...]
    lookup: LookupSettings

    @property
    def projects(self) -> int:
        """How many projects."""
        return len(self.names)

    @property
    def cache_key(self) -> str:
        """The result's name below the results folder: scan, names and the settings that change the answer."""
        return record_key("index", self.scan_id, self.names, self.lookup.answers_digest)


class BatchResult(Plain):
    """A finished batch as it is stored: what was asked and what came of it, in the same order.

    left are the packages that its time did not suffice for (strategy `time-based`); other batches hold them.
    seconds is the time it took; round counts the tries at the end, 0 being the first look; metrics is what its
    questions cost.
    """

    number: int
    keys: tuple[PackageKey, ...]
    reviews: tuple[PackageReview, ...]
    seconds: float
    round: int = 0
    left: tuple[PackageKey, ...] = ()
    metrics: BatchMetrics = BatchMetrics()


class BatchRequest(Plain):
    """One batch as handed to its task. index_problem: the index could not be had, and says why.

    record names the stored result of an earlier run that is to be taken; seconds bounds the time of the batch.
    """

    scan_id: str
    number: int
    keys: tuple[PackageKey, ...]
    refs: dict[str, tuple[AdvisoryRef, ...]]
    index_problem: str | None = None
    round: int = 0
    lookup: LookupSettings
    record: str | None = None
    seconds: float | None = None

    @property
    def span(self) -> str:
        """First and last package, for the run's name."""
        return f"{self.keys[0].project} to {self.keys[-1].project}"

    @property
    def cache_key(self) -> str:
        """The result's name below the results folder.

        Of a new batch: scan, package names and versions, round, and the settings that change the answer.
        """
        packages = [(k.project, k.version, k.version_text, k.is_new) for k in self.keys]
        return self.record or record_key("batch", self.scan_id, packages, self.round, self.lookup.answers_digest)


def record_key(kind: str, scan_id: str, *parts: object) -> str:
    """The name of a stored result below the results folder: its scan, its kind, and a digest of what was asked."""
    return f"{scan_id}/{kind}-{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"


def batch_of(batch: Batch[PackageKey], request: BatchRequest) -> BatchRequest:
    """The request for one batch, from one that holds everything but the batch."""
    refs = {k.project: request.refs[k.project] for k in batch.items if k.project in request.refs}
    return request.model_copy(update={"number": batch.number, "keys": batch.items, "refs": refs})
