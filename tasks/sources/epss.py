"""EPSS: how probable it is that a vulnerability is exploited within 30 days (api.first.org/epss).

One request takes up to 2,000 characters of ids and answers 100 rows a page: 100 CVEs a request.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tasks.errors import SourceAnswerInvalid
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName
from tasks.sources.enrichment import CveSourceName, NotConsulted
from tasks.sources.kept_values import KeptValues

__all__ = ["AT_ONCE", "EpssApi"]

AT_ONCE = 100
_PATH = "/data/v1/epss"


class EpssApi:
    """`CveSource[float]` by FIRST's API, with scores kept by CVE; offline: the kept ones alone."""

    name = CveSourceName.EPSS
    bulk = False

    def __init__(self, client: HttpClient, kept: KeptValues) -> None:
        self._client = client
        self._kept = kept

    async def look_up(self, cves: Sequence[str]) -> Mapping[str, float]:
        """The probability, 0 to 1, of each CVE that EPSS scores; SourceError as CveSource says."""
        kept = self._kept.get(cves)
        missing = [cve for cve in cves if cve not in kept]
        if missing and self._kept.offline:
            raise NotConsulted(f"{len(missing)} scores are not kept, and --offline forbids asking", kept)
        parts = [missing[at : at + AT_ONCE] for at in range(0, len(missing), AT_ONCE)]
        answers = await asyncio.gather(*map(self._ask, parts), return_exceptions=True)
        failures = [answer for answer in answers if isinstance(answer, BaseException)]
        if failures:
            raise failures[0]
        asked = {c: s for answer in answers if not isinstance(answer, BaseException) for c, s in answer.items()}
        return {cve: score for cve, score in (kept | asked).items() if score is not None}

    def asked_at(self, cves: Sequence[str]) -> datetime | None:
        """When the oldest of these scores was asked for."""
        return self._kept.asked_at(cves)

    async def _ask(self, cves: Sequence[str]) -> dict[str, float | None]:
        document = await self._client.get_json(ServiceName.EPSS, _PATH, {"cve": ",".join(cves)})
        scores = _scores(document)
        answers = {cve: scores.get(cve) for cve in cves}
        self._kept.keep(answers)
        return answers


def _scores(document: Any) -> dict[str, float]:
    rows = document.get("data") if isinstance(document, Mapping) else None
    if not isinstance(rows, list):
        raise SourceAnswerInvalid("epss: the answer holds no data; check sources.epss.base_url.")
    total = document.get("total")
    if isinstance(total, int) and len(rows) < total:
        raise SourceAnswerInvalid(f"epss: the answer holds {len(rows)} of {total} scores; run again later.")
    try:
        scores = {str(row["cve"]): float(row["epss"]) for row in rows}
    except (KeyError, TypeError, ValueError) as error:
        raise SourceAnswerInvalid("epss: a row of the answer holds no score; run again later.") from error
    return {cve: score for cve, score in scores.items() if 0 <= score <= 1}
