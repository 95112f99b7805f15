"""The Prefect tasks that look packages up: the advisory index once, then one task run per batch.

Their persisted results are the checkpoints: a run of the same scan finds them and looks nothing up again.
"""

import functools
import logging
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError
from typing import Any

from prefect import task
from prefect.context import TaskRunContext

from tasks.batching.timebox import work_apart, work_within
from tasks.checkpoints.batches import AdvisoryIndex, AdvisoryQuestion, BatchRequest, BatchResult
from tasks.engine.batch_metrics import BatchMetrics
from tasks.engine.engine import engine_for
from tasks.http.metrics import measured
from tasks.retrying import BATCH_DELAYS_S, BATCH_RETRIES, JITTER, is_ours_to_retry
from tasks.review.failed import failed_review
from tasks.review.model import PackageKey, PackageReview

_log = logging.getLogger(__name__)
_LOOP_CLOSED = "Event loop is closed"
"""What asyncio says when work is given to the engine after it was closed."""


def _batch_key(_: TaskRunContext, parameters: dict[str, Any]) -> str:
    request: BatchRequest = parameters["request"]
    return request.cache_key


def _index_key(_: TaskRunContext, parameters: dict[str, Any]) -> str:
    question: AdvisoryQuestion = parameters["question"]
    return question.cache_key


@task(
    name="find-advisories",
    task_run_name="advisories of {question.projects} projects",
    persist_result=True,
    result_serializer="json",
    cache_key_fn=_index_key,
    cache_result_in_memory=False,
    retries=1,
    retry_delay_seconds=2,
    retry_condition_fn=is_ours_to_retry,
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
    retries=BATCH_RETRIES,
    retry_delay_seconds=list(BATCH_DELAYS_S),
    retry_jitter_factor=JITTER,
    retry_condition_fn=is_ours_to_retry,
)
def review_batch(request: BatchRequest) -> dict[str, Any]:
    """Review one batch of packages; BatchResult as plain data."""
    return reviewed(request).model_dump(mode="json")


def reviewed(request: BatchRequest) -> BatchResult:
    """Review the packages of a request, as many as its time suffices for; one that fails by itself fails alone."""
    began = time.monotonic()
    work = functools.partial(_review_apart, request)
    with measured() as cost:
        reviews = work_within(request.keys, work, request.seconds, time.monotonic)
    return BatchResult(
        number=request.number,
        keys=request.keys[: len(reviews)],
        reviews=reviews,
        seconds=round(time.monotonic() - began, 3),
        round=request.round,
        left=request.keys[len(reviews) :],
        metrics=BatchMetrics.of(cost),
    )


def _review_apart(request: BatchRequest, keys: Sequence[PackageKey]) -> tuple[PackageReview, ...]:
    return work_apart(keys, functools.partial(_review, request), _failed, (CancelledError,))


def _review(request: BatchRequest, keys: Sequence[PackageKey]) -> tuple[PackageReview, ...]:
    try:
        return engine_for(request.lookup).review_batch(keys, request.refs, request.index_problem)
    except RuntimeError as error:
        if str(error) != _LOOP_CLOSED:
            raise
        # The run was stopped: nothing was found out, and nothing may be stored that says so of a package.
        raise CancelledError from error


def _failed(key: PackageKey, error: Exception) -> PackageReview:
    _log.error("%s %s could not be reviewed (%s: %s)", key.name, key.version_text, type(error).__name__, error)
    return failed_review(key, f"{type(error).__name__} while it was reviewed: {error}")
