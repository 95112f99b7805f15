"""Which scan this is: a new one, an unfinished one that is gone on with, or one that takes over a part of such."""

import contextlib
import logging
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from flows.scan.prepared import PreparedScan
from flows.scan.request import ResumeMode, ScanRequest
from tasks.batching.strategies import start_size
from tasks.checkpoints.batches import Identity, identity
from tasks.checkpoints.checks import Check, Verdict, check_place_of, checks_of
from tasks.checkpoints.difference import differences
from tasks.checkpoints.housekeeping import Keeping
from tasks.checkpoints.model import CheckpointData
from tasks.checkpoints.recovery import RecoveryMode, RecoverySummary, summary_of
from tasks.checkpoints.results import stored_batches, take_over
from tasks.checkpoints.running import runner_of, scan_lock
from tasks.checkpoints.unfinished import Unfinished, find_unfinished
from tasks.errors import InputError, MergeError, UsageError, WorkbookLocked
from tasks.review.model import PackageKey
from tasks.review.reviewer import utc_now
from tasks.settings.processing import BatchConfiguration
from tasks.workbook.layout import LayoutWanted
from tasks.workbook.model import ReviewWorkbook
from tasks.workbook.reader import read_review

_log = logging.getLogger(__name__)
_BLOCKING = frozenset({"place", "age", "settings", "workbook"})
"""Checks that a resume does not go on without; what the others find is redone or merely told."""

_CHOICE = "--resume-auto to go on or --start-fresh"

Offer = Callable[[RecoverySummary], ResumeMode | None]
"""Asks a person what to do with an unfinished scan: AUTO or FRESH; None for neither."""


@dataclass(frozen=True, slots=True)
class Resumption:
    """Which scan this is. resumed: the scan gone on with; base: the workbook as that one read it, where it was changed.

    replaces: the unfinished scan of which the results of `taken` are taken over; left_out: the packages that
    this scan does not look at.
    """

    scan_id: str
    resumed: CheckpointData | None = None
    base: ReviewWorkbook | None = None
    replaces: CheckpointData | None = None
    taken: frozenset[Identity] = frozenset()
    left_out: frozenset[Identity] = frozenset()


@dataclass(frozen=True, slots=True)
class Resuming:
    """Decides which scan a request means. now is naive UTC; offer is asked only where the request is interactive.

    results is the address where results lie, None: in the data folder `root`.
    """

    request: ScanRequest
    root: Path
    answers_digest: str
    workbook: ReviewWorkbook
    layout: LayoutWanted
    keys: Sequence[PackageKey]
    batches: BatchConfiguration
    offer: Offer
    now: Callable[[], datetime] = utc_now
    results: str | None = None
    keeping: Keeping = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "keeping", Keeping(self.root, self.results))

    def decide(self) -> Resumption:
        """The scan that is meant; UsageError, naming the flags that decide, where that is not clear or not safe."""
        options = self.request.recovery
        if options.resume_mode is RecoveryMode.FRESH:
            return _new()
        found = self._not_expired(self._not_running())
        if options.resume_mode is RecoveryMode.CUSTOM:
            return self._from_a_point(found)
        if found is None:
            return _new()
        if found.damaged or found.from_results:
            self._tell_of_damage(found)
        return self._resume(found.checkpoint)

    def _not_running(self) -> Unfinished | None:
        """The unfinished scan; one that another process runs is waited for, as long as for an open workbook."""
        timeout = self.request.lock_timeout_s
        while (found := self._find()) is not None and (held := runner_of(self.root, found.checkpoint.scan_id)):
            _log.info("%s; waiting up to %.0f s for it to end", held, timeout)
            if held := runner_of(self.root, found.checkpoint.scan_id, timeout):
                raise UsageError(f"{held}: wait for it, or give --start-fresh for a scan of its own")
        return found

    def _find(self) -> Unfinished | None:
        return find_unfinished(self.keeping.store, self.keeping.records, self.request.workbook.resolve())

    def _not_expired(self, found: Unfinished | None) -> Unfinished | None:
        if found is None or self.request.force_continue or found.checkpoint.expires_at > self.now():
            return found
        _log.warning(
            "The unfinished scan %s expired at %s UTC; a new one begins (--force-continue goes on with it)",
            found.checkpoint.scan_id,
            f"{found.checkpoint.expires_at:%Y-%m-%d %H:%M}",
        )
        return None

    def _tell_of_damage(self, found: Unfinished) -> None:
        for path in found.damaged:
            _log.warning("Checkpoint %s is damaged; the one before it is used", path)
        if found.from_results:
            scan_id = found.checkpoint.scan_id
            _log.warning("No sound checkpoint of scan %s is here; its stored results are used", scan_id)

    def _resume(self, checkpoint: CheckpointData) -> Resumption:
        base, checks = self._base(checkpoint), self._checks(checkpoint)
        summary = self._summary(checkpoint, base, checks)
        mode = self._chosen(summary)
        if mode is ResumeMode.FRESH:
            return _new()
        for line in summary.lines:
            _log.info("%s", line)
        self._refuse(checkpoint, checks)
        record = self.keeping.records.read(checkpoint.scan_id)
        left_out = frozenset(record.left_out) if record else frozenset[Identity]()
        return Resumption(checkpoint.scan_id, checkpoint, base, left_out=left_out)

    def _checks(self, checkpoint: CheckpointData) -> tuple[Check, ...]:
        place = check_place_of(checkpoint, self.results)
        if place.verdict is Verdict.FAILED:
            return (place,)  # that place may not even be reachable from here
        return (place, *checks_of(checkpoint, self.root, self.now(), self.answers_digest))

    def _summary(
        self, checkpoint: CheckpointData, base: ReviewWorkbook | None, checks: tuple[Check, ...]
    ) -> RecoverySummary:
        problems = tuple(check.message for check in checks if check.verdict is not Verdict.OK)
        changed = differences(base, self.workbook) if base else ()
        return summary_of(checkpoint, self.now(), problems, changed)

    def _chosen(self, summary: RecoverySummary) -> ResumeMode:
        if self.request.resume is not ResumeMode.ASK:
            return self.request.resume
        checkpoint, state = summary.checkpoint, summary.checkpoint.batch_state
        chosen = self.offer(summary) if self.request.interactive else None
        if chosen is None:
            raise UsageError(
                f"an unfinished scan of {self.request.workbook} exists (id {checkpoint.scan_id}, {summary.done} of"
                f" {state.total_packages} packages done, {state.updated_at:%Y-%m-%d %H:%M} UTC): give {_CHOICE}"
            )
        return chosen

    def _refuse(self, checkpoint: CheckpointData, checks: tuple[Check, ...]) -> None:
        if self.request.force_continue:
            return
        for check in checks:
            if check.name in _BLOCKING and check.verdict is Verdict.FAILED:
                raise UsageError(
                    f"the unfinished scan {checkpoint.scan_id} cannot be gone on with: {check.message}:"
                    " mend that, or give --force-continue to go on all the same, or --start-fresh"
                )

    def _base(self, checkpoint: CheckpointData) -> ReviewWorkbook | None:
        """The workbook as the scan read it, from its copy; None when it is unchanged, or the copy is not that."""
        path = checkpoint.excel_backup_path
        if path is None or self.workbook.fingerprint.sha256 == checkpoint.excel_file_hash:
            return None
        try:
            base = read_review(self.root / path, self.layout)
        except InputError:
            return None
        return base if base.fingerprint.sha256 == checkpoint.excel_file_hash else None

    def _from_a_point(self, found: Unfinished | None) -> Resumption:
        if found is not None:
            # Looked for in another place, its results would read as none.
            self._refuse(found.checkpoint, (check_place_of(found.checkpoint, self.results),))
        done = self._stored(found)
        start = self._start(done)
        before = {identity(key) for key in self.keys[:start]}
        taken, left_out = before & done.keys(), before - done.keys()
        _log.info("Going on from package %d: %d results are taken over", start + 1, len(taken))
        if left_out:
            _log.warning(
                "%d packages before number %d have no stored result and keep what the workbook says of them",
                len(left_out),
                start + 1,
            )
        replaces = found.checkpoint if found and taken else None
        if replaces is not None:
            self._refuse(replaces, self._checks(replaces))
        base = self._base(replaces) if replaces else None
        return Resumption(
            secrets.token_hex(6), None, base, replaces, taken=frozenset(taken), left_out=frozenset(left_out)
        )

    def _stored(self, found: Unfinished | None) -> Mapping[Identity, int]:
        """The packages of the unfinished scan's stored batches, each with the first batch that holds it."""
        if found is None:
            return {}
        held: dict[Identity, int] = {}
        for plain in stored_batches(self.keeping.records.results, found.checkpoint.scan_id):
            for key in plain["keys"]:
                held.setdefault(identity_of(key), plain["number"])
        return held

    def _start(self, done: Mapping[Identity, int]) -> int:
        """Where the work begins, counted from 0 in `keys`; UsageError when that is behind the last package."""
        options = self.request.recovery
        start, flag = options.start_from_package, f"--resume-from-package {options.start_from_package + 1}"
        if self.request.resume_from_batch is not None:
            flag = f"--resume-from-batch {options.start_from_batch + 1}"
            start = self._start_of_batch(options.start_from_batch + 1, done)
        if start >= len(self.keys):
            raise UsageError(f"{flag} is behind the last of {len(self.keys)} packages; give a smaller number")
        return start

    def _start_of_batch(self, number: int, done: Mapping[Identity, int]) -> int:
        places = {identity(key): place for place, key in enumerate(self.keys)}
        own = [places[key] for key, held in done.items() if held == number and key in places]
        if own:
            return min(own)
        size = start_size(self.batches, len(self.keys))
        earlier = [(held, places[key]) for key, held in done.items() if held < number and key in places]
        if not earlier:
            return (number - 1) * size
        last = max(held for held, _ in earlier)
        return max(place for held, place in earlier if held == last) + 1 + (number - 1 - last) * size


def identity_of(plain: Mapping[str, Any]) -> Identity:
    """The identity of a package key that is plain data."""
    return plain["project"], plain["version"] or plain["version_text"], bool(plain.get("is_new", False))


def _new() -> Resumption:
    return Resumption(secrets.token_hex(6))


@contextlib.contextmanager
def scan_held(root: Path, scan_id: str) -> Iterator[None]:
    """Mark a scan as being run by this process, so that no other one goes on with it; UsageError when one does."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(scan_lock(root, scan_id).acquire())
        except WorkbookLocked as error:
            raise UsageError(f"scan {scan_id} is being run already ({error}); let it end") from error
        except MergeError as error:
            _log.warning("Another run may go on with the same scan meanwhile: %s", error)
        yield


def take_over_results(prepared: PreparedScan) -> None:
    """Store what a scan takes over from an unfinished one under its own name; CheckpointError if that fails."""
    if prepared.replaces is None:
        return
    source = prepared.replaces.scan_id
    for _ in take_over(prepared.records, source, prepared.scan_id, lambda key: identity_of(key) in prepared.taken):
        continue
