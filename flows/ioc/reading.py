"""The middle of the IOC scan: which contents are not known yet, and reading them batch by batch."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psutil

from flows.ioc.prepare import PreparedIoc
from flows.ioc.record import IocRecord
from flows.ioc.submitting import BatchSubmitter, Submitted
from flows.scan.stopping import NEVER, Stop
from tasks.batching.interface import BatchTiming
from tasks.batching.planner import Planner
from tasks.batching.pressure import Pressure
from tasks.batching.window import run_windowed
from tasks.checkpoints.results import stored_batches
from tasks.github.errors import AuthenticationFailed, BudgetExhausted
from tasks.history.model import BatchSpan
from tasks.ioc.batches import FileWanted, IocBatch, parsed_of
from tasks.ioc.findings import hits_in
from tasks.ioc.inventory import Inventory
from tasks.ioc.metrics import BatchMetricsCollector
from tasks.ioc.model import Candidate, Parsed
from tasks.ioc.plan import Tree, priority_of, sibling_lookup
from tasks.ioc.sizing import IocSizes

_ROUNDS = 50
"""A round resolves at least one file of each content; more rounds are only needed where equal files include others."""

_MEMORY_THRESHOLD = 0.8
_log = logging.getLogger(__name__)

Content = tuple[str, str]
"""Object id and place of a file: what its inventory is kept under."""


def content_of(candidate: Candidate) -> Content:
    """What a file's inventory is kept under."""
    return candidate.entry.sha, candidate.place


@dataclass(slots=True)
class Reading:
    """Reads what is not known. read holds the contents of this run, unread those that could not be had, and why."""

    prepared: PreparedIoc
    trees: Mapping[str, Tree]
    inventory: Inventory
    submit: BatchSubmitter
    record: IocRecord
    quota: Callable[[], int | None] = lambda: None
    stop: Stop = NEVER
    note: Callable[[int, int, str], object] = lambda *_: None
    batches: int = 0
    cached: int = 0
    read: set[Content] = field(default_factory=set)
    unread: dict[Content, str] = field(default_factory=dict)
    exhausted: BudgetExhausted | None = None
    refused: AuthenticationFailed | None = None
    collector: BatchMetricsCollector = field(default_factory=BatchMetricsCollector)
    spans: list[BatchSpan] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)
    _last: float = 0.0
    _done: int = 0
    _process: psutil.Process = field(default_factory=psutil.Process)

    def run(self, files: Sequence[Candidate]) -> None:
        """Read every content that is not known; AuthenticationFailed where the token went bad meanwhile."""
        if self.prepared.resumed:
            self._take_over()
        for number in range(_ROUNDS):
            wanted = self._wanted(files)
            if not wanted or self.stop.requested or self.exhausted:
                break
            self.record.expect(len(wanted))
            self._round(number, self._ordered(wanted))
            if self.refused is not None:
                raise self.refused

    def known(self, candidate: Candidate) -> Parsed | None:
        """What is known of a file; None where it could not be read."""
        if not self._counts(candidate):
            return None
        return self.inventory.get(*content_of(candidate), self._siblings(candidate))

    def _is_known(self, candidate: Candidate) -> bool:
        return self._counts(candidate) and self.inventory.holds(*content_of(candidate), self._siblings(candidate))

    def _counts(self, candidate: Candidate) -> bool:
        """Whether what is kept of a file may be used: a fresh start takes only what it read itself."""
        return not self.prepared.request.start_fresh or content_of(candidate) in self.read

    def _siblings(self, candidate: Candidate) -> Callable[[str], str | None]:
        return sibling_lookup(self.trees[candidate.repository.full_name], candidate.entry.path)

    def _take_over(self) -> None:
        """What the unfinished scan read and had no time to note."""
        for plain in stored_batches(self.prepared.records, self.prepared.scan_id):
            parsed, _ = parsed_of(plain)
            self.inventory.put(parsed)
            self.cached += bool(parsed)

    def _wanted(self, files: Iterable[Candidate]) -> list[Candidate]:
        """One file of each content that is to be read."""
        found: dict[Content, Candidate] = {}
        for one in files:
            content = content_of(one)
            if content not in found and content not in self.unread and not self._is_known(one):
                found[content] = one
        return list(found.values())

    def _ordered(self, files: list[Candidate]) -> list[Candidate]:
        if self.prepared.config.enable_file_prioritization and self.prepared.config.enable_cross_repo_batching:
            return sorted(files, key=lambda one: -priority_of(one.entry.path))
        return files

    def _round(self, number: int, files: Sequence[Candidate]) -> None:
        config, owners = self.prepared.config, [one.repository.full_name for one in files]
        sizes = IocSizes(files, owners, config, self.prepared.terms.strategy, self.quota())
        planner = Planner(files, sizes, self._memory_used, self.batches + 1)
        pressure = Pressure(_MEMORY_THRESHOLD, self._memory_used, time.sleep, self._say_memory)
        under_way = 0

        def next_job() -> IocBatch | None:
            nonlocal under_way
            if self.stop.requested or self.exhausted or self.refused:
                return None
            if planner.remaining and pressure.too_high(wait=not under_way) and under_way:
                return None
            batch = planner.next_batch()
            if batch is None:
                return None
            under_way += 1
            wanted = tuple(FileWanted.of(one) for one in batch.items)
            scan_id, terms = self.prepared.scan_id, self.prepared.terms
            return IocBatch(scan_id=scan_id, number=batch.number, round=number, files=wanted, terms=terms)

        for job, future in run_windowed(next_job, self.submit, self.submit.at_once, self.stop.given_up):
            under_way -= 1
            self._ended(job, future, planner, len(files))

    def _ended(self, job: IocBatch, future: Submitted, planner: Planner[Candidate], total: int) -> None:
        self.batches += 1
        try:
            plain, cached = future.outcome()
        except (BudgetExhausted, AuthenticationFailed) as error:
            self._ended_all(error)
            self._not_read(job, str(error))
            return
        except Exception as error:  # noqa: BLE001  a batch that fails as a whole is reported file by file
            if not self.stop.requested:
                _log.error("Batch %d failed (%s: %s)", job.number, type(error).__name__, error)
                self._not_read(job, f"its batch failed ({type(error).__name__}: {error})")
            return
        self.cached += cached
        self._keep(job, plain)
        succeeded = len(job.files) - len(plain["unread"])
        self.collector.record_batch_operation(
            "read", plain["seconds"], len(job.files), succeeded, requests=plain["requests"]
        )
        planner.finished(BatchTiming(len(job.files), plain["seconds"]))
        held = {"packages": len(job.files), "failed": len(plain["unread"]), "cached": cached}
        self.spans.append(BatchSpan.ended(job.number, time.monotonic() - self._began, plain["seconds"], **held))
        self.record.batch_done(job.cache_key, len(job.files))
        self._done += len(job.files)
        self._progress(total)
        if self.prepared.config.log_batch_metrics:
            size = sum(file.size or 0 for file in job.files) / 1e6
            _log.info(
                "Batch %d: %d files, %.1f MB, %.1f s, %d requests",
                job.number,
                len(job.files),
                size,
                plain["seconds"],
                plain["requests"],
            )

    def _ended_all(self, error: BudgetExhausted | AuthenticationFailed) -> None:
        if isinstance(error, BudgetExhausted):
            if self.exhausted is None:
                _log.warning("%s", error)
            self.exhausted = error
        else:
            self.refused = error

    def _keep(self, job: IocBatch, plain: Mapping[str, Any]) -> None:
        parsed, unread = parsed_of(plain)
        self.inventory.put(parsed)
        self.read.update((one.sha, one.place) for one in parsed)
        self.unread.update({(one.sha, one.place): one.reason for one in unread})
        for lost in {content_of(file.candidate) for file in job.files} - self.read - self.unread.keys():
            self.unread[lost] = "the stored result of its batch does not name it; run again with --start-fresh"
        files = {content_of(file.candidate): file for file in job.files}
        for one in parsed:
            for package, claim, _ in hits_in(one.packages, self.prepared.indicators.index):
                file = files[one.sha, one.place]
                where = f"{file.owner}/{file.repository} {file.path}"
                _log.warning("Found %s %s in %s (%s)", package.shown_name, package.version, where, claim.id)

    def _not_read(self, job: IocBatch, reason: str) -> None:
        self.unread.update({content_of(file.candidate): reason for file in job.files})

    def _progress(self, total: int) -> None:
        self.note(self._done, total, f"{self.batches} batches, {self._done} of {total} contents read")
        now = time.monotonic()
        if now - self._last >= 5 or self._done == total:  # noqa: PLR2004  seconds between two lines
            self._last = now
            _log.info("Progress: %d batches, %d of %d contents read", self.batches, self._done, total)

    def _memory_used(self) -> float:
        return float(self._process.memory_info().rss) / (self.prepared.config.max_memory_usage_mb * 1e6)

    def _say_memory(self) -> None:
        _log.warning("Memory is short: batches become smaller and wait until there is more; no file is left out")
