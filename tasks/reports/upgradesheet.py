"""The lines of the upgrade sheet: the plan for people who work in the workbook."""

from collections.abc import Iterator, Sequence

from tasks.reports.upgrades import missing_words, obstacles, upgrade_words, urgency_words
from tasks.text.plain import one_line
from tasks.upgrade.model import Upgrade, UpgradeEntry

__all__ = ["upgrade_sheet_lines"]

_LONGEST = 2_000
Line = tuple[str | int | float | None, ...]


def upgrade_sheet_lines(plan: Sequence[UpgradeEntry], unchecked: int = 0) -> Iterator[Line]:
    """The lines, up to five cells each, most urgent first; unchecked packages are not in the plan, and it says so."""
    yield ()
    yield "Package", "Installed", "Own release line", "Over all", "Why, and what stands in the way"
    for entry in plan:
        said = "; ".join((urgency_words(entry), *obstacles(entry)))
        name, version = one_line(entry.name), one_line(entry.version)
        yield name, version, _way(entry, entry.in_line), _way(entry, entry.over_all), one_line(said, _LONGEST)
    if unchecked:
        yield (missing_words(unchecked),)
    elif not plan:
        yield ("nothing is affected",)


def _way(entry: UpgradeEntry, upgrade: Upgrade | None) -> str:
    if entry.malicious:
        return "remove it"
    if upgrade is None:
        return "none known" if entry.checked else "could not be looked for"
    return one_line(upgrade_words(upgrade))
