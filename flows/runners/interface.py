"""What runs batches, as the flows see it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from flows.opaque import carried, opaque
from tasks.settings.running import ExecutionSettings

if TYPE_CHECKING:
    from prefect import Task
    from prefect.futures import PrefectFuture
    from prefect.task_runners import TaskRunner

__all__ = ["ClusterRunner", "OpenCluster", "Runner", "ThreadRunner"]

Value = TypeVar("Value")


class Runner(Protocol):
    """Runs tasks of the present flow run beside it."""

    @property
    def at_once(self) -> int:
        """How many batches to have under way."""
        ...

    @property
    def processes(self) -> int:
        """How many other processes batches run in, each with an engine of its own; 0: in this one."""
        ...

    def submit(self, task: "Task[Any, Value]", **parameter: object) -> "PrefectFuture[Value]":
        """Start a task run with one large parameter and return at once."""
        ...


@dataclass(frozen=True, slots=True)
class ThreadRunner:
    """Threads of this process: the flow's own task runner."""

    at_once: int
    processes: int = 0

    def submit(self, task: "Task[Any, Value]", **parameter: object) -> "PrefectFuture[Value]":
        """Start a task run in a thread."""
        return task.submit(**{name: opaque(value) for name, value in parameter.items()})


@dataclass(frozen=True, slots=True)
class ClusterRunner:
    """The processes of a cluster, through the task runner of Prefect that talks to it."""

    runner: "TaskRunner[Any]"
    at_once: int
    processes: int

    def submit(self, task: "Task[Any, Value]", **parameter: object) -> "PrefectFuture[Value]":
        """Start a task run wherever the cluster has room."""
        given = {name: carried(value) for name, value in parameter.items()}
        future: PrefectFuture[Value] = self.runner.submit(task, parameters=given)
        return future


OpenCluster = Callable[[ExecutionSettings, int], AbstractContextManager[ClusterRunner]]
"""Reaches or starts a cluster, for so many batches at once in each process.

ImportError where its extra is not installed, OSError where it cannot be reached or has no workers.
"""
