"""What changed since the last scan, on the page of a scan."""

from tasks.history.changes import FindingChange, PackageChange, ScanChanges
from tasks.reports.page.entries import finding_entry, named
from tasks.reports.page.view import Entry, Group, SinceView, moment
from tasks.text.plain import counted

__all__ = ["since_view"]


def since_view(changes: ScanChanges) -> SinceView:
    """What changed, list by list; lists without entries are left out."""
    groups = (
        Group("Newly known to be exploited", [_changed(one) for one in changes.exploited]),
        Group("New", [_changed(one) for one in changes.new]),
        Group(
            "Not checked this time",
            [_changed(one, one.reason or "") for one in changes.not_checked],
            "Known before, and the source that told of them did not answer: not fixed.",
        ),
        Group(
            "Not known last time",
            [_changed(one, one.reason or "") for one in changes.unknown_before],
            "The earlier scan had no answer about them: they may have been there then.",
        ),
        Group("Another severity", [_changed(one, f"was {one.before}") for one in changes.severity]),
        Group("Fixed", [_changed(one) for one in changes.fixed]),
        Group("Packages added", [_package_entry(one) for one in changes.added]),
        Group("Packages removed", [_package_entry(one) for one in changes.removed]),
        Group("Versions changed", [_package_entry(one) for one in changes.version_changed]),
        Group(
            "Not part of both scans",
            [_package_entry(one) for one in changes.not_compared],
            "One of the two scans looked at chosen rows only.",
        ),
    )
    return SinceView(moment(changes.before.finished_at), [group for group in groups if group.entries])


def _changed(change: FindingChange, detail: str = "") -> Entry:
    return finding_entry(change.package, change.found, detail)


def _package_entry(change: PackageChange) -> Entry:
    package, former = change.package, change.former
    if former is not None and former is not package:
        return Entry(package.name, detail=f"{former.version or '(none)'} → {package.version or '(none)'}")
    many = len(package.vulnerabilities)
    detail = f"with {counted(many, 'vulnerability', 'vulnerabilities')}" if many else ""
    return Entry(named(package), detail=detail)
