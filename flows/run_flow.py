"""What all flows have in common: threads for their tasks, and word to somebody on failure."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect import Flow, flow
from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.notifying import tell_failure

__all__ = ["run_flow"]

Given = ParamSpec("Given")
Value = TypeVar("Value")

_THREADS: TaskRunner[PrefectFuture[Any]] = ThreadPoolTaskRunner(max_workers=64)  # type: ignore[assignment]  # invariant


def run_flow(name: str, run_name: Callable[[], str]) -> Callable[[Callable[Given, Value]], Flow[Given, Value]]:
    """A flow of this name, each run named by run_name; its result is its caller's, and not stored."""
    return flow(
        name=name,
        flow_run_name=run_name,
        task_runner=_THREADS,
        persist_result=False,
        on_failure=[tell_failure],
        on_crashed=[tell_failure],
    )
