"""What sources left unsaid in a scan: a blank or a zero that nobody looked up must not read as "none"."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from tasks.review.model import ReviewStatus
from tasks.text.plain import counted

__all__ = ["EPSS", "KEV", "Asked", "blank", "exploitation_gap", "silent_sources", "silent_words"]

KEV, EPSS = "kev", "epss"
"""Names as `not_consulted` and `gaps` of a package have them; keys of the `sources` setting."""

_LABELS = {
    "github": "GitHub",
    "nvd": "NVD",
    "mitre": "MITRE",
    "snyk": "Snyk",
    "exploitdb": "Exploit-DB",
    KEV: "KEV",
    EPSS: "EPSS",
}
_NOT_CONSULTED, _NO_ANSWER = "not consulted", "could not be asked"


class Asked(Protocol):
    """A package of a result: not_consulted names the sources not asked about it, gaps those that could not answer."""

    @property
    def status(self) -> ReviewStatus:
        """Whether it was looked up at all."""
        ...

    @property
    def not_consulted(self) -> Sequence[str]:
        """Sources that were not asked."""
        ...

    @property
    def gaps(self) -> Sequence[str]:
        """Sources that were asked and could not answer."""
        ...

    @property
    def reported_malicious(self) -> Sequence[str]:
        """Reports of malware that the version could not be compared with."""
        ...


def silent_sources(packages: Iterable[Asked]) -> dict[str, dict[str, int]]:
    """For how many packages each source was not consulted, and for how many it could not be asked ("gaps")."""
    listed = list(packages)
    return {
        "not_consulted": dict(sorted(Counter(name for one in listed for name in one.not_consulted).items())),
        "gaps": dict(sorted(Counter(name for one in listed for name in one.gaps).items())),
    }


def silent_words(packages: Iterable[Asked], names: Iterable[str] = tuple(_LABELS)) -> Iterator[str]:
    """The same in at most two lines, of these sources: "Not consulted: EPSS (1 package), KEV (3 packages)"."""
    wanted = frozenset(names)
    silent = silent_sources(packages)
    for words, found in ((_NO_ANSWER, silent["gaps"]), (_NOT_CONSULTED, silent["not_consulted"])):
        said = [f"{_LABELS[name]} ({counted(number, 'package')})" for name, number in found.items() if name in wanted]
        if said:
            yield f"{words.capitalize()}: {', '.join(said)}"


def exploitation_gap(packages: Iterable[Asked]) -> str | None:
    """Why the number of vulnerabilities known to be exploited may be too low; None where it is known."""
    listed = list(packages)
    unasked = sum(1 for one in listed if KEV in one.not_consulted)
    silent = sum(1 for one in listed if KEV in one.gaps)
    failed = sum(1 for one in listed if one.status is ReviewStatus.FAILED)
    reported = sum(1 for one in listed if one.reported_malicious)
    parts = [
        f"{counted(reported, 'package')} reported as malicious, to be checked by hand" if reported else "",
        f"KEV not consulted for {counted(unasked, 'package')}" if unasked else "",
        f"KEV could not be asked about {counted(silent, 'package')}" if silent else "",
        f"{counted(failed, 'package')} could not be checked" if failed else "",
    ]
    return "; ".join(filter(None, parts)) or None


def blank(package: Asked, source: str, empty: str = "") -> str:
    """What to show where a source has nothing on a package: empty where it answered, else that it did not."""
    if source in package.gaps:
        return _NO_ANSWER
    return _NOT_CONSULTED if source in package.not_consulted else empty
