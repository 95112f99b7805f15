"""Where batches run, by setting: threads of this process, or the workers of a Dask cluster.

The second one is an extra: `pip install 'vetbook[dask]'`.
"""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tasks.errors import SettingsError
from tasks.settings.model import ExecutionSettings, RunnerKind

if TYPE_CHECKING:
    from prefect.futures import PrefectFuture
    from prefect.task_runners import TaskRunner

    Runner = TaskRunner[PrefectFuture[Any]]


@contextlib.contextmanager
def cluster_of(settings: ExecutionSettings) -> Iterator["Runner | None"]:
    """A started runner that hands tasks to other processes; None for threads: then the flow's own runner is used.

    SettingsError when the extra is not installed or the cluster cannot be reached.
    """
    if settings.task_runner is RunnerKind.THREADS:
        yield None
        return
    with contextlib.ExitStack() as stack:
        try:
            runner = stack.enter_context(_made(settings))
        except (OSError, TimeoutError, ConnectionError) as error:
            raise SettingsError(
                f"execution.address {settings.address}: no {settings.task_runner} cluster answers there"
                f" ({type(error).__name__}); start one, or set execution.task_runner to threads"
            ) from error
        yield runner


def _made(settings: ExecutionSettings) -> "Runner":
    kind = settings.task_runner
    try:
        runner: Runner = _dask(settings)
    except ImportError as error:
        raise SettingsError(
            f"execution.task_runner: {kind} is not installed ({error.name}); pip install 'vetbook[{kind}]'"
        ) from error
    return runner


def _dask(settings: ExecutionSettings) -> Any:
    from prefect_dask import DaskTaskRunner  # noqa: PLC0415  an extra, installed only where it is used

    if settings.address is not None:
        return DaskTaskRunner(address=settings.address)
    local = {"n_workers": settings.workers, "threads_per_worker": 8, "dashboard_address": None}
    return DaskTaskRunner(cluster_kwargs=local)
