"""The findings workbook: one transaction, as the review's; whatever is in the way is told, and the results stay."""

import logging
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from prefect.transactions import transaction

from flows.ioc.prepare import PreparedIoc
from flows.opaque import opaque
from tasks.errors import MergeError, WorkbookChanged
from tasks.findingsbook.interface import Table
from tasks.findingsbook.plan import plan_findings
from tasks.findingsbook.tables import tables_of
from tasks.merge.commit import noteworthy, settle_interrupted, workbook_held
from tasks.reports.findings import IocResult
from tasks.write_back import JOURNAL, merge_workbook
from tasks.write_findings import confirm_findings

_TRIES = 3
"""How often a merge begins again because somebody saved the workbook while it was being written."""

_LOCK_TIMEOUT_S = 60.0
_log = logging.getLogger(__name__)


def merge_findings(prepared: PreparedIoc, result: IocResult) -> str | None:
    """Write the workbook of `--output`; why that could not be done, None where it was."""
    request = prepared.request
    limited = bool(request.repositories or (request.team and not request.team_first_org))
    tables = tables_of(result, fast=request.fast, limited=limited)
    for left in range(_TRIES - 1, -1, -1):
        try:
            _merge_once(prepared, tables)
        except WorkbookChanged as error:
            if not left:
                return _failed(error)
            _log.info("The workbook was saved by another program during the merge; merging into what it is now")
        except MergeError as error:
            return _failed(error)
        else:
            break
    return None


def _failed(error: MergeError) -> str:
    _log.error("The findings workbook was not written: %s", error)
    return str(error)


def _merge_once(prepared: PreparedIoc, tables: Sequence[Table]) -> None:
    target, backups = prepared.request.output, prepared.request.data_dir / "backups"
    if target is None:
        return
    with (
        workbook_held(target, prepared.scan_id, _LOCK_TIMEOUT_S),
        tempfile.TemporaryDirectory(prefix="vetbook-") as scratch,
    ):
        for sentence in noteworthy(settle_interrupted(target, backups)):
            _log.warning(sentence)
        now = datetime.now()  # noqa: DTZ005  file names carry the user's own time
        plan = plan_findings(target, tables, scratch=Path(scratch), backups=backups, scan_id=prepared.scan_id, now=now)
        for line in plan.warnings:
            _log.warning(line)
        with transaction() as running:
            running.set(JOURNAL, str(plan.merge.journal))
            report = merge_workbook(opaque(plan.merge))
            confirm_findings(opaque(plan.merge), opaque(report))
