"""The upgrade plan in text: one package a line, and below it what stands in the way."""

from collections.abc import Iterator, Sequence

from tasks.text.plain import counted, one_line, section
from tasks.upgrade.model import Pin, Upgrade, UpgradeEntry

__all__ = ["missing_words", "obstacles", "upgrade_lines", "upgrade_words", "urgency_words", "way_words"]

_MOST = 500
_SHOWN_PINS = 10


def upgrade_lines(plan: Sequence[UpgradeEntry], unchecked: int = 0) -> Iterator[str]:
    """The section of a text report; unchecked is how many packages could not be checked."""
    yield from section(f"UPGRADE PLAN ({len(plan)}), most urgent first", _lines(plan, unchecked))


def missing_words(unchecked: int) -> str:
    """That the plan does not know of some packages."""
    return f"Not in this plan: {counted(unchecked, 'package')} that could not be checked"


def _lines(plan: Sequence[UpgradeEntry], unchecked: int) -> Iterator[str]:
    if unchecked:
        yield missing_words(unchecked)
    for number, entry in enumerate(plan[:_MOST], 1):
        yield one_line(f"{number}. {entry.name} {entry.version} ({_rows(entry)}): {urgency_words(entry)}")
        yield from (f"   {one_line(way)}" for way in way_words(entry))
        yield from (f"   {one_line(text)}" for text in obstacles(entry))
    if len(plan) > _MOST:
        yield f"... and {len(plan) - _MOST:,} more (the JSON report has them all)"


def _rows(entry: UpgradeEntry) -> str:
    return f"row{'s' if len(entry.rows) > 1 else ''} {', '.join(map(str, entry.rows))}"


def urgency_words(entry: UpgradeEntry) -> str:
    """What makes an entry urgent, in the order that the plan goes by."""
    many = counted(entry.vulnerabilities, "vulnerability", "vulnerabilities")
    parts = (
        "MALICIOUS" if entry.malicious else "",
        "KNOWN TO BE EXPLOITED" if entry.kev else "",
        f"EPSS {100 * entry.epss:.1f} %" if entry.epss is not None else "",
        f"CVSS {entry.cvss:g}" if entry.cvss is not None else "" if entry.malicious else entry.severity.value,
        many + (f", {entry.decided} decided" if entry.decided else ""),
    )
    return ", ".join(filter(None, parts))


def way_words(entry: UpgradeEntry) -> Iterator[str]:
    """The ways out, the nearest first."""
    if entry.malicious:
        yield "remove it: a malicious package is not upgraded"
        return
    if not entry.checked:
        yield "no version is proposed: later versions could not be held against the advisories"
        return
    if entry.in_line is not None:
        both = ", the smallest of all" if entry.in_line == entry.over_all else ""
        yield f"→ {upgrade_words(entry.in_line)} in its own release line{both}"
    else:
        yield "no later version of its own release line is free of known vulnerabilities"
    if entry.over_all is not None and entry.over_all != entry.in_line:
        yield f"→ {upgrade_words(entry.over_all)} over all"
    elif entry.over_all is None:
        yield "no later version at all is free of known vulnerabilities"


def upgrade_words(upgrade: Upgrade) -> str:
    """One version, and what is to be known of it."""
    # A stated Python that suits is nothing to tell.
    python = f"needs Python {upgrade.requires_python}" if upgrade.requires_python else ""
    python = "" if upgrade.other_python is False else python
    marks = (
        "a pre-release" if upgrade.prerelease else "",
        "YANKED" if upgrade.yanked else "",
        f"{python}: not the stated one" if upgrade.other_python else python,
    )
    said = "; ".join(filter(None, marks))
    return f"{upgrade.version} ({said})" if said else upgrade.version


def obstacles(entry: UpgradeEntry) -> Iterator[str]:
    """Packages of the list that pin it away from a proposed version, and findings that no version was held against."""
    pins: dict[Pin, list[str]] = {}
    for upgrade in dict.fromkeys(filter(None, (entry.in_line, entry.over_all))):
        for pin in upgrade.pinned_by:
            pins.setdefault(pin, []).append(upgrade.version)
    for pin, versions in list(pins.items())[:_SHOWN_PINS]:
        latest = "" if pin.read_of == pin.version else f" as its {pin.read_of} says"
        yield (
            f"pinned by {pin.name} {pin.version} (row {pin.row}){latest}: {pin.requirement}"
            f" excludes {', '.join(versions)}"
        )
    if len(pins) > _SHOWN_PINS:
        yield f"pinned by {len(pins) - _SHOWN_PINS} more packages (the JSON report has them all)"
    if entry.not_compared:
        yield f"not held against {', '.join(entry.not_compared)}: OSV does not have it yet"
