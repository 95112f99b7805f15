"""What stays of a former answer where a source that adds to it could not be asked this time.

A risk stands on OSV's advisories and is told anew; what KEV, EPSS, Exploit-DB or NVD had told of it earlier is not lost
because they were down or not consulted, nor is the way out that PyPI showed. It goes with the findings it was told of.
"""

import re
from collections.abc import Iterator

from tasks.review.cells import CellProposal
from tasks.review.verdicts import NOT_ANSWERED, NOT_CONSULTED

__all__ = ["with_former"]

_BETWEEN = " | "
_TOLD = {
    "kev": "🔥 KNOWN EXPLOITED (",
    "exploitdb": "💥 Public exploits: ",
    "epss": "EPSS: ",
    "nvd": "Sources differ on severity: ",
}
"""How the parts of a recommendation begin that rest on one of these sources."""

_UPDATE = "📦 UPDATE REQUIRED: "
_WAY_OUT = re.compile(
    r"\S+ is the smallest later version without a known vulnerability\b.*|no later version is free of .+"
)
_CONFIRMED = re.compile(r"[0-9]+ confirmed vulnerabilit(?:y|ies) found")
_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,}")


def with_former(proposal: CellProposal, former: str, value: str) -> str:
    """The value with what the former text had from sources that did not answer; the value where that is nothing."""
    if not proposal.unanswered:
        return value
    if proposal.is_recommendation:
        return _recommendation(proposal, former.split(_BETWEEN), value.split(_BETWEEN))
    return former if _same_verdict_with_notes(former, value) else value


def _same_verdict_with_notes(former: str, value: str) -> bool:
    before, _, notes = former.partition(_BETWEEN)
    own_excuse = NOT_CONSULTED in notes or NOT_ANSWERED in notes
    return before == value.partition(_BETWEEN)[0] and bool(notes) and not own_excuse


def _recommendation(proposal: CellProposal, former: list[str], value: list[str]) -> str:
    carried = [part for part in _carried(proposal, former, value) if part not in value]
    return _BETWEEN.join([*value[:1], *carried, *value[1:]])


def _carried(proposal: CellProposal, former: list[str], value: list[str]) -> Iterator[str]:
    same_findings = _confirmed(former) is not None and _confirmed(former) == _confirmed(value)
    for source in sorted(proposal.unanswered & _TOLD.keys(), key=list(_TOLD).index):
        if any(part.startswith(_TOLD[source]) for part in value):
            continue
        for part in former:
            if part.startswith(_TOLD[source]):
                named = set(_CVE.findall(part))
                if named & proposal.cves if named else same_findings:
                    yield part
    if "pypi" in proposal.unanswered and same_findings:
        yield from _way_out(former, proposal.installed)


def _way_out(former: list[str], installed: str) -> Iterator[str]:
    """What PyPI showed for the version that is still installed."""
    update = next((part for part in former if part.startswith(_UPDATE)), None)
    if update is None or update.startswith(f"{_UPDATE}{installed} → "):
        yield from (part for part in former if part == update or _WAY_OUT.fullmatch(part))


def _confirmed(parts: list[str]) -> str | None:
    return next((part for part in parts if _CONFIRMED.fullmatch(part)), None)
