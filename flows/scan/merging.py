"""The end of the scan: the workbook is written in one transaction, whatever happened to it meanwhile."""

import dataclasses
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from packaging.utils import canonicalize_version
from prefect.transactions import transaction

from flows.opaque import opaque
from flows.scan.ask import ask_about
from flows.scan.new_packages import NewPackage, last_row, new_rows
from flows.scan.prepared import PreparedScan, key_of, layout_wanted
from flows.scan.renewing import package_of, still_young
from tasks.checkpoints.batches import identity
from tasks.errors import InputError, MergeError, WorkbookChanged, WorkbookLocked
from tasks.merge.changes import CellChange, changes
from tasks.merge.commit import (
    MergePlan,
    MergeReport,
    noteworthy,
    settle_interrupted,
    workbook_held,
    write_changes,
)
from tasks.merge.formatting import FormatIssue, check_formats, repairs
from tasks.merge.ownsheet import Line, SheetKind, own_sheet, sheet_edits
from tasks.merge.reconciled import Reconciled
from tasks.merge.threeway import reconcile
from tasks.reports.summarysheet import summary_sheet_lines
from tasks.reports.upgradesheet import upgrade_sheet_lines
from tasks.review.model import PackageReview, ReviewStatus
from tasks.review.reviewer import utc_now
from tasks.review.upgrade_plan import upgrade_plan
from tasks.workbook.model import PackageRow, ReviewWorkbook
from tasks.workbook.plan import NewRow
from tasks.workbook.reader import fingerprint_of, read_review
from tasks.write_back import JOURNAL, confirm_merge, merge_workbook

_log = logging.getLogger(__name__)
_TRIES = 3
"""How often a merge begins again because somebody saved the workbook while it was being written."""

Reviews = Mapping[tuple[str, str, bool], PackageReview]


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of the merge. report is None where nothing was to be written; problem says why nothing could be.

    pending is the merged copy beside a workbook that was open; new_rows begin below after_row.
    """

    report: MergeReport | None = None
    problem: str | None = None
    pending: Path | None = None
    reconciled: Reconciled = field(default_factory=lambda: Reconciled(()))
    new_rows: tuple[NewRow, ...] = ()
    after_row: int = 0
    issues: tuple[FormatIssue, ...] = ()


def merge(prepared: PreparedScan, added: Sequence[NewPackage], reviews: Reviews) -> Merged:
    """Write the workbook; a merge that cannot be done is told in `problem`, the results stay."""
    if prepared.request.dry_run:
        return Merged()
    try:
        return _merge_until_still(prepared, added, reviews)
    except WorkbookLocked as error:
        return _beside(prepared, added, reviews, str(error))
    except (MergeError, InputError) as error:
        return _failed(str(error))


def _failed(problem: str, pending: Path | None = None) -> Merged:
    _log.error("The workbook was not written: %s", problem)
    return Merged(problem=problem, pending=pending)


def _merge_until_still(prepared: PreparedScan, added: Sequence[NewPackage], reviews: Reviews) -> Merged:
    for left in range(_TRIES - 1, -1, -1):
        try:
            return _merge_once(prepared, added, reviews)
        except WorkbookChanged:
            if not left:
                raise
            _log.info("The workbook was saved by another program during the merge; merging into what it is now")
    raise AssertionError("the loop above returns or raises")


def _merge_once(prepared: PreparedScan, added: Sequence[NewPackage], reviews: Reviews) -> Merged:
    with workbook_held(prepared.target, prepared.scan_id, prepared.request.lock_timeout_s):
        for sentence in noteworthy(settle_interrupted(prepared.target, prepared.folders.backups)):
            _log.warning(sentence)
        theirs = _as_it_is_now(prepared)
        merged, plan = _planned(prepared, theirs, added, reviews)
        with transaction() as running:
            running.set(JOURNAL, str(plan.journal))
            report = merge_workbook(opaque(plan))
            confirm_merge(opaque(plan), opaque(report))
    if (copy := _pending(prepared.target)).exists():
        _log.warning("%s was made while the workbook was open; the workbook is written now: delete the copy", copy)
    return Merged(report, None, None, merged, plan.new_rows, plan.after_row, plan.issues)


def _beside(prepared: PreparedScan, added: Sequence[NewPackage], reviews: Reviews, problem: str) -> Merged:
    """The workbook is open elsewhere: leave the merged one beside it, to be looked at or put in place by hand."""
    pending = _pending(prepared.target)
    try:
        _, plan = _planned(prepared, _as_it_is_now(prepared), added, reviews)
        pending.unlink(missing_ok=True)
        write_changes(plan.moved_to(pending))
    except (MergeError, InputError, OSError) as error:
        return _failed(f"{problem} A merged copy beside it could not be written either: {error}")
    return _failed(f"{problem} The merged workbook is {pending}.", pending)


def _pending(target: Path) -> Path:
    """Where the merged copy of a workbook goes that is open."""
    return target.with_name(f"{target.stem}.pending{target.suffix}")


def _as_it_is_now(prepared: PreparedScan) -> ReviewWorkbook:
    source = prepared.request.workbook
    if fingerprint_of(source).sha256 == prepared.workbook.fingerprint.sha256:
        return prepared.workbook
    _log.info("The workbook was changed since it was read; its edits are kept")
    return read_review(source, layout_wanted(prepared.settings))


def _planned(
    prepared: PreparedScan, theirs: ReviewWorkbook, added: Sequence[NewPackage], reviews: Reviews
) -> tuple[Reconciled, MergePlan]:
    reconciled = _reconciled(prepared, theirs, reviews)
    missing = [package for package in added if not package.is_in(theirs.rows)]
    issues = _format_issues(prepared, theirs, reconciled.changes)
    plan = MergePlan(
        source=prepared.request.workbook,
        target=prepared.target,
        layout=theirs.layout,
        expected=theirs.fingerprint,
        changes=reconciled.changes,
        new_rows=new_rows(missing, [reviews[identity(package.key)] for package in missing], theirs.layout),
        after_row=last_row(theirs),
        backups=prepared.folders.backups,
        scan_id=prepared.scan_id,
        now=datetime.now(),  # noqa: DTZ005  file names carry the reviewer's own time
        issues=issues,
        restyles=repairs(issues),
    )
    return reconciled, _with_own_sheets(prepared, theirs, reviews, plan)


def _with_own_sheets(prepared: PreparedScan, theirs: ReviewWorkbook, reviews: Reviews, plan: MergePlan) -> MergePlan:
    """The plan with the sheets of ours that are wanted: of the rows that this scan looked at."""
    request = prepared.request
    if not request.own_sheets:
        return plan
    rows = [row for row in theirs.rows if _identity(row) in reviews]
    found = [reviews[_identity(row)].model_copy(update={"row": row.row, "name": row.name}) for row in rows]
    owned = [own_sheet(plan.source, kind) for kind in request.own_sheets]
    edits = tuple(sheet_edits(own, tuple(_lines(own.kind, prepared, found, len(theirs.rows)))) for own in owned)
    return dataclasses.replace(plan, further=edits, new_sheets=tuple(own.name for own in owned if not own.present))


def _lines(kind: SheetKind, prepared: PreparedScan, found: Sequence[PackageReview], rows: int) -> Iterator[Line]:
    if kind is SheetKind.SUMMARY:
        return summary_sheet_lines(found, rows, utc_now())
    unchecked = sum(1 for one in found if one.status is ReviewStatus.FAILED and not one.vulnerabilities)
    return upgrade_sheet_lines(upgrade_plan(found, prepared.settings.upgrade.python), unchecked)


def _reconciled(prepared: PreparedScan, theirs: ReviewWorkbook, reviews: Reviews) -> Reconciled:
    """The scan's changes against the workbook as it was first read, fitted onto what it is now."""
    base = prepared.base or prepared.workbook
    selected = prepared.selection.rows
    if theirs is base:
        return Reconciled(_changes(prepared, base, selected, reviews))
    decide = ask_about if prepared.request.interactive else None
    chosen = {_identity(row) for row in selected}
    # Rows were chosen in the workbook as this run read it; in an older state they can only be known by their package.
    rows = selected if base is prepared.workbook else [row for row in base.rows if _identity(row) in chosen]
    ours = _changes(prepared, base, rows, reviews)
    fitted = reconcile(base, theirs, ours, prepared.request.merge_strategy, decide)
    # Rows that came after the first reading, and were looked up by this run, have no older state to respect.
    known = {_same_package(row) for row in base.rows}
    later = [row for row in theirs.rows if _identity(row) in chosen and _same_package(row) not in known]
    every = (*fitted.changes, *_changes(prepared, theirs, later, reviews))
    replaced = tuple(row for row in fitted.replaced if row.row not in {now.row for now in later})
    return Reconciled(every, fitted.conflicts, fitted.gone, replaced, fitted.dropped)


def _identity(row: PackageRow) -> tuple[str, str, bool]:
    return identity(key_of(row))


def _same_package(row: PackageRow) -> tuple[str, str]:
    """As rows are found again: 1.0 is 1.0.0."""
    return row.project, canonicalize_version(row.version) if row.version else row.version_text


def _changes(
    prepared: PreparedScan, workbook: ReviewWorkbook, rows: Sequence[PackageRow], reviews: Reviews
) -> tuple[CellChange, ...]:
    found = {row.row: reviews[_identity(row)] for row in rows if _identity(row) in reviews}
    empty_only = prepared.settings.processing.process_empty_fields_only
    young = still_young(prepared)
    # A finding is never held back by the age of what the cells say.
    unhurried = {number for number, r in found.items() if package_of(r) in young and not r.vulnerabilities}
    kept = set(found) if empty_only else unhurried
    every = (changes([row], found, workbook.layout, empty_only=row.row in kept) for row in rows)
    return tuple(change for one_row in every for change in one_row)


def _format_issues(
    prepared: PreparedScan, theirs: ReviewWorkbook, written: Sequence[CellChange]
) -> tuple[FormatIssue, ...]:
    """Cells with `--format-check` whose look is not that of their text, without those that are written anyway."""
    if not prepared.request.format_check:
        return ()
    places = {(change.row, change.column) for change in written}
    found = check_formats(prepared.request.workbook, theirs)
    return tuple(issue for issue in found if (issue.row, issue.column) not in places)
