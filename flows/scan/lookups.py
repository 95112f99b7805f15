"""Looking up through Prefect: one task run a batch, its persisted result the batch's durable record."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prefect.futures import PrefectFuture

from blocks.results import ResultStorage
from flows.opaque import carried, opaque
from flows.scan.batches import BatchOutcome
from tasks.checkpoints.batches import AdvisoryIndex, AdvisoryQuestion, BatchRequest, BatchResult
from tasks.engine.engine import engine_for
from tasks.engine.lookup import LookupSettings
from tasks.lookup import find_advisories, review_batch
from tasks.sources.interface import AdvisoryRef

if TYPE_CHECKING:
    from flows.runners import Runner


@dataclass(frozen=True, slots=True)
class _Submitted:
    future: PrefectFuture[dict[str, Any]]

    def add_done_callback(self, fn: Callable[[Any], None], /) -> None:
        self.future.add_done_callback(fn)

    def outcome(self) -> BatchOutcome:
        result = BatchResult.model_validate(self.future.result())
        return BatchOutcome(result, self.future.state.name == "Cached")


@dataclass(frozen=True, slots=True)
class PrefectLookups:
    """`Lookups` by Prefect's tasks, with their results in `storage`; used inside a flow run.

    cluster runs the batches in other processes; None: threads of this one do.
    """

    storage: ResultStorage
    lookup: LookupSettings
    cluster: "Runner | None" = None

    def index(self, question: AdvisoryQuestion) -> AdvisoryIndex:
        """Run the index task, or take its stored result; SourceError when OSV cannot answer."""
        task = find_advisories.with_options(result_storage=self.storage)
        return AdvisoryIndex.model_validate(task(opaque(question)))

    def expect(self, refs: Sequence[AdvisoryRef]) -> None:
        """Let the engine fetch many advisories at once."""
        # Workers have engines of their own, and ask for what they need.
        if self.cluster is None:
            engine_for(self.lookup).expect(refs)

    def look_ahead(self, projects: Sequence[str]) -> None:
        """Let the engine look projects up before their batches begin."""
        if self.cluster is None:
            engine_for(self.lookup).expect_projects(projects)

    def submit(self, request: BatchRequest) -> _Submitted:
        """Submit the batch's task run to the cluster, or to the flow's own task runner."""
        task = review_batch.with_options(result_storage=self.storage)
        if self.cluster is None:
            return _Submitted(task.submit(opaque(request)))
        return _Submitted(self.cluster.submit(task, parameters={"request": carried(request)}))
