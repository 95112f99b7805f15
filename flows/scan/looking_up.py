"""The lookup of a scan: its batches through Prefect, what the other sources add, and one review a row."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from blocks.results import ResultStorage
from flows.runners.choice import runner_of
from flows.scan.batches import BatchRun
from flows.scan.deciding import decide
from flows.scan.enriching import enrich
from flows.scan.lookups import PrefectLookups
from flows.scan.new_packages import NewPackage
from flows.scan.prepared import PreparedScan, key_of
from flows.scan.progress_record import ProgressRecord
from flows.scan.resume import take_over_results
from flows.scan.stopping import SignalStop
from flows.story.progress import TellingDisplay, told_progress
from tasks.checkpoints.batches import identity
from tasks.decisions.model import DecisionReport
from tasks.opinion.sentences import opinion_sentences
from tasks.progress.display import Narrator, make_display
from tasks.progress.tally import Tally
from tasks.review.ages import age_sentences, oldest_answers
from tasks.review.model import PackageReview
from tasks.review.reviewer import utc_now
from tasks.review.unnamed import unnamed_review

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What a lookup came to: one review a row, in sheet order, added ones last, and what is to be said of it.

    told says which sources could not tell what they know or told it days ago, and what a language model was asked.
    oldest is when the oldest answer of each source was got, naive UTC.
    """

    run: BatchRun
    reviews: tuple[PackageReview, ...]
    told: tuple[str, ...]
    decisions: DecisionReport
    oldest: Mapping[str, datetime]


def look_up(prepared: PreparedScan, added: tuple[NewPackage, ...], record: ProgressRecord) -> LookedUp:
    """Review every chosen row and every added package, and put what reviewers decided into the reviews."""
    keys = [*prepared.keys, *(package.key for package in added)]
    storage = _result_storage(prepared)
    display = make_display(prepared.request.display, len(keys), _log.info)
    record.begin()
    take_over_results(prepared)
    tally = Tally(len(keys), time.monotonic)
    with (
        runner_of(prepared.settings.execution, prepared.settings.batch_processing.max_concurrent_batches) as runner,
        told_progress(prepared.request.workbook.name) as note,
        Narrator(tally, TellingDisplay(display, note)) as narrator,
        SignalStop(_log.warning) as stop,
    ):
        lookups = PrefectLookups(storage, prepared.lookup, runner)
        ahead, at_once = lookups.look_ahead, runner.at_once
        run = BatchRun(prepared, lookups, narrator, record, _log.warning, stop, look_ahead=ahead, at_once=at_once)
        run.review(keys)
        stop.leave()
    enrichment = enrich(prepared, run)
    decisions = decide(prepared, run, date.today())  # noqa: DTZ011  decisions end with the reviewer's own day
    unnamed = [key_of(row) for row in prepared.selection.rows if not row.is_named]
    run.reviews.update({identity(key): unnamed_review(key) for key in unnamed})
    rows = [(row.row, key_of(row)) for row in prepared.selection.rows]
    rows += [(package.row, package.key) for package in added]
    reviews = tuple(
        run.reviews[identity(key)].model_copy(update={"row": number, "name": key.name}) for number, key in rows
    )
    oldest = oldest_answers(reviews, enrichment)
    told = (*enrichment.sentences(), *age_sentences(oldest, utc_now()), *opinion_sentences(reviews))
    return LookedUp(run, reviews, told, decisions, oldest)


def _result_storage(prepared: PreparedScan) -> ResultStorage:
    """The place of batch results as a block; Prefect wants it saved before a task may use it."""
    storage = ResultStorage(address=prepared.records.address)
    storage.save(name="scan-results", overwrite=True)
    return storage
