"""What GitHub changed lately in its advisories of PyPI's packages: one request, so that nothing newer is missed.

OSV holds all of GitHub's reviewed advisories, but later. Shape:
docs.github.com/rest/security-advisories/global-advisories.
"""

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from packaging.utils import canonicalize_name
from packaging.version import Version

from tasks.advisories.model import Severity
from tasks.advisories.severity import label_severity
from tasks.advisories.versions import parse_version
from tasks.errors import SourceAnswerInvalid
from tasks.sources.interface import Plain

__all__ = ["PATH", "GithubAdvisories", "GithubRecord", "records_of"]

PATH = "/advisories?ecosystem=pip&sort=updated&direction=desc&per_page=100"

_COMPARISON = re.compile(r"(<=|>=|==|<|>|=)\s*(\S+)")
_COMPARED = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "==": operator.eq,
}


class GithubRecord(Plain):
    """One advisory of GitHub for one project: vulnerable_range is as GitHub writes it (">= 1.0, < 1.4")."""

    id: str
    project: str
    vulnerable_range: str
    cve: str | None = None
    severity: Severity = Severity.UNKNOWN
    fixed_in: str | None = None

    def affects(self, version: str) -> bool | None:
        """Whether the range holds the PEP 440 version; None where range or version cannot be read, so nobody knows.

        Versions are ordered as OSV orders them: 1.4rc1 is below 1.4, which a requirement "<1.4" would leave out.
        """
        installed = parse_version(version)
        if installed is None:
            return None
        parts = (part.strip() for part in self.vulnerable_range.split(","))
        held = [_holds(part, installed) for part in parts if part]
        if False in held:
            return False
        return None if None in held else True


class Documents(Protocol):
    """Where the answer comes from: asked for, or kept."""

    async def get(self, path: str, reduce: Callable[[Any], Any]) -> Any:
        """What reduce makes of the document; SourceError where it cannot be had."""
        ...


class GithubAdvisories:
    """GitHub's 100 advisories of PyPI's packages that changed last."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def recent(self) -> tuple[GithubRecord, ...]:
        """Those that are not withdrawn, one for each range; SourceError where GitHub cannot answer."""
        plain = await self._documents.get(PATH, lambda document: [r.model_dump() for r in records_of(document)])
        if plain is None:
            raise SourceAnswerInvalid("github: there are no advisories at the address; check sources.github.base_url.")
        return tuple(GithubRecord.model_validate(record) for record in plain)


def records_of(document: Any) -> list[GithubRecord]:
    """The records of an answer; SourceAnswerInvalid for one that is no list of advisories."""
    if not isinstance(document, Sequence) or isinstance(document, str):
        raise SourceAnswerInvalid("github: the answer is no list of advisories; check sources.github.base_url.")
    if not all(isinstance(row, Mapping) and isinstance(row.get("ghsa_id"), str) for row in document):
        raise SourceAnswerInvalid("github: an advisory of the answer has no ghsa_id; run again later.")
    return [record for row in document if not row.get("withdrawn_at") for record in _of_row(row)]


def _holds(part: str, installed: Version) -> bool | None:
    found = _COMPARISON.fullmatch(part)
    bound = parse_version(found[2]) if found else None
    return None if found is None or bound is None else bool(_COMPARED[found[1]](installed, bound))


def _of_row(row: Mapping[str, Any]) -> Iterator[GithubRecord]:
    ranges = row.get("vulnerabilities")
    for found in ranges if isinstance(ranges, list) else ():
        package = found.get("package") if isinstance(found, Mapping) else None
        if isinstance(package, Mapping) and package.get("ecosystem") == "pip" and isinstance(package.get("name"), str):
            yield GithubRecord(
                id=row["ghsa_id"],
                project=canonicalize_name(package["name"]),
                vulnerable_range=str(found.get("vulnerable_version_range") or ""),
                cve=_text(row.get("cve_id")),
                severity=label_severity(row.get("severity")),
                fixed_in=_patched(found.get("first_patched_version")),
            )


def _patched(value: object) -> str | None:
    """The version as text: GitHub's REST API gives text, its older form an object."""
    return _text(value.get("identifier")) if isinstance(value, Mapping) else _text(value)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
