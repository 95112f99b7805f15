"""The CVE list by id (cveawg.mitre.org/api/cve/ID): whether a record is published, rejected or disputed.

One request a CVE: asked during a scan only where the settings want it (`sources.mitre.live`).
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from tasks.errors import SourceAnswerInvalid
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName
from tasks.sources.cve_results import CveResults
from tasks.sources.enrichment import CveSourceName, MitreFacts, MitreState, NotConsulted
from tasks.sources.kept_values import KeptFacts

__all__ = ["MitreApi", "mitre_facts"]

BELIEVED_S = 30 * 86_400.0
"""How long a record's state is believed: a published record is rejected or disputed now and then."""


class MitreApi:
    """`CveSource[MitreFacts]` that asks where live, and otherwise knows what was asked before."""

    name = CveSourceName.MITRE
    bulk = False

    def __init__(
        self,
        client: HttpClient,
        store: CveResults | None,
        *,
        live: bool = False,
        max_wait_s: float = 30.0,
        offline: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._live = live
        self._max_wait_s = max_wait_s
        self._offline = offline
        self._kept = KeptFacts(store, self.name, MitreFacts, self._believed, clock)

    async def look_up(self, cves: Sequence[str]) -> Mapping[str, MitreFacts]:
        """The state of each CVE that has a record. Raises NotConsulted, with what is kept, where it is not asked."""
        found = self._kept.get(cves)
        missing = [cve for cve in cves if cve not in found]
        if missing and self._offline:
            raise NotConsulted(f"{len(missing)} records are not kept, and --offline forbids asking", found)
        if missing and not self._live:
            raise NotConsulted("one request a CVE; sources.mitre.live: true asks for them", found)
        if missing:
            found |= await self._ask_all(missing, found)
        return {cve: facts for cve, facts in found.items() if facts is not None}

    def _believed(self, _: MitreFacts | None, age_s: float) -> bool:
        return self._offline or age_s < BELIEVED_S

    async def _ask_all(
        self, cves: Sequence[str], kept: Mapping[str, MitreFacts | None]
    ) -> dict[str, MitreFacts | None]:
        tasks = {cve: asyncio.create_task(self._ask(cve)) for cve in cves}
        done, late = await asyncio.wait(tasks.values(), timeout=self._max_wait_s)
        for task in late:
            task.cancel()
        found = {cve: task.result() for cve, task in tasks.items() if task in done and task.exception() is None}
        if found:
            self._kept.keep(found, {})
        for task in done:
            if (error := task.exception()) is not None:
                raise error
        if late:
            wait = f"{self._max_wait_s:g} s (sources.mitre.max_wait_s)"
            raise NotConsulted(f"{len(late)} records did not come within {wait}", {**kept, **found})
        return found

    async def _ask(self, cve: str) -> MitreFacts | None:
        document = await self._client.get_json(ServiceName.MITRE, f"/api/cve/{quote(cve, safe='')}", missing_ok=True)
        return None if document is None else mitre_facts(document, cve)


def mitre_facts(document: Any, cve: str) -> MitreFacts:
    """What a CVE record says of itself (CVE JSON 5); SourceAnswerInvalid for anything that is no such record."""
    meta = document.get("cveMetadata") if isinstance(document, Mapping) else None
    state = meta.get("state") if isinstance(meta, Mapping) and meta.get("cveId") == cve else None
    if state not in ("PUBLISHED", "REJECTED"):
        raise SourceAnswerInvalid(f"mitre: the answer is no CVE record of {cve}; check sources.mitre.base_url.")
    if state == "REJECTED":
        return MitreFacts(state=MitreState.REJECTED)
    containers = document.get("containers")
    cna = containers.get("cna") if isinstance(containers, Mapping) else None
    tags = cna.get("tags") if isinstance(cna, Mapping) else None
    disputed = isinstance(tags, list) and "disputed" in tags
    return MitreFacts(state=MitreState.DISPUTED if disputed else MitreState.PUBLISHED)
