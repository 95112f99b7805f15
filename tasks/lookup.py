"""The Prefect tasks that look packages up: the advisory index once, then one task run per batch.

Their persisted results are the checkpoints: a run of the same scan finds them and looks nothing up again.
"""

import functools
import logging
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError
from typing import Any

from tasks.batch_task import batch_task
from tasks.batching.timebox import work_apart, work_within
from tasks.checkpoints.batches import AdvisoryIndex, AdvisoryQuestion, BatchRequest, BatchResult
from tasks.engine.batch_metrics import BatchMetrics
from tasks.engine.engine import engine_at_work
from tasks.engine.loop import LOOP_CLOSED
from tasks.http.metrics import measured
from tasks.review.failed import failed_review
from tasks.review.model import PackageKey, PackageReview

_log = logging.getLogger(__name__)


@batch_task("find-advisories", "advisories of {question.projects} projects", "question", retries=1, delays_s=2)
def find_advisories(question: AdvisoryQuestion) -> dict[str, Any]:
    """Ask OSV which advisories name each project; AdvisoryIndex as plain data. SourceError when it cannot answer."""
    with engine_at_work(question.lookup) as engine:
        index = engine.index(question.names)
    return AdvisoryIndex(refs=dict(index)).model_dump(mode="json")


@batch_task("review-batch", "batch {request.number}: {request.span}", "request")
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
        with engine_at_work(request.lookup) as engine:
            return engine.review_batch(keys, request.refs, request.index_problem)
    except RuntimeError as error:
        if str(error) != LOOP_CLOSED:
            raise
        # The run was stopped: nothing was found out, and nothing may be stored that says so of a package.
        raise CancelledError from error


def _failed(key: PackageKey, error: Exception) -> PackageReview:
    _log.error("%s %s could not be reviewed (%s: %s)", key.name, key.version_text, type(error).__name__, error)
    return failed_review(key, f"{type(error).__name__} while it was reviewed: {error}")
