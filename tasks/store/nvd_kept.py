"""NVD out of the store, and beside it what earlier scans asked NVD for: a record asked for once is kept for ever."""

from collections.abc import Callable, Mapping, Sequence

from tasks.sources.enrichment import CveSource, CveSourceName, NotConsulted, NvdFacts

__all__ = ["NvdWithKept"]

Kept = Callable[[Sequence[str]], Mapping[str, NvdFacts | None]]


class NvdWithKept:
    """`CveSource[NvdFacts]` of two that ask nobody; where both know a CVE, the record that changed last counts.

    kept answers with what is believed of earlier answers by CVE (None: NVD had no such record).
    """

    name = CveSourceName.NVD
    bulk = True

    def __init__(self, synced: CveSource[NvdFacts], kept: Kept) -> None:
        self._synced = synced
        self._kept = kept

    async def look_up(self, cves: Sequence[str]) -> Mapping[str, NvdFacts]:
        """What either has on each CVE; NotConsulted, with what was found, where neither was asked about one."""
        kept = self._kept(cves)
        try:
            synced = await self._synced.look_up(cves)
        except NotConsulted as partly:
            found = _newest(partly.found, kept)
            if any(cve not in found for cve in cves):
                raise NotConsulted(partly.reason, found) from None
            return _records(found)
        return _records(_newest(synced, kept))


def _newest(synced: Mapping[str, NvdFacts | None], kept: Mapping[str, NvdFacts | None]) -> dict[str, NvdFacts | None]:
    return {cve: _newer(synced.get(cve), kept.get(cve)) for cve in {**synced, **kept}}


def _newer(synced: NvdFacts | None, kept: NvdFacts | None) -> NvdFacts | None:
    if synced is None or kept is None:
        return synced or kept
    return kept if (kept.modified or "") > (synced.modified or "") else synced


def _records(found: Mapping[str, NvdFacts | None]) -> dict[str, NvdFacts]:
    return {cve: facts for cve, facts in found.items() if facts is not None}
