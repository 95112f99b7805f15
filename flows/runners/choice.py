"""The runner that the settings ask for."""

import contextlib
from collections.abc import Iterator

from flows.runners.dask import open_dask
from flows.runners.interface import OpenCluster, Runner, ThreadRunner
from flows.runners.ray import open_ray
from tasks.errors import SettingsError
from tasks.settings.running import ExecutionSettings, RunnerKind

__all__ = ["runner_of"]

_CLUSTERS: dict[RunnerKind, OpenCluster] = {RunnerKind.DASK: open_dask, RunnerKind.RAY: open_ray}


@contextlib.contextmanager
def runner_of(settings: ExecutionSettings, batches: int) -> Iterator[Runner]:
    """A started runner for at most `batches` at once in each process.

    SettingsError when the extra is not installed or the cluster cannot be reached.
    """
    if settings.task_runner is RunnerKind.THREADS:
        yield ThreadRunner(batches)
        return
    with contextlib.ExitStack() as stack:
        try:
            runner = stack.enter_context(_CLUSTERS[settings.task_runner](settings, batches))
        except ImportError as error:
            raise SettingsError(_missing(settings, error)) from error
        except OSError as error:
            raise SettingsError(_unreachable(settings, error)) from error
        yield runner


def _missing(settings: ExecutionSettings, error: ImportError) -> str:
    kind = settings.task_runner
    return f"execution.task_runner: {kind} is not installed ({error.name}); pip install 'vetbook[{kind}]'"


def _unreachable(settings: ExecutionSettings, error: OSError) -> str:
    kind = settings.task_runner
    where = f"execution.address {settings.address}" if settings.address else f"execution.task_runner {kind}"
    return (
        f"{where}: no {kind} cluster that can be used ({type(error).__name__}: {error}); start it and its workers,"
        " or set execution.task_runner to threads"
    )
