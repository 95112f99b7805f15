"""What the version cell of a review workbook says: one PEP 440 version, NEW, or nothing usable and why.

Excel changes what people type: 2.0 becomes the number 2, 2022.12.07 becomes a date. Numbers are read as Excel
shows them (15 significant digits, https://learn.microsoft.com/office/troubleshoot/excel/floating-point-arithmetic-inaccurate-result);
a date is refused, since the text that was typed is gone.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from packaging.version import InvalidVersion, Version

__all__ = ["InstalledVersion", "Unread", "clean_text", "excerpt", "parse_installed", "shown_text"]

_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_EXACT = re.compile(r"={2,3}\s*(?=[^=\s])")
_RANGE = re.compile(r"(?:[<>~^]=?|!=)\s*[vV]?\d|[\[(].*,.*[\])]$")
_WILDCARD = re.compile(r"[vV]?(?:\d+[._])+[xX*](?:[._][\dxX*]+)*\+?|[*]")
_SEVERAL = re.compile(r"\s*(?:[,;/|&]|\s+(?:and|or|to|-|–)\s+|\s)\s*")
_LONGEST = 200
"""Characters; longer than any version on PyPI, and short enough that parsing hostile text costs nothing."""


@dataclass(frozen=True, slots=True)
class InstalledVersion:
    """A version cell understood.

    text is the cell's text without surrounding blanks; version the normalised PEP 440 text; problem one plain
    clause where there is no usable version. Exactly one of version, problem and is_new is set.
    """

    text: str
    version: str | None = None
    problem: str | None = None
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Unread:
    """A cell with content and no value: an error such as #N/A, or a formula ("=...") without a stored result."""

    text: str
    is_error: bool = False

    @property
    def described(self) -> str:
        """What the cell holds, and what to do: the end of a sentence."""
        if self.is_error:
            return f"the error {self.text}: mend the cell"
        advice = "open the workbook in Excel and save it, or type the value"
        return f"the formula {excerpt(self.text, 40)} without a stored result: {advice}"


def clean_text(text: str) -> str:
    """`text` without invisible characters (zero-width, soft hyphen, direction marks) and surrounding blanks or NBSP."""
    return _INVISIBLE.sub("", text).strip()


def excerpt(text: str, limit: int = 60) -> str:
    """`text` on one line, in double quotes, cut to `limit` characters: for messages."""
    line = " ".join(text.split())
    return f'"{line}"' if len(line) <= limit else f'"{line[: limit - 1]}…"'


def shown_text(value: object) -> str:
    """A cell value as Excel would show it in a cell of the General format; blank cells give ""."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return str(value)


def parse_installed(value: object) -> InstalledVersion:
    """Read one version cell: `str`, `int`, `float`, `bool`, a date or time, `Unread` or `None`; never raises.

    Accepted beyond PEP 440 (https://peps.python.org/pep-0440/): surrounding blanks, a leading `==` or `===`, `v`,
    and the word NEW in any case for a package that is not installed yet.
    """
    if isinstance(value, Unread):
        return _parse_unread(value)
    if isinstance(value, (date, time, timedelta)):
        return _not_text(shown_text(value), "date" if isinstance(value, date) else "time")
    if isinstance(value, bool):
        return InstalledVersion(shown_text(value), problem=f"the cell holds {shown_text(value)}, not a version")
    return _parse_text(clean_text(shown_text(value)))


def _parse_unread(cell: Unread) -> InstalledVersion:
    # "==1.2" written by a program becomes the formula "=1.2"; a person's "=1.2" has a result.
    if cell.text.startswith("==") and (version := _parse_text(clean_text(cell.text)).version):
        return InstalledVersion(clean_text(cell.text), version=version)
    return InstalledVersion(cell.text, problem=f"the version cell holds {cell.described}")


def _not_text(shown: str, kind: str) -> InstalledVersion:
    advice = "format the cell as text and type the version again"
    return InstalledVersion(shown, problem=f"the cell holds a {kind} ({shown}), not a version: {advice}")


@lru_cache(maxsize=8192)
def _parse_text(text: str) -> InstalledVersion:
    if text.upper() == "NEW":
        return InstalledVersion(text, is_new=True)
    version = _pep440(_EXACT.sub("", text, count=1) if text.startswith("==") else text)
    if version is not None:
        return InstalledVersion(text, version=version)
    return InstalledVersion(text, problem=_reason(text))


def _pep440(text: str) -> str | None:
    if len(text) > _LONGEST:
        return None
    try:
        return str(Version(text))
    except InvalidVersion:
        return None


def _reason(text: str) -> str:
    """Why `text` is no version, and what to do."""
    if not text:
        return "the version cell is blank: enter the version that is installed, or NEW"
    bare = text.lstrip("= ")
    if _WILDCARD.fullmatch(bare):
        return f"{excerpt(text)} is a wildcard, not one version: enter the version that is installed"
    if _RANGE.match(text):
        return f"{excerpt(text)} is a range, not one version: enter the version that is installed"
    parts = _SEVERAL.split(text[:_LONGEST])
    if len(parts) > 1 and all(part[:1].isdigit() or _pep440(part) for part in parts):
        return f"{excerpt(text)} is a list of versions, not one: enter one row per version"
    return f"{excerpt(text)} is not a version (PEP 440): enter the version that is installed"
