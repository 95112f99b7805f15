"""CISA's catalogue of known exploited vulnerabilities: one file, asked for once a day.

Shape: www.cisa.gov/known-exploited-vulnerabilities-catalog, `vulnerabilities[]` with `cveID`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from tasks.errors import SourceAnswerInvalid
from tasks.sources.enrichment import CveSourceName, KevFacts

__all__ = ["PATH", "KevCatalogue", "kev_entries"]

PATH = "/known_exploited_vulnerabilities.json"


class Documents(Protocol):
    """Where the catalogue comes from: asked for, or kept."""

    async def get(self, path: str, reduce: Callable[[Any], Any]) -> Any:
        """What reduce makes of the document; SourceError where it cannot be had."""
        ...

    def asked_at(self, path: str) -> datetime | None:
        """When it was last found current, naive UTC; None where none is kept."""
        ...


class KevCatalogue:
    """`CveSource[KevFacts]` out of the whole catalogue."""

    name = CveSourceName.KEV
    bulk = True

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def look_up(self, cves: Sequence[str]) -> Mapping[str, KevFacts]:
        """The entries of those CVEs that the catalogue names; SourceError where it cannot be had."""
        entries = await self._documents.get(PATH, kev_entries)
        if not isinstance(entries, Mapping):
            raise SourceAnswerInvalid("kev: there is no catalogue at the address; check sources.kev.base_url.")
        return {c: KevFacts(added=entries[c][0], ransomware=bool(entries[c][1])) for c in cves if c in entries}

    def asked_at(self, cves: Sequence[str]) -> datetime | None:  # noqa: ARG002 - one catalogue for all
        """When the catalogue was last found current."""
        return self._documents.asked_at(PATH)


def kev_entries(document: Any) -> dict[str, list[Any]]:
    """[date added, known ransomware use] by CVE id; SourceAnswerInvalid for a document that is no catalogue."""
    rows = document.get("vulnerabilities") if isinstance(document, Mapping) else None
    listed = rows if isinstance(rows, list) else []
    found = [row for row in listed if isinstance(row, Mapping) and isinstance(row.get("cveID"), str)]
    if not found:
        raise SourceAnswerInvalid("kev: the answer is no catalogue (no vulnerabilities); check sources.kev.base_url.")
    counted = document.get("count")
    if isinstance(counted, int) and len(found) < counted:
        raise SourceAnswerInvalid(f"kev: the catalogue holds {len(found)} of {counted} entries; run again later.")
    return {
        row["cveID"]: [_text(row.get("dateAdded")), row.get("knownRansomwareCampaignUse") == "Known"] for row in found
    }


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
