"""NVD by CVE id (nvd.nist.gov/developers/vulnerabilities), within its limit and without making a scan wait for it.

5 requests in a rolling 30 s without a key, 50 with one (nvd.nist.gov/developers/start-here).
This product uses data from the NVD API but is not endorsed or certified by the NVD.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.errors import SourceAnswerInvalid
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName
from tasks.sources.cve_results import CveResults
from tasks.sources.enrichment import CveSourceName, NotConsulted, NvdFacts
from tasks.sources.kept_values import KeptFacts

__all__ = ["NvdApi", "NvdTerms", "nvd_facts"]

WINDOW_S = 30.0
WITHOUT_KEY = 5
WITH_KEY = 50
UNSETTLED_S = 7 * 86_400.0
"""How long a record is believed that NVD has not finished, or does not have; a finished one for ever."""

_PATH = "/rest/json/cves/2.0"
_SETTLED = frozenset({"Analyzed", "Modified", "Rejected"})
_HIGHEST_SCORE = 10
_METRICS = ("cvssMetricV40", "cvssMetricV31", "cvssMetricV30", "cvssMetricV2")


@dataclass(frozen=True, slots=True)
class NvdTerms:
    """How NVD may be asked: requests in 30 s, and the seconds a scan may wait for more than those."""

    in_window: int = WITHOUT_KEY
    max_wait_s: float = 0.0

    @classmethod
    def of(cls, *, key: bool, max_wait_s: float, requests_per_second: float | None = None) -> "NvdTerms":
        """NVD's own terms; without a key a scan does not wait at all, with one up to max_wait_s."""
        if requests_per_second is not None:
            return cls(max(1, int(requests_per_second * WINDOW_S)), max_wait_s)
        return cls(WITH_KEY, max_wait_s) if key else cls()


class NvdApi:
    """`CveSource[NvdFacts]` that asks NVD about each CVE at most once; store keeps the answers."""

    name = CveSourceName.NVD
    bulk = False

    def __init__(
        self,
        client: HttpClient,
        store: CveResults | None,
        terms: NvdTerms,
        *,
        offline: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._terms = terms
        self._offline = offline
        self._kept = KeptFacts(store, self.name, NvdFacts, self._believed, clock)
        self._window = store.window(self.name, terms.in_window, WINDOW_S) if store is not None else None

    async def look_up(self, cves: Sequence[str]) -> Mapping[str, NvdFacts]:
        """What NVD says of each CVE that it knows. Raises NotConsulted, with what is kept, beyond its limit."""
        kept = self.kept(cves)
        missing = [cve for cve in cves if cve not in kept]
        known = {cve: facts for cve, facts in kept.items() if facts is not None}
        if not missing:
            return known
        if self._offline:
            raise NotConsulted(f"{len(missing)} records are not kept, and --offline forbids asking", kept)
        if not self._affordable(len(missing)):
            raise NotConsulted(self._why(len(missing)), kept)
        return known | await self._ask_all(missing)

    def _affordable(self, missing: int) -> bool:
        """Whether that many requests get a place now, or in as many further windows as a scan may wait for."""
        free = self._window.free if self._window is not None else self._terms.in_window
        return missing <= free + int(self._terms.max_wait_s // WINDOW_S) * self._terms.in_window

    def _why(self, missing: int) -> str:
        limit = f"{missing} CVEs are more than its limit of {self._terms.in_window} in 30 s allows now"
        return limit if self._terms.in_window != WITHOUT_KEY else f"{limit}; NVD_API_KEY allows {WITH_KEY}"

    async def _ask_all(self, cves: Sequence[str]) -> dict[str, NvdFacts]:
        # The client sees to it that each request is sent when there is a place for it.
        answers = await asyncio.gather(*map(self._ask, cves), return_exceptions=True)
        _raise_first(answers)
        return {c: a for c, a in zip(cves, answers, strict=True) if isinstance(a, NvdFacts)}

    async def _ask(self, cve: str) -> NvdFacts | None:
        facts = nvd_facts(await self._client.get_json(ServiceName.NVD, _PATH, {"cveId": cve}), cve)
        # At once: what was asked for within the limit is worth keeping if the scan ends before the next.
        self._kept.keep({cve: facts}, {cve: facts.modified if facts is not None else None})
        return facts

    def kept(self, cves: Sequence[str]) -> dict[str, NvdFacts | None]:
        """What is believed of earlier answers, without asking; None where NVD had no such record."""
        return self._kept.get(cves)

    def _believed(self, facts: NvdFacts | None, age_s: float) -> bool:
        return self._offline or age_s < UNSETTLED_S or (facts is not None and facts.status in _SETTLED)


def _raise_first(answers: Sequence[NvdFacts | BaseException | None]) -> None:
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer


def nvd_facts(document: Any, cve: str) -> NvdFacts | None:
    """What NVD's answer says of a CVE; None where NVD has no such record. SourceAnswerInvalid for anything else."""
    rows = document.get("vulnerabilities") if isinstance(document, Mapping) else None
    if not isinstance(rows, list):
        raise SourceAnswerInvalid("nvd: the answer holds no vulnerabilities; check sources.nvd.base_url.")
    if not all(isinstance(row, Mapping) and isinstance(row.get("cve"), Mapping) for row in rows):
        raise SourceAnswerInvalid("nvd: an entry of the answer holds no record; run again later.")
    record = next((row["cve"] for row in rows if row["cve"].get("id") == cve), None)
    if record is None:
        return None
    score, vector = _score(record.get("metrics"))
    status, modified = record.get("vulnStatus"), record.get("lastModified")
    return NvdFacts(status=_text(status), cvss=score, vector=vector, modified=_text(modified))


def _score(metrics: object) -> tuple[float | None, str | None]:
    if isinstance(metrics, Mapping):
        for name in _METRICS:
            rows = metrics.get(name)
            given = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
            for row in sorted(given, key=lambda r: r.get("type") != "Primary"):
                data = row.get("cvssData")
                if isinstance(data, Mapping) and (score := _base_score(data.get("baseScore"))) is not None:
                    return score, _text(data.get("vectorString"))
    return None, None


def _base_score(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= _HIGHEST_SCORE else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
