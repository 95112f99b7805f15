"""A scan without Prefect: its very loop, record and merge, with lookups that answer from made-up sources.

What was looked up is appended to a file, so that runs in several processes can be compared. Any durable step can
be made the last one of a process.
"""

import asyncio
import dataclasses
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows.scan.batches import BatchOutcome, BatchRun
from flows.scan.cleanup import clean_up
from flows.scan.merging import _as_it_is_now, _planned
from flows.scan.prepare import prepare
from flows.scan.prepared import PreparedScan
from flows.scan.progress_record import ProgressRecord, recorded
from flows.scan.request import ResumeMode, ScanRequest
from flows.scan.resume import scan_held, take_over_results
from flows.scan.stopping import NEVER, Stop
from tasks.batching.timebox import work_within
from tasks.checkpoints.batches import AdvisoryIndex, AdvisoryQuestion, BatchRequest, BatchResult
from tasks.checkpoints.housekeeping import Keeping
from tasks.checkpoints.model import CheckpointData, ScanState
from tasks.checkpoints.records.interface import Records
from tasks.checkpoints.results import read_record, stored_batches, write_record
from tasks.checkpoints.room import write_making_room
from tasks.checkpoints.statistics import RunStatistics
from tasks.checkpoints.unfinished import find_unfinished
from tasks.files import steps as steps_module
from tasks.files.journal import commit_merge
from tasks.files.steps import RealSteps
from tasks.merge.commit import settle_interrupted, workbook_held, write_changes
from tasks.progress.display import DisplayKind, Narrator, make_display
from tasks.progress.tally import Tally
from tasks.review.model import PackageKey, PackageReview, ReviewStatus
from tasks.review.reviewer import Reviewer
from tasks.sources.interface import AdvisoryRef, ProjectFacts


class Projects:
    """Every project is known, at version 2.0."""

    async def project(self, name: str, installed: str | None) -> ProjectFacts:
        return ProjectFacts(name=name, found=True, latest_version="2.0", development_status="Stable")


class Advisories:
    """No project has an advisory."""

    async def index(self, names: Sequence[str]) -> Mapping[str, tuple[AdvisoryRef, ...]]:
        return dict.fromkeys(names, ())

    async def advisories(self, refs: Sequence[AdvisoryRef]) -> Mapping[str, Any]:
        return {}


@dataclass(frozen=True)
class Ended:
    """A batch that has ended, well or not."""

    result: BatchOutcome | Exception

    def add_done_callback(self, fn: Callable[[Any], None], /) -> None:
        fn(self)

    def outcome(self) -> BatchOutcome:
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@dataclass
class PlainLookups:
    """Looks batches up one after the other, a package a (made-up) second, and stores each before it says so."""

    records: Records
    log: Path
    broken: Callable[[PackageKey], Exception | None] = lambda _: None
    failing: Callable[[PackageKey], bool] = lambda _: False
    seconds: float = 0.0
    warn: Callable[[str], object] = print

    def index(self, question: AdvisoryQuestion) -> AdvisoryIndex:
        return AdvisoryIndex(refs=dict.fromkeys(question.names, ()))

    def expect(self, refs: Sequence[AdvisoryRef]) -> None:
        return None

    def submit(self, request: BatchRequest) -> Ended:
        try:
            return Ended(self._batch(request))
        except Exception as error:  # noqa: BLE001  as a future, it hands the error on
            return Ended(error)

    def _batch(self, request: BatchRequest) -> BatchOutcome:
        stored = read_record(self.records, request.cache_key)
        if stored is not None:
            return BatchOutcome(BatchResult.model_validate(stored.plain), cached=True)
        began = self.seconds
        reviews = work_within(request.keys, self._review, request.seconds, lambda: self.seconds)
        result = BatchResult(
            number=request.number,
            keys=request.keys[: len(reviews)],
            reviews=reviews,
            seconds=self.seconds - began,
            round=request.round,
            left=request.keys[len(reviews) :],
        )
        plain, metadata = result.model_dump(mode="json"), {"serializer": {"type": "json"}}
        write_making_room(
            lambda: write_record(self.records, request.cache_key, plain, metadata),
            self.log.parent / "data",
            request.scan_id,
            self.warn,
        )
        return BatchOutcome(result, cached=False)

    def _review(self, keys: Sequence[PackageKey]) -> Sequence[PackageReview]:
        for key in keys:
            if error := self.broken(key):
                raise error
        self.seconds += len(keys)
        with self.log.open("a") as log:
            log.writelines(f"{key.project}\n" for key in keys)
        refs: dict[str, tuple[AdvisoryRef, ...]] = dict.fromkeys((key.project for key in keys), ())
        found = asyncio.run(Reviewer(Projects(), Advisories()).review_batch(keys, refs))
        return [self._marked(key, review) for key, review in zip(keys, found, strict=True)]

    def _marked(self, key: PackageKey, review: PackageReview) -> PackageReview:
        if not self.failing(key):
            return review
        return review.model_copy(update={"status": ReviewStatus.FAILED, "reason": "could not check: made up"})


@dataclass
class PlainScan:
    """One workbook with its data folder and settings; `run` is one run of the scan."""

    book: Path
    data: Path
    config: Path
    memory: Callable[[], float] = lambda: 0.0
    warnings: list[str] = field(default_factory=list)

    @property
    def log(self) -> Path:
        """What was looked up, a project a line."""
        return self.data.parent / "asked.txt"

    @property
    def asked(self) -> list[str]:
        """The projects looked up so far, by all runs."""
        return self.log.read_text().split() if self.log.exists() else []

    @property
    def unfinished(self) -> CheckpointData | None:
        """The newest whole checkpoint of the workbook's unfinished scan, or what takes its place."""
        keeping = Keeping(self.data)
        found = find_unfinished(keeping.store, keeping.records, self.book.resolve())
        return found.checkpoint if found else None

    @property
    def stored(self) -> list[dict[str, Any]]:
        """The stored batches of the unfinished scan."""
        found = self.unfinished
        return list(stored_batches(Keeping(self.data).records.results, found.scan_id)) if found else []

    @property
    def finished(self) -> set[str]:
        """The projects in them."""
        return {key["project"] for plain in self.stored for key in plain["keys"]}

    def request(self, **more: Any) -> ScanRequest:
        options = {"resume": ResumeMode.AUTO, "display": DisplayKind.NONE, "lock_timeout_s": 0.0, **more}
        return ScanRequest(workbook=self.book, data_dir=self.data, config=self.config, **options)

    def prepare(self, **more: Any) -> PreparedScan:
        return prepare(self.request(**more))

    def run(self, stop: Stop = NEVER, prepared: PreparedScan | None = None, **lookups: Any) -> BatchRun:
        """Look everything up and merge; the run's figures."""
        prepared = prepared or self.prepare()
        with scan_held(prepared.folders.root, prepared.scan_id):
            return self._scan(prepared, stop, lookups)

    def _scan(self, prepared: PreparedScan, stop: Stop, options: dict[str, Any]) -> BatchRun:
        lookups = PlainLookups(prepared.records, self.log, warn=self.warnings.append, **options)
        clock = lambda: lookups.seconds  # noqa: E731
        record = ProgressRecord(prepared, RunStatistics(clock, lambda: 1, dict), self.warnings.append, clock=clock)
        display = make_display(DisplayKind.NONE, 1, print)
        with recorded(record):
            record.begin()
            take_over_results(prepared)
            with Narrator(Tally(len(prepared.keys), clock), display) as narrator:
                run = BatchRun(prepared, lookups, narrator, record, self.warnings.append, stop, self.memory)
                run.sleep = lambda _: None
                run.review(prepared.keys)
            if stop.requested:
                raise KeyboardInterrupt
            record.write(ScanState.MERGING)
            self._merge(prepared, run)
        record.write(ScanState.DONE)
        clean_up(prepared, finished=True)
        return run

    def _merge(self, prepared: PreparedScan, run: BatchRun) -> None:
        with workbook_held(prepared.target, prepared.scan_id, 0.0):
            settle_interrupted(prepared.target, prepared.folders.backups)
            _, plan = _planned(prepared, _as_it_is_now(prepared), (), run.reviews)
            write_changes(plan)
            commit_merge(plan.journal)


NAMES = tuple(name for name in vars(RealSteps) if not name.startswith("_"))


@contextmanager
def stepping(before: Callable[[int, str, tuple[Any, ...]], None]) -> Iterator[None]:
    """Call `before(number, name, arguments)` ahead of every durable step of the product, counted from 1."""
    count = 0
    kept = {name: getattr(RealSteps, name) for name in NAMES}

    def hooked(name: str) -> Callable[..., Any]:
        def step(own: RealSteps, *arguments: Any) -> Any:
            nonlocal count
            count += 1
            before(count, name, arguments)
            return kept[name](own, *arguments)

        return step

    assert isinstance(steps_module.REAL_STEPS, RealSteps)
    for name in NAMES:
        setattr(RealSteps, name, hooked(name))
    try:
        yield
    finally:
        for name, method in kept.items():
            setattr(RealSteps, name, method)


def killing(number: int) -> Callable[[int, str, tuple[Any, ...]], None]:
    """End the process by SIGKILL at a step; one that writes has written half of it then."""

    def before(count: int, name: str, arguments: tuple[Any, ...]) -> None:
        if count == number:
            if name == "write":
                os.write(arguments[0], arguments[1][: len(arguments[1]) // 2])
            os.kill(os.getpid(), signal.SIGKILL)

    return before


def in_child(work: Callable[[], object]) -> int:
    """Run work in a forked process; its exit code, or minus the number of the signal that ended it."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001  whatever it is, the child must not go on as the test
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def copied(scan: PlainScan, folder: Path) -> PlainScan:
    """The same workbook and settings in another folder, with data of its own."""
    folder.mkdir()
    book = folder / scan.book.name
    book.write_bytes(scan.book.read_bytes())
    return dataclasses.replace(scan, book=book, data=folder / "data", warnings=[])
