"""The upgrade plan on the page of a scan."""

from collections.abc import Sequence

from tasks.reports.page.view import Entry, Group, tone_of
from tasks.reports.upgrades import obstacles, urgency_words, way_words
from tasks.upgrade.model import UpgradeEntry

__all__ = ["upgrade_group"]


def upgrade_group(plan: Sequence[UpgradeEntry]) -> Group | None:
    """The plan as one list, most urgent first; None where nothing is affected."""
    return Group("Upgrades", [_entry(entry) for entry in plan]) if plan else None


def _entry(entry: UpgradeEntry) -> Entry:
    return Entry(
        what=f"{entry.name} {entry.version}",
        badge="Malicious" if entry.malicious else entry.severity.value.capitalize(),
        tone=tone_of(entry.severity, malicious=entry.malicious),
        mark="Exploited" if entry.kev else "",
        detail=" · ".join((*way_words(entry), *obstacles(entry), urgency_words(entry))),
    )
