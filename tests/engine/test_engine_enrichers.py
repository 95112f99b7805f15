"""Asking all the sources beside OSV at once: what becomes of one whose answer nobody foresaw."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.engine.enrichers import CveSources, Enricher
from tasks.sources.enrichment import CveSourceName
from tests.review.review_samples import advisory, key, reviewed

CVE = "CVE-2020-1000"


@dataclass(frozen=True)
class Answering:
    """A source that has one fact, or fails in the way given."""

    name: CveSourceName
    fault: Exception | None = None
    bulk: bool = False

    async def look_up(self, cves: Sequence[str]) -> Mapping[str, Any]:
        if self.fault is not None:
            raise self.fault
        return dict.fromkeys(cves, 0.5)


def test_a_fault_in_one_answer_is_told_and_costs_the_others_nothing() -> None:
    fault = TypeError("'int' object is not iterable")
    sources = CveSources(
        nvd=Answering(CveSourceName.NVD),
        mitre=Answering(CveSourceName.MITRE),
        kev=Answering(CveSourceName.KEV, fault),
        epss=Answering(CveSourceName.EPSS),
        exploits=Answering(CveSourceName.EXPLOITDB),
    )
    review = reviewed(key("1.0"), advisory("GHSA-1", aliases=(CVE,)))
    told = asyncio.run(Enricher(sources).ask([review]))
    assert told.epss.facts == {CVE: 0.5}
    assert told.kev.failed
    assert list(told.sentences()) == [
        "KEV could not be asked: kev: its answer could not be handled (TypeError); run again later."
    ]
