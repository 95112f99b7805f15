"""What a command's scan asks for before its Prefect server answers: waiting for the two overlaps."""

from flows.scan.prepared import PreparedScan
from tasks.engine.engine import engine_for
from tasks.settings.running import RunnerKind


def begin_early(prepared: PreparedScan) -> None:
    """Let the engine begin with a new scan's packages; the tasks of the flow then find answers on their way.

    Not where a sync comes first, or where stored results may make the questions needless. Other processes ask for
    projects themselves, and find the advisories in the store.
    """
    here = prepared.settings.execution.task_runner is RunnerKind.THREADS
    waits = prepared.request.sync or prepared.request.offline
    if not waits and prepared.resumed is None and prepared.replaces is None and prepared.keys:
        engine_for(prepared.lookup).begin([key.project for key in prepared.keys], projects=here)
