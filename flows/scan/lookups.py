"""Looking up through Prefect: one task run a batch, its persisted result the batch's durable record."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prefect.futures import PrefectFuture

from blocks.results import ResultStorage
from flows.opaque import opaque
from flows.runners.interface import Runner
from flows.scan.batches import BatchOutcome
from tasks.checkpoints.batches import AdvisoryIndex, AdvisoryQuestion, BatchRequest, BatchResult
from tasks.engine.engine import Engine, engine_for
from tasks.engine.lookup import LookupSettings
from tasks.lookup import find_advisories, review_batch
from tasks.sources.interface import AdvisoryRef


@dataclass(frozen=True, slots=True)
class _Submitted:
    future: PrefectFuture[dict[str, Any]]
    counted_by: Engine | None

    def add_done_callback(self, fn: Callable[[Any], None], /) -> None:
        self.future.add_done_callback(fn)

    def outcome(self) -> BatchOutcome:
        result = BatchResult.model_validate(self.future.result())
        cached = self.future.state.name == "Cached"
        if self.counted_by is not None and not cached:
            self.counted_by.count_elsewhere(result.metrics.ledger)
        return BatchOutcome(result, cached)


@dataclass(frozen=True, slots=True)
class PrefectLookups:
    """`Lookups` by Prefect's tasks, with their results in `storage`; used inside a flow run.

    began (UTC) is when this scan did: engines of other processes outlive it, and use nothing unasked that is older.
    """

    storage: ResultStorage
    lookup: LookupSettings
    runner: Runner
    began: datetime = dataclasses.field(default_factory=lambda: datetime.now(UTC))

    def index(self, question: AdvisoryQuestion) -> AdvisoryIndex:
        """Run the index task, or take its stored result; SourceError when OSV cannot answer."""
        task = find_advisories.with_options(result_storage=self.storage)
        return AdvisoryIndex.model_validate(task(opaque(question)))

    def expect(self, refs: Sequence[AdvisoryRef]) -> None:
        """Let the engine fetch many advisories at once: no batch by itself lacks enough to make that worth it."""
        engine = engine_for(self.lookup)
        (engine.fetch_expected if self.runner.processes else engine.expect)(refs)

    def look_ahead(self, projects: Sequence[str]) -> None:
        """Let the engine look projects up before their batches begin, where it is the one that is asked for them."""
        if not self.runner.processes:
            engine_for(self.lookup).expect_projects(projects)

    def submit(self, request: BatchRequest) -> _Submitted:
        """Submit the batch's task run."""
        task = review_batch.with_options(result_storage=self.storage)
        if not self.runner.processes:
            return _Submitted(self.runner.submit(task, request=request), None)
        there = request.model_copy(update={"lookup": self._lookup_there})
        return _Submitted(self.runner.submit(task, request=there), engine_for(self.lookup))

    @property
    def _lookup_there(self) -> LookupSettings:
        return self.lookup if self.lookup.fresh_since is not None else self.lookup.resuming(self.began)
