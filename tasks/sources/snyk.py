"""Snyk's issues of a package version, by purl, with a token and an organisation; without them Snyk is not asked.

docs.snyk.io/snyk-api/reference/issues, "List issues for a package". Its web pages are never read.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from tasks.advisories.model import Severity
from tasks.advisories.severity import label_severity
from tasks.errors import SourceAnswerInvalid
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName
from tasks.sources.interface import Plain

__all__ = ["SnykApi", "SnykIssue"]

VERSION = "2024-10-15"
"""The version of the API whose shapes are read here."""

_MOST_PAGES = 20


class SnykIssue(Plain):
    """One issue that affects the version asked about: Snyk's id, its severity and the CVEs it names."""

    id: str
    severity: Severity = Severity.UNKNOWN
    cves: tuple[str, ...] = ()


class SnykApi:
    """Snyk's REST API for one organisation (its id)."""

    def __init__(self, client: HttpClient, org: str) -> None:
        self._client = client
        self._org = org

    async def issues(self, project: str, version: str) -> tuple[SnykIssue, ...]:
        """The issues of exactly this version; SourceRefused for a bad token, SourceError otherwise.

        A 404 may as well be of an organisation that does not exist: it is an error, and no answer of "none".
        """
        purl = quote(f"pkg:pypi/{project}@{version}", safe="")
        path = f"/rest/orgs/{quote(self._org, safe='')}/packages/{purl}/issues"
        found: list[SnykIssue] = []
        offset = 0
        for _ in range(_MOST_PAGES):
            params = {"version": VERSION, "limit": "1000", **({"offset": str(offset)} if offset else {})}
            document = await self._client.get_json(ServiceName.SNYK, path, params)
            page = list(_issues(document))
            found += page
            offset += len(page)
            if not page or not _has_next(document):
                return tuple(found)
        raise SourceAnswerInvalid(f"snyk: {project} {version} has more than {_MOST_PAGES} pages of issues.")


def _issues(document: Any) -> Iterator[SnykIssue]:
    rows = document.get("data") if isinstance(document, Mapping) else None
    if not isinstance(rows, list):
        raise SourceAnswerInvalid("snyk: the answer holds no data; check sources.snyk.base_url.")
    for row in rows:
        if not isinstance(row, Mapping) or not isinstance(row.get("id"), str):
            raise SourceAnswerInvalid("snyk: an issue of the answer has no id; run again later.")
        attributes = row.get("attributes")
        known: Mapping[str, Any] = attributes if isinstance(attributes, Mapping) else {}
        severity = label_severity(known.get("effective_severity_level"))
        yield SnykIssue(id=row["id"], severity=severity, cves=tuple(_cves(known.get("problems"))))


def _cves(problems: object) -> Iterator[str]:
    for problem in problems if isinstance(problems, list) else ():
        if isinstance(problem, Mapping) and problem.get("source") == "CVE" and isinstance(problem.get("id"), str):
            yield problem["id"]


def _has_next(document: Mapping[str, Any]) -> bool:
    links = document.get("links")
    return isinstance(links, Mapping) and bool(links.get("next"))
