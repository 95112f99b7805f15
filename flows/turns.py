"""Scheduled scans of one workbook one after the other, whatever deployment each belongs to.

Prefect limits the runs of a deployment; two deployments may name the same workbook. The lock is the operating
system's, so a worker that was killed leaves none behind; it counts on one machine.
"""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from prefect.runtime import flow_run

from flows.story.publish import is_deployed
from tasks.errors import MergeError, WorkbookLocked
from tasks.files.locks import WorkbookLock

_log = logging.getLogger(__name__)
LONGEST_S = 24 * 3600.0
"""Seconds that a scheduled scan waits for its turn."""

_POLL_S = 2.0


@contextlib.contextmanager
def own_turn(workbook: Path) -> Iterator[None]:
    """In a deployment's run: wait until no other such run scans this workbook; WorkbookLocked after a day.

    A run from the command line does not queue: it says at once that another scan is running.
    """
    if not is_deployed():
        yield
        return
    with contextlib.ExitStack() as stack:
        _wait(stack, workbook.resolve())
        yield


def _wait(stack: contextlib.ExitStack, workbook: Path, longest_s: float = LONGEST_S) -> None:
    lock = WorkbookLock(workbook.with_name(f"{workbook.name}.turn"), scan_id=str(flow_run.id))
    try:
        stack.enter_context(lock.acquire())
    except WorkbookLocked as error:
        _log.info("Waiting for another run to end: %s", error)
        stack.enter_context(lock.acquire(longest_s, poll_seconds=_POLL_S))
    except MergeError as error:
        # Where no locks can be had, the merge itself refuses; until then nothing is written.
        _log.warning("Another run may scan the same workbook meanwhile: %s", error)
