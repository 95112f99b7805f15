"""What a task whose result is a checkpoint has in common with the others."""

from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar

from prefect import Task, task
from prefect.context import TaskRunContext

from tasks.retrying import BATCH_DELAYS_S, BATCH_RETRIES, JITTER, is_ours_to_retry

__all__ = ["batch_task"]

_DELAYS: Final = [float(seconds) for seconds in BATCH_DELAYS_S]

Given = ParamSpec("Given")
Value = TypeVar("Value")


def batch_task(
    name: str, run_name: str, parameter: str, retries: int = BATCH_RETRIES, delays_s: float | list[float] | None = None
) -> Callable[[Callable[Given, Value]], Task[Given, Value]]:
    """A task whose result is stored as JSON under the `cache_key` of the named parameter, and found there again.

    run_name is a template over the parameters; delays_s are the seconds before each of the retries.
    """

    def key(_: TaskRunContext, parameters: dict[str, Any]) -> str:
        found: str = parameters[parameter].cache_key
        return found

    return task(
        name=name,
        task_run_name=run_name,
        persist_result=True,
        result_serializer="json",
        cache_key_fn=key,
        cache_result_in_memory=False,
        retries=retries,
        retry_delay_seconds=_DELAYS if delays_s is None else delays_s,
        retry_jitter_factor=JITTER,
        retry_condition_fn=is_ours_to_retry,
    )
