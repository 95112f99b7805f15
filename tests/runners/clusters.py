"""Two worker processes of a cluster on loopback, and batches that run in them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import flow

from blocks.results import ResultStorage
from flows.opaque import opaque, opened
from flows.prefect_end import drained
from flows.runners.choice import runner_of
from flows.scan.batches import BatchOutcome
from flows.scan.lookups import PrefectLookups
from tasks.checkpoints.batches import AdvisoryQuestion, BatchRequest
from tasks.engine.engine import close_engine, engine_for
from tasks.engine.lookup import LookupSettings, lookup_settings
from tasks.review.model import PackageKey
from tasks.settings.load import load_settings
from tasks.settings.running import ExecutionSettings
from tests.end_to_end.harness import OTHERS


def key(name: str) -> PackageKey:
    return PackageKey(name=name, project=name, version="1.0", version_text="1.0")


def plain_lookup(sources: Mapping[str, Mapping[str, object]], folder: Path, **processing: object) -> LookupSettings:
    """Settings of a lookup that asks these services only."""
    off: dict[str, Mapping[str, object]] = {name.lower(): {"live": False} for name in OTHERS}
    settings = load_settings(None, {}, {"sources": {**off, **sources}, "processing": processing}).settings
    return lookup_settings(settings, offline=False, store=folder / "store" / "advisories.sqlite")


@dataclass(frozen=True)
class Looked:
    """What came of all batches, in order, and the requests that were counted, by service; seconds in all."""

    outcomes: tuple[BatchOutcome, ...]
    requests: dict[str, int]
    seconds: float

    @property
    def reviews(self) -> list[dict[str, Any]]:
        plain = [review.model_dump(mode="json") for one in self.outcomes for review in one.result.reviews]
        for review in plain:
            for source in review["sources"].values():
                source.pop("checked_at")
        return plain


def look_up(
    execution: ExecutionSettings, lookup: LookupSettings, results: Path, batches: Sequence[Sequence[str]], warm: int = 0
) -> Looked:
    """Look these batches of projects up as a scan does, in a flow run; warm ones end before time counts."""

    @flow(name="looked-up", persist_result=False)
    def looked_up() -> tuple[list[BatchOutcome], float]:
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
            ended = [one.outcome() for one in [lookups.submit(job) for job in jobs[:warm]]]
            began = time.monotonic()
            ended += [one.outcome() for one in [lookups.submit(job) for job in jobs[warm:]]]
            return opaque((ended, time.monotonic() - began))

    try:
        with drained():
            outcomes, seconds = opened(looked_up())
        metrics = engine_for(lookup).metrics()
        asked = {name.value: one.requests for name, one in metrics.items() if one.requests}
        return Looked(tuple(outcomes), asked, seconds)
    finally:
        close_engine(lookup)
