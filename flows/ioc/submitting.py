"""Reading lockfiles through Prefect: one task run a batch, its persisted result the batch's durable record."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from prefect.futures import PrefectFuture

from blocks.results import ResultStorage
from flows.ioc.prepare import PreparedIoc
from flows.runners.interface import Runner
from tasks.ioc.batches import IocBatch
from tasks.ioc.engine import IocEngine
from tasks.ioc_lookup import read_lockfiles
from tasks.retrying import BATCH_RETRIES

__all__ = ["BatchSubmitter", "Submitted"]


@dataclass(frozen=True, slots=True)
class Submitted:
    """A batch under way."""

    future: PrefectFuture[dict[str, Any]]
    counted_by: IocEngine | None

    def add_done_callback(self, fn: Callable[[Any], None], /) -> None:
        """Call back, from any thread, once the batch has ended."""
        self.future.add_done_callback(fn)

    def outcome(self) -> tuple[dict[str, Any], bool]:
        """What `plain_result` made of it, and whether that was stored already; raises what made the batch fail."""
        plain = self.future.result()
        cached = self.future.state.name == "Cached"
        if self.counted_by is not None and not cached:
            self.counted_by.count_elsewhere(plain["requests"])
        return plain, cached


@dataclass(frozen=True, slots=True)
class BatchSubmitter:
    """Starts batches where the settings say, with their results in `storage`; used inside a flow run."""

    prepared: PreparedIoc
    storage: ResultStorage
    runner: Runner
    engine: IocEngine

    @property
    def at_once(self) -> int:
        """How many batches to have under way."""
        return self.runner.at_once

    def __call__(self, batch: IocBatch) -> Submitted:
        """Submit the batch's task run and return at once."""
        config = self.prepared.config
        times = min(BATCH_RETRIES, config.retry_attempts)
        delays = [config.retry_delay_base * 2**number for number in range(times)]
        task = read_lockfiles.with_options(
            result_storage=self.storage, retries=times, retry_delay_seconds=delays or 0.0
        )
        if not self.runner.processes:
            return Submitted(self.runner.submit(task, batch=batch), None)
        there = batch.model_copy(update={"terms": batch.terms.shared_by(self.runner.processes)})
        return Submitted(self.runner.submit(task, batch=there), self.engine)
