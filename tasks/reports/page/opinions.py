"""A language model's opinions on the page of a scan."""

from tasks.history.scanmodel import ScanDocument
from tasks.reports.opinions import by_model, raised
from tasks.reports.page.entries import named
from tasks.reports.page.view import Entry, Group
from tasks.text.plain import counted

__all__ = ["opinion_group"]

_MOST_IDS = 3


def opinion_group(document: ScanDocument) -> Group | None:
    """What a model said of rows that the records leave open; None where none was heard."""
    heard = sum(1 for package in document.packages if package.opinion is not None)
    if not heard:
        return None
    concerned = raised(document.packages)
    entries = [
        Entry(
            named(package),
            opinion.ids[:_MOST_IDS],
            detail=f"row {package.row}; {by_model(opinion)}, its words: {opinion.reason or 'none'}",
        )
        for package, opinion in concerned
    ]
    quiet = f"{counted(heard, 'package')} shown to a model, {heard - len(concerned):,} without concern."
    return Group("Likely affected, check first", entries, quiet)
