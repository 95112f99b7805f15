"""NVD's year feeds (nvd.nist.gov/vuln/data-feeds), reduced to what a review says of a CVE.

Schema: csrc.nist.gov/schema/nvd/api/2.0/cve_api_json_2.0.schema. A year's feed is some 100 MB of JSON: it is read one
record at a time.
"""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tasks.http.message import InvalidAnswer
from tasks.http.policy import ServiceName
from tasks.store.bulk_file import BulkFile
from tasks.store.json_stream import array_elements
from tasks.store.state import NVD_FEED

__all__ = ["FIRST_YEAR", "feed_year", "nvd_feed", "nvd_rows"]

FIRST_YEAR = 2002
"""The first feed holds everything up to its year."""

_METRICS = ("cvssMetricV40", "cvssMetricV31", "cvssMetricV30")
_GZIP = b"\x1f\x8b"


def feed_year(cve: str) -> int:
    """The year of the feed that holds a CVE; ValueError where it is no CVE id."""
    return max(FIRST_YEAR, int(cve.split("-")[1]))


def nvd_feed(year: int) -> BulkFile:
    """One year's feed as a source."""
    name = f"{NVD_FEED}{year}"
    return BulkFile(
        name,
        ServiceName.NVD_FEEDS,
        f"/feeds/json/cve/2.0/nvdcve-2.0-{year}.json.gz",
        lambda path: ((cve, name, *rest) for cve, *rest in nvd_rows(path)),
        _check,
        "DELETE FROM nvd WHERE feed = ?",
        "INSERT OR REPLACE INTO nvd (cve, feed, modified, status, cvss, vector) VALUES (?, ?, ?, ?, ?, ?)",
        "SELECT COUNT(*) FROM nvd WHERE feed = ?",
        (name,),
    )


def nvd_rows(path: Path) -> Iterator[tuple[str, str, str, float | None, str | None]]:
    """CVE, lastModified, vulnStatus, base score, vector; InvalidAnswer where the feed is not whole."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for element in array_elements(file, "vulnerabilities"):
                yield _row(element)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InvalidAnswer(f"the feed is damaged or cut short ({error})") from error


def _row(element: Any) -> tuple[str, str, str, float | None, str | None]:
    cve = element.get("cve") if isinstance(element, dict) else None
    if not isinstance(cve, dict) or not isinstance(cve.get("id"), str):
        raise InvalidAnswer("a record of the feed has no CVE id")
    score, vector = _score(cve.get("metrics"))
    return cve["id"], str(cve.get("lastModified") or ""), str(cve.get("vulnStatus") or ""), score, vector


def _score(metrics: Any) -> tuple[float | None, str | None]:
    """The base score of the newest CVSS version given, NVD's own ("Primary") before others'."""
    for name in _METRICS if isinstance(metrics, dict) else ():
        for metric in sorted(_dicts(metrics.get(name)), key=lambda m: m.get("type") != "Primary"):
            data = metric.get("cvssData")
            if isinstance(data, dict) and isinstance(data.get("baseScore"), int | float):
                vector = data.get("vectorString")
                return float(data["baseScore"]), vector if isinstance(vector, str) else None
    return None, None


def _dicts(value: Any) -> Sequence[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _check(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(2) != _GZIP:
            raise InvalidAnswer("the feed is no gzip file")
    try:
        with gzip.open(path) as file:
            # Its own checksum stands at the end.
            while file.read(1 << 20):
                pass
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidAnswer(f"the feed is damaged or cut short ({error})") from error
