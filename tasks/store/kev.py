"""CISA's catalogue of known exploited vulnerabilities (cisa.gov/known-exploited-vulnerabilities-catalog)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tasks.http.message import InvalidAnswer
from tasks.http.policy import ServiceName
from tasks.store.bulk_file import BulkFile
from tasks.store.state import KEV

__all__ = ["KEV_FILE", "kev_rows"]


def kev_rows(path: Path) -> Iterator[tuple[str, str, str, int]]:
    """CVE, dateAdded, dueDate, whether ransomware uses it; InvalidAnswer where the file is no whole catalogue."""
    try:
        catalogue = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InvalidAnswer("the catalogue is not JSON, or cut short") from error
    entries = catalogue.get("vulnerabilities") if isinstance(catalogue, dict) else None
    if not isinstance(entries, list):
        raise InvalidAnswer("the file is not the catalogue: it has no list of vulnerabilities")
    if isinstance(catalogue.get("count"), int) and catalogue["count"] != len(entries):
        raise InvalidAnswer(f"the catalogue says {catalogue['count']} entries and has {len(entries)}")
    yield from map(_row, entries)


def _row(entry: Any) -> tuple[str, str, str, int]:
    cve = entry.get("cveID") if isinstance(entry, dict) else None
    if not isinstance(cve, str) or not cve.startswith("CVE-"):
        raise InvalidAnswer("an entry of the catalogue has no cveID")
    ransomware = str(entry.get("knownRansomwareCampaignUse", "")).lower() == "known"
    return cve, str(entry.get("dateAdded") or ""), str(entry.get("dueDate") or ""), int(ransomware)


def _check(path: Path) -> None:
    for _ in kev_rows(path):
        pass


KEV_FILE = BulkFile(
    KEV,
    ServiceName.KEV,
    "/known_exploited_vulnerabilities.json",
    kev_rows,
    _check,
    "DELETE FROM kev",
    "INSERT OR REPLACE INTO kev VALUES (?, ?, ?, ?)",
    "SELECT COUNT(*) FROM kev",
)
