"""The Prefect tasks that look packages up: the advisory index once, then one task run per batch.

Their persisted results are the checkpoints: a run of the same scan finds them and looks nothing up again.
"""

import hashlib
import time
from dataclasses import dataclass
from typing import Any

from prefect import task
from prefect.context import TaskRunContext

from tasks.batching.interface import Batch
from tasks.engine.engine import engine_for
from tasks.engine.lookup import LookupSettings
from tasks.errors import SourceError
from tasks.review.model import PackageKey, PackageReview
from tasks.sources.interface import AdvisoryRef, Plain


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


class BatchResult(Plain):
    """A finished batch as it is stored: what was asked and what came of it, in the same order."""

    number: int
    keys: tuple[PackageKey, ...]
    reviews: tuple[PackageReview, ...]
    seconds: float
    round: int = 0


class BatchRequest(Plain):
    """One batch as handed to its task. refs None: the index could not be had, and problem says why."""

    scan_id: str
    number: int
    keys: tuple[PackageKey, ...]
    refs: dict[str, tuple[AdvisoryRef, ...]]
    index_problem: str | None = None
    round: int = 0
    lookup: LookupSettings

    @property
    def span(self) -> str:
        """First and last package, for the run's name."""
        return f"{self.keys[0].project} to {self.keys[-1].project}"

    @property
    def cache_key(self) -> str:
        """Scan, package names and versions, round, and the settings that change the answer."""
        packages = [(k.project, k.version, k.version_text, k.is_new) for k in self.keys]
        return _key("batch", self.scan_id, packages, self.round, self.lookup.answers_digest)


def _key(kind: str, scan_id: str, *parts: object) -> str:
    return f"{scan_id}/{kind}-{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"


def _batch_key(_: TaskRunContext, parameters: dict[str, Any]) -> str:
    request: BatchRequest = parameters["request"]
    return request.cache_key


def _index_key(_: TaskRunContext, parameters: dict[str, Any]) -> str:
    question: AdvisoryQuestion = parameters["question"]
    return _key("index", question.scan_id, question.names, question.lookup.answers_digest)


def _is_ours_to_retry(_task: object, _run: object, state: Any) -> bool:
    """A source that could not answer has been retried by the client already; only a broken batch is tried again."""
    return not isinstance(state.result(raise_on_failure=False), SourceError)


def batch_of(batch: Batch[PackageKey], request: BatchRequest) -> BatchRequest:
    """The request for one batch, from one that holds everything but the batch."""
    refs = {k.project: request.refs[k.project] for k in batch.items if k.project in request.refs}
    return request.model_copy(update={"number": batch.number, "keys": batch.items, "refs": refs})


@task(
    name="find-advisories",
    task_run_name="advisories of {question.projects} projects",
    persist_result=True,
    result_serializer="json",
    cache_key_fn=_index_key,
    cache_result_in_memory=False,
    retries=1,
    retry_delay_seconds=2,
    retry_condition_fn=_is_ours_to_retry,
)
def find_advisories(question: AdvisoryQuestion) -> dict[str, Any]:
    """Ask OSV which advisories name each project; AdvisoryIndex as plain data. SourceError when it cannot answer."""
    index = engine_for(question.lookup).index(question.names)
    return AdvisoryIndex(refs=dict(index)).model_dump(mode="json")


@task(
    name="review-batch",
    task_run_name="batch {request.number}: {request.span}",
    persist_result=True,
    result_serializer="json",
    cache_key_fn=_batch_key,
    cache_result_in_memory=False,
    retries=2,
    retry_delay_seconds=[1, 5],
    retry_jitter_factor=0.5,
    retry_condition_fn=_is_ours_to_retry,
)
def review_batch(request: BatchRequest) -> dict[str, Any]:
    """Review one batch of packages; BatchResult as plain data."""
    began = time.monotonic()
    reviews = engine_for(request.lookup).review_batch(request.keys, request.refs, request.index_problem)
    seconds = round(time.monotonic() - began, 3)
    result = BatchResult(
        number=request.number, keys=request.keys, reviews=reviews, seconds=seconds, round=request.round
    )
    return result.model_dump(mode="json")
