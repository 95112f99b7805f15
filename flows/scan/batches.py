"""The middle of the scan: the advisory index, the batches, and a second try for what could not be checked.

Knows no Prefect: how a batch is looked up and its result stored is `Lookups`; what is stored there is found again
by its record, so that every batch an earlier run finished is taken as it is.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import ValidationError

from flows.scan.prepared import PreparedScan
from flows.scan.progress_record import ProgressRecord
from flows.scan.stopping import NEVER, Stop
from tasks.batching.interface import Batch, BatchTiming
from tasks.batching.memory import MemoryLimits, MemoryReader
from tasks.batching.planner import Planner
from tasks.batching.pressure import Pressure
from tasks.batching.strategies import strategy_for
from tasks.batching.window import run_windowed
from tasks.checkpoints.batches import (
    AdvisoryIndex,
    AdvisoryQuestion,
    BatchRequest,
    BatchResult,
    Identity,
    batch_of,
    identity,
)
from tasks.checkpoints.results import stored_records
from tasks.errors import SourceError
from tasks.history.model import BatchSpan
from tasks.progress.display import Narrator
from tasks.review.compact import Compactor
from tasks.review.failed import failed_review
from tasks.review.model import PackageKey, PackageReview, ReviewStatus
from tasks.settings.processing import Strategy
from tasks.sources.interface import AdvisoryRef

_log = logging.getLogger(__name__)
_TIME_SHARE = 0.9
"""Share of the interval after which a time-based batch takes no more packages: storing it needs time too."""


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """A batch that ended well; cached says that its result was stored already."""

    result: BatchResult
    cached: bool


class Submitted(Protocol):
    """A batch under way."""

    def add_done_callback(self, fn: Callable[[Any], None], /) -> None:
        """Call back, from any thread, once the batch has ended."""
        ...

    def outcome(self) -> BatchOutcome:
        """How it ended; raises what made it fail."""
        ...


class Lookups(Protocol):
    """How questions are answered: each answer is durable before it is given, under its question's cache key."""

    def index(self, question: AdvisoryQuestion) -> AdvisoryIndex:
        """Which advisories name which project; SourceError when that cannot be said."""
        ...

    def expect(self, refs: Sequence[AdvisoryRef]) -> None:
        """Say which advisories the batches will need."""
        ...

    def submit(self, request: BatchRequest) -> Submitted:
        """Start a batch and return at once."""
        ...


@dataclass(slots=True)
class BatchRun:
    """Runs the batches of one scan and gathers their reviews by package version.

    look_ahead is told the projects of the batches to come, in order; at_once is how many batches to have under way,
    None: as many as the settings say. memory answers the share of the memory limit in
    use; sleep and clock are in seconds.
    """

    prepared: PreparedScan
    lookups: Lookups
    narrator: Narrator
    record: ProgressRecord
    warn: Callable[[str], object]
    stop: Stop = NEVER
    memory: MemoryReader = field(default_factory=lambda: MemoryLimits().used)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    look_ahead: Callable[[Sequence[str]], object] = lambda _: None
    at_once: int | None = None
    reviews: dict[Identity, PackageReview] = field(default_factory=dict)
    batches: int = 0
    cached: int = 0
    spans: list[BatchSpan] = field(default_factory=list)
    _began: float = field(init=False)
    _rounds: dict[Identity, int] = field(default_factory=dict)
    _last_round: int = 0
    _failed_now: set[Identity] = field(default_factory=set)
    _compactor: Compactor = field(default_factory=Compactor)

    def __post_init__(self) -> None:
        self._began = self.clock()

    def review(self, keys: Sequence[PackageKey]) -> None:
        """Review all keys, failed ones again at the end. Ends early, without an error, when it is told to stop."""
        request = self.index(keys)
        self.run(keys, request)
        self.retry_failed(keys, request)

    def index(self, keys: Sequence[PackageKey]) -> BatchRequest:
        """Ask which advisories name which project; a request that all batches are made from."""
        prepared = self.prepared
        names = tuple(sorted({key.project for key in keys}))
        blank = BatchRequest(scan_id=prepared.scan_id, number=0, keys=(), refs={}, lookup=prepared.lookup)
        try:
            refs = self.lookups.index(AdvisoryQuestion(prepared.scan_id, names, prepared.lookup)).refs
        except SourceError as error:
            self.warn(f"Advisories could not be looked up: {error}")
            return blank.model_copy(update={"index_problem": str(error)})
        self.lookups.expect([ref for own in refs.values() for ref in own])
        return blank.model_copy(update={"refs": refs})

    def run(self, keys: Sequence[PackageKey], request: BatchRequest) -> None:
        """Review all keys: first the batches that an earlier run finished, exactly as they were, then the rest."""
        earlier, held = self._finished_earlier(request) if request.round == 0 else ([], set[Identity]())
        rest = [key for key in keys if identity(key) not in held]
        self._last_round = max((job.round for job in earlier), default=request.round)
        config = self.prepared.settings.batch_processing
        first = max([self.batches, *(job.number for job in earlier)]) + 1
        planner = Planner(rest, strategy_for(config, len(keys)), self.memory, first)
        self.look_ahead([key.project for key in rest])
        giver = _Giver(self, earlier, planner, self._timed(request))
        at_once = self.at_once or config.max_concurrent_batches
        for job, future in run_windowed(giver.next_job, self.lookups.submit, at_once, self.stop.given_up):
            giver.under_way -= 1
            self._ended(job, future, planner)

    def _timed(self, request: BatchRequest) -> BatchRequest:
        config = self.prepared.settings.batch_processing
        if config.strategy is not Strategy.TIME_BASED:
            return request
        return request.model_copy(update={"seconds": config.time_based_interval * _TIME_SHARE})

    def _finished_earlier(self, request: BatchRequest) -> tuple[list[BatchRequest], set[Identity]]:
        """The stored batches of all rounds that hold a wanted package, and which packages they hold."""
        jobs: list[BatchRequest] = []
        held: set[Identity] = set()
        wanted = {identity(key) for key in self.prepared.keys}
        for key, plain in self._stored():
            found = _keys_of(plain)
            if found is not None and wanted & {identity(key) for key in found[0]}:
                held |= {identity(key) for key in found[0]}
                asked = Batch(plain["number"], (*found[0], *found[1]))
                jobs.append(batch_of(asked, request).model_copy(update={"round": plain["round"], "record": key}))
        return jobs, held

    def _stored(self) -> list[tuple[str, Mapping[str, Any]]]:
        if self.prepared.resumed is None and self.prepared.replaces is None:
            return []
        found = stored_records(self.prepared.records, self.prepared.scan_id)
        return [(stored.key, {**stored.plain, "reviews": ()}) for stored in found]

    def _ended(self, job: BatchRequest, future: Submitted, planner: Planner[PackageKey]) -> None:
        self.batches += 1
        try:
            outcome = future.outcome()
        except Exception as error:  # noqa: BLE001  a batch that fails as a whole is reported package by package
            if not self.stop.requested:
                self._failed(job, error)
            return
        result = outcome.result
        self.cached += outcome.cached
        self._keep(job.round, result.keys, result.reviews)
        if result.left and not outcome.cached:
            planner.give_back(result.left)
        if not outcome.cached:
            planner.finished(BatchTiming(len(result.keys), result.seconds))
        failed = _count_failed(result.reviews)
        self.narrator.batch_done(len(result.keys), failed=failed, cached=outcome.cached, again=job.round > 0)
        self.record.batch_done(job.cache_key, result, cached=outcome.cached, failed=len(self._failed_now))
        self._note_span(job, result, failed, cached=outcome.cached)

    def _note_span(self, job: BatchRequest, result: BatchResult, failed: int, *, cached: bool) -> None:
        held = {"packages": len(result.keys), "failed": failed, "cached": cached, "round": job.round}
        self.spans.append(BatchSpan.ended(result.number, self.clock() - self._began, result.seconds, **held))

    def _failed(self, job: BatchRequest, error: Exception) -> None:
        """Note every package of a batch that failed as a whole; they are tried again at the end."""
        _log.error(
            "Batch %d failed (%s: %s); its packages are tried again at the end", job.number, type(error).__name__, error
        )
        reason = f"its batch failed ({type(error).__name__}: {error})"
        self._keep(job.round, job.keys, [failed_review(key, reason) for key in job.keys])
        self.narrator.batch_done(len(job.keys), failed=len(job.keys), again=job.round > 0)

    def _keep(self, number: int, keys: Sequence[PackageKey], reviews: Sequence[PackageReview]) -> None:
        for key, review in zip(keys, reviews, strict=True):
            # Rounds may end out of order when they are replayed: the later one has the last word.
            if self._rounds.get(identity(key), 0) <= number:
                if number:
                    self._rounds[identity(key)] = number
                self.reviews[identity(key)] = self._compactor.compact(review)
                failed = review.status is ReviewStatus.FAILED
                (self._failed_now.add if failed else self._failed_now.discard)(identity(key))

    def failed(self, keys: Sequence[PackageKey]) -> list[PackageKey]:
        """The package versions whose deciding sources did not answer."""
        found = ((key, self.reviews.get(identity(key))) for key in keys)
        return [key for key, review in found if review is not None and review.status is ReviewStatus.FAILED]

    def retry_failed(self, keys: Sequence[PackageKey], request: BatchRequest) -> None:
        """Try failed packages again, until all have answers, a round heals nothing, or the rounds are used up."""
        config = self.prepared.settings.batch_processing
        rounds = config.max_retry_attempts if config.retry_failed_batches else 0
        for number in range(self._last_round + 1, self._last_round + rounds + 1):
            failed = self.failed(keys)
            if not failed or self.prepared.request.offline or self.stop.requested:
                return
            again = self.index(failed) if request.index_problem else request
            self.run(failed, again.model_copy(update={"round": number}))
            if len(self.failed(keys)) == len(failed):
                return


@dataclass(slots=True)
class _Giver:
    """Hands out the next batch, unless the run is to stop or memory is short."""

    run: BatchRun
    earlier: list[BatchRequest]
    planner: Planner[PackageKey]
    request: BatchRequest
    under_way: int = 0
    _pressure: Pressure = field(init=False)

    def __post_init__(self) -> None:
        config = self.run.prepared.settings.batch_processing
        self.earlier.reverse()
        self._pressure = Pressure(config.memory_threshold, self.run.memory, self.run.sleep, self._relieve)

    def _relieve(self) -> None:
        self.run.warn("Memory is short: progress is saved, batches become smaller and wait until there is more")
        self.run.record.save()

    def next_job(self) -> BatchRequest | None:
        """The next batch; None while there is none, or while running ones should end first."""
        if self.run.stop.requested:
            return None
        job = self.earlier.pop() if self.earlier else self._planned()
        self.under_way += job is not None
        return job

    def _planned(self) -> BatchRequest | None:
        adaptive = self.run.prepared.settings.batch_processing.strategy is Strategy.MEMORY_ADAPTIVE
        if adaptive and self.planner.remaining and self._pressure.too_high(wait=not self.under_way) and self.under_way:
            return None
        batch = self.planner.next_batch()
        return None if batch is None else batch_of(batch, self.request)


def _keys_of(plain: Mapping[str, Any]) -> tuple[tuple[PackageKey, ...], tuple[PackageKey, ...]] | None:
    """The packages of a stored batch and those left over; None for one of another version of this program."""
    try:
        done, left = ([PackageKey.model_validate(key) for key in plain.get(name, ())] for name in ("keys", "left"))
    except ValidationError:
        return None
    return tuple(done), tuple(left)


def _count_failed(reviews: Sequence[PackageReview]) -> int:
    return sum(1 for review in reviews if review.status is ReviewStatus.FAILED)
