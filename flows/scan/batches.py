"""The middle of the scan: the advisory index, the batches, and a second try for what could not be checked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from prefect.futures import PrefectFuture

from blocks.results import ResultStorage
from flows.opaque import opaque
from flows.scan.prepare import PreparedScan, identity
from flows.scan.progress_record import ProgressRecord
from tasks.batching.fixed_size import FixedSize, usual_size
from tasks.batching.interface import Batch, BatchTiming
from tasks.batching.planner import Planner
from tasks.batching.window import run_windowed
from tasks.checkpoints.results import stored_batches
from tasks.engine.engine import engine_for
from tasks.errors import SourceError
from tasks.lookup import (
    AdvisoryIndex,
    AdvisoryQuestion,
    BatchRequest,
    BatchResult,
    batch_of,
    find_advisories,
    review_batch,
)
from tasks.progress.display import Narrator
from tasks.review.model import PackageKey, PackageReview, ReviewStatus

Reviews = dict[tuple[str, str, bool], PackageReview]


@dataclass(slots=True)
class BatchRun:
    """Runs batches of one scan and gathers their reviews by package version."""

    prepared: PreparedScan
    storage: ResultStorage
    narrator: Narrator
    record: ProgressRecord
    warn: Callable[[str], object]
    reviews: Reviews = field(default_factory=dict)
    batches: int = 0
    cached: int = 0
    _rounds: dict[tuple[str, str, bool], int] = field(default_factory=dict)
    _last_round: int = 0

    def index(self, keys: Sequence[PackageKey]) -> BatchRequest:
        """Ask which advisories name which project; a request that all batches are made from."""
        prepared = self.prepared
        names = sorted({key.project for key in keys})
        blank = BatchRequest(scan_id=prepared.scan_id, number=0, keys=(), refs={}, lookup=prepared.lookup)
        task = find_advisories.with_options(result_storage=self.storage)
        try:
            plain = task(opaque(AdvisoryQuestion(prepared.scan_id, tuple(names), prepared.lookup)))
        except SourceError as error:
            self.warn(f"Advisories could not be looked up: {error}")
            return blank.model_copy(update={"index_problem": str(error)})
        refs = AdvisoryIndex.model_validate(plain).refs
        engine_for(prepared.lookup).expect([ref for own in refs.values() for ref in own])
        return blank.model_copy(update={"refs": refs})

    def run(self, keys: Sequence[PackageKey], request: BatchRequest) -> None:
        """Review all keys: first the batches that an earlier run finished, exactly as they were, then the rest."""
        earlier = self._finished_earlier(request) if request.round == 0 else []
        held = {identity(key) for job in earlier for key in job.keys}
        rest = [key for key in keys if identity(key) not in held]
        self._last_round = max((job.round for job in earlier), default=request.round)
        planner = Planner(rest, FixedSize(self._size(len(keys))), lambda: 0.0, self.batches + len(earlier) + 1)
        queue = iter(earlier)
        at_once = self.prepared.settings.batch_processing.max_concurrent_batches
        task = review_batch.with_options(result_storage=self.storage)
        for job, future in run_windowed(
            lambda: next(queue, None) or _planned(planner, request), lambda job: task.submit(opaque(job)), at_once
        ):
            self._ended(job, future, planner)

    def _size(self, packages: int) -> int:
        config = self.prepared.settings.batch_processing
        return config.default_batch_size or usual_size(packages, config.max_batch_size)

    def _finished_earlier(self, request: BatchRequest) -> list[BatchRequest]:
        """The stored batches of all rounds that hold a wanted package, as requests with the very same cache keys."""
        if self.prepared.resumed is None:
            return []
        wanted = {identity(key) for key in self.prepared.keys}
        folder = self.prepared.folders.results / self.prepared.scan_id
        found = (BatchResult.model_validate(plain) for plain in stored_batches(folder))
        kept = (result for result in found if wanted & {identity(key) for key in result.keys})
        return [batch_of(Batch(r.number, r.keys), request.model_copy(update={"round": r.round})) for r in kept]

    def _ended(self, job: BatchRequest, future: PrefectFuture[dict[str, object]], planner: Planner[PackageKey]) -> None:
        result = BatchResult.model_validate(future.result())
        cached = future.state.name == "Cached"
        self.batches += 1
        self.cached += cached
        for key, review in zip(result.keys, result.reviews, strict=True):
            # Rounds may end out of order when they are replayed: the later one has the last word.
            if self._rounds.get(identity(key), 0) <= job.round:
                self._rounds[identity(key)] = job.round
                self.reviews[identity(key)] = review
        failed = sum(1 for review in result.reviews if review.status is ReviewStatus.FAILED)
        planner.finished(BatchTiming(len(job.keys), result.seconds))
        self.narrator.batch_done(len(job.keys), failed=failed, cached=cached)
        self.record.batch_done(result)

    def failed(self, keys: Sequence[PackageKey]) -> list[PackageKey]:
        """The package versions whose deciding sources did not answer."""
        return [k for k in keys if self.reviews[identity(k)].status is ReviewStatus.FAILED]

    def retry_failed(self, keys: Sequence[PackageKey], request: BatchRequest) -> None:
        """Try failed packages again, until all have answers, a round heals nothing, or the rounds are used up."""
        config = self.prepared.settings.batch_processing
        rounds = config.max_retry_attempts if config.retry_failed_batches else 0
        for number in range(self._last_round + 1, self._last_round + rounds + 1):
            failed = self.failed(keys)
            if not failed or self.prepared.request.offline:
                return
            again = self.index(failed) if request.index_problem else request
            self.run(failed, again.model_copy(update={"round": number}))
            if len(self.failed(keys)) == len(failed):
                return


def _planned(planner: Planner[PackageKey], request: BatchRequest) -> BatchRequest | None:
    batch = planner.next_batch()
    return None if batch is None else batch_of(batch, request)
