"""After the batches: what the other sources know of the vulnerabilities found, each asked once for the whole scan."""

import logging

from flows.scan.batches import BatchRun
from flows.scan.prepared import PreparedScan
from tasks.engine.engine import engine_for
from tasks.review.compact import Compactor
from tasks.review.enrich import enriched
from tasks.review.enrichment import Enrichment
from tasks.review.reviewer import utc_now

_log = logging.getLogger(__name__)


def enrich(prepared: PreparedScan, run: BatchRun) -> Enrichment:
    """Put what the sources tell into the run's reviews; what they could not tell is a warning, never an error."""
    told = engine_for(prepared.lookup).enrichment(list(run.reviews.values()))
    for sentence in told.sentences():
        _log.warning(sentence)
    now, compactor = utc_now(), Compactor()
    for package, review in run.reviews.items():
        run.reviews[package] = compactor.compact(enriched(review, told, now))
    return told
