"""Two worker processes of a cluster on loopback, and batches that run in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import flow

from blocks.results import ResultStorage
from flows.opaque import opaque, opened
from flows.runners.choice import runner_of
from flows.scan.batches import BatchOutcome
from flows.scan.lookups import PrefectLookups
from tasks.checkpoints.batches import AdvisoryQuestion, BatchRequest
from tasks.engine.engine import close_engine, engine_for
from tasks.engine.lookup import LookupSettings
from tasks.review.model import PackageKey
from tasks.settings.model import ExecutionSettings

WORKERS = 2


def key(name: str) -> PackageKey:
    return PackageKey(name=name, project=name, version="1.0", version_text="1.0")


@dataclass(frozen=True)
class Looked:
    """What came of all batches, in order, and the requests that were counted, by service."""

    outcomes: tuple[BatchOutcome, ...]
    requests: dict[str, int]

    @property
    def reviews(self) -> list[dict[str, Any]]:
        plain = [review.model_dump(mode="json") for one in self.outcomes for review in one.result.reviews]
        for review in plain:
            for source in review["sources"].values():
                source.pop("checked_at")
        return plain


def look_up(
    execution: ExecutionSettings, lookup: LookupSettings, results: Path, batches: Sequence[Sequence[str]]
) -> Looked:
    """Look these batches of projects up as a scan does, in a flow run of their own."""

    @flow(name="looked-up", persist_result=False)
    def looked_up() -> list[BatchOutcome]:
        storage = ResultStorage(address=str(results))
        storage.save(name="runner-tests", overwrite=True)
        with runner_of(execution, 2) as runner:
            lookups = PrefectLookups(storage, lookup, runner)
            names = tuple(sorted({name for batch in batches for name in batch}))
            refs = lookups.index(AdvisoryQuestion("s", names, lookup)).refs
            lookups.expect([ref for own in refs.values() for ref in own])
            blank = BatchRequest(scan_id="s", number=0, keys=(), refs=refs, lookup=lookup)
            keys = [tuple(key(name) for name in batch) for batch in batches]
            jobs = [blank.model_copy(update={"number": at + 1, "keys": held}) for at, held in enumerate(keys)]
            return opaque([submitted.outcome() for submitted in [lookups.submit(job) for job in jobs]])

    try:
        outcomes = tuple(opened(looked_up()))
        metrics = engine_for(lookup).metrics()
        return Looked(outcomes, {name.value: one.requests for name, one in metrics.items() if one.requests})
    finally:
        close_engine(lookup)
