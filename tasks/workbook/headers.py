"""Which column is which, told by the header texts: the older tool's are the standard, similar ones are understood."""

import re
from collections.abc import Iterator, Mapping, Sequence

from tasks.workbook.model import Field
from tasks.workbook.versions import clean_text, shown_text

__all__ = ["STANDARD_HEADERS", "column_index", "column_letter", "match_headers"]

STANDARD_HEADERS: Mapping[Field, str] = {
    Field.INDEX: "#",
    Field.PACKAGE_NAME: "Package Name",
    Field.CURRENT_VERSION: "Version",
    Field.PYPI_CURRENT_LINK: "PyPi Links",
    Field.DATE_PUBLISHED: "Date Published",
    Field.LATEST_VERSION: "Latest Version",
    Field.PYPI_LATEST_LINK: "PyPi Links",
    Field.LATEST_RELEASE_DATE: "Latest Version Release Date",
    Field.REQUIRES: "Requires",
    Field.DEVELOPMENT_STATUS: "Development Status",
    Field.GITHUB_URL: "GitHub URL",
    Field.GITHUB_ADVISORY_URL: "GitHub Security Advisory Lookup URL",
    Field.GITHUB_ADVISORY_RESULT: "GitHub Security Advisory Result",
    Field.NOTES: "Notes",
    Field.NIST_NVD_URL: "NIST NVD Lookup URL",
    Field.NIST_NVD_RESULT: "NIST NVD Lookup Result",
    Field.MITRE_CVE_URL: "MITRE CVE Lookup URL",
    Field.MITRE_CVE_RESULT: "MITRE CVE Lookup Result",
    Field.SNYK_URL: "SNYK Vulnerability Lookup URL",
    Field.SNYK_RESULT: "SNYK Vulnerability Lookup Result",
    Field.EXPLOIT_DB_URL: "Exploit Database Lookup URL",
    Field.EXPLOIT_DB_RESULT: "Exploit Database Lookup Result",
    Field.RECOMMENDATION: "Recommendation",
}
"""Row 3 of the standard layout, columns A to W (docs/workbook.md)."""

_OPENING = tuple(Field)[:5]
_REST = tuple(Field)[5:]
_LONGEST = 80
"""Characters; a longer text is a title or a remark, not a column header."""

_LINK = re.compile(r"pypi.*\b(?:links?|url)\b|^pypi$")
_EXACT = {text.casefold(): key for key, text in STANDARD_HEADERS.items() if not _LINK.search(text.casefold())}
_URL, _RESULT = r"(?=.*\b(?:urls?|links?)\b)", r"(?=.*\bresults?\b)"
_NOT_INSTALLED = (
    "available|date|fix(?:ed)?|history|links?|max(?:imum)?|min(?:imum)?|new(?:est)?|next|notes?|"
    "previous|python|recommended|released?|required|results?|safe|stable|target|urls?"
)
_NAMES = r"(?:python )?packages?|(?:package|library|module|project|component|distribution)(?: name)?|name"
_LOOSE: tuple[tuple[Field, re.Pattern[str]], ...] = tuple(
    (key, re.compile(pattern))
    for key, pattern in (
        (Field.INDEX, r"(?:#|no\.?|nr\.?|index|row)$"),
        (Field.LATEST_RELEASE_DATE, r"(?=.*\blatest\b)(?=.*\bdate\b)"),
        (Field.LATEST_VERSION, r"(?=.*\blatest\b)(?=.*\bversion\b)|latest$"),
        (Field.DATE_PUBLISHED, r".*\b(?:date published|publish(?:ed)? date|release date)\b|published$"),
        (Field.PACKAGE_NAME, rf".*\bpackage name\b|(?:{_NAMES})$"),
        (Field.CURRENT_VERSION, rf"(?!.*\b(?:{_NOT_INSTALLED})\b).*\bversion\b"),
        (Field.REQUIRES, r"(?!.*python).*\brequires\b|(?:requirements|dependencies)$"),
        (Field.DEVELOPMENT_STATUS, r".*\b(?:development|dev) status\b"),
        (Field.GITHUB_ADVISORY_RESULT, rf"(?=.*github)(?=.*advisor){_RESULT}"),
        (Field.GITHUB_ADVISORY_URL, rf"(?=.*github)(?=.*advisor){_URL}"),
        (Field.GITHUB_URL, rf"(?!.*advisor)(?=.*github)(?:{_URL}|(?:.*\brepo(?:sitory)?)?$)|github$"),
        (Field.NIST_NVD_RESULT, rf"(?=.*\b(?:nvd|nist)\b){_RESULT}"),
        (Field.NIST_NVD_URL, rf"(?=.*\b(?:nvd|nist)\b){_URL}"),
        (Field.MITRE_CVE_RESULT, rf"(?=.*\bmitre\b){_RESULT}"),
        (Field.MITRE_CVE_URL, rf"(?=.*\bmitre\b){_URL}"),
        (Field.SNYK_RESULT, rf"(?=.*\bsnyk\b){_RESULT}"),
        (Field.SNYK_URL, rf"(?=.*\bsnyk\b){_URL}"),
        (Field.EXPLOIT_DB_RESULT, rf"(?=.*\bexploit){_RESULT}"),
        (Field.EXPLOIT_DB_URL, rf"(?=.*\bexploit){_URL}"),
        (Field.NOTES, r"(?!.*release).*\bnotes?\b"),
        (Field.RECOMMENDATION, r".*\brecommendations?\b"),
    )
)


def column_index(letters: str) -> int:
    """0 for "A", 25 for "Z", 26 for "AA"; any case. ValueError when it is not a column of Excel (A to XFD)."""
    if not re.fullmatch(r"[A-Za-z]{1,3}", letters):
        raise ValueError(letters)
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    if number > 16_384:  # noqa: PLR2004 - Excel's last column, XFD
        raise ValueError(letters)
    return number - 1


def column_letter(index: int) -> str:
    """The reverse of `column_index`."""
    letters = ""
    number = index + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def match_headers(cells: Sequence[object]) -> dict[Field, str]:
    """Column letters by field for one header row, given as its cell values from column A on.

    Standard texts win over similar ones, left wins over right, and no column serves two fields. The two PyPi
    Links columns are told apart by the word "latest", else by their order. Where columns A to E carry the
    standard headers, the row is at least 23 columns wide and no known header stands elsewhere, the standard
    letters stand in for headers that are blank, and for unknown ones while most of F to W are unknown: with
    most of them known, an unknown header is a column that somebody gave another use.
    """
    texts = [_normal(cell) for cell in cells]
    known = list(_recognised(texts))
    found = {key: index for index, key in reversed(known)}
    found |= _pypi_links(texts, found)
    found |= _by_position(texts, found, {index for index, _ in known})
    return {key: column_letter(found[key]) for key in Field if key in found}


def _normal(cell: object) -> str:
    text = " ".join(clean_text(shown_text(cell)).casefold().replace("_", " ").split())
    return text if len(text) <= _LONGEST else ""


def _recognised(texts: Sequence[str]) -> Iterator[tuple[int, Field]]:
    """Every column with a known header, best evidence first: standard texts, then similar ones, left to right."""
    for index, text in enumerate(texts):
        if text in _EXACT:
            yield index, _EXACT[text]
    for index, text in enumerate(texts):
        if text and text not in _EXACT and not _LINK.search(text):
            key = next((key for key, pattern in _LOOSE if pattern.match(text)), None)
            if key:
                yield index, key


def _pypi_links(texts: Sequence[str], found: Mapping[Field, int]) -> dict[Field, int]:
    columns = [index for index, text in enumerate(texts) if _LINK.search(text)]
    latest = [index for index in columns if "latest" in texts[index]]
    plain = [index for index in columns if index not in latest]
    if not latest:
        # A single column beyond the latest version's belongs to that version.
        border = found.get(Field.LATEST_VERSION, len(texts))
        latest = plain[1:] or [index for index in plain if index > border]
        plain = [index for index in plain if index not in latest]
    links = {Field.PYPI_CURRENT_LINK: plain[:1], Field.PYPI_LATEST_LINK: latest[:1]}
    return {key: indexes[0] for key, indexes in links.items() if indexes}


def _by_position(texts: Sequence[str], found: Mapping[Field, int], known: set[int]) -> dict[Field, int]:
    standard = {key: index for index, key in enumerate(Field)}
    displaced = any(standard[key] != index for key, index in found.items())
    if displaced or len(texts) < len(standard) or any(key not in found for key in _OPENING):
        return {}
    mostly_unknown = sum(key in found for key in _REST) < len(_REST) / 2
    missing = {key: standard[key] for key in _REST if key not in found}
    free = (item for item in missing.items() if item[1] not in known)
    return {key: index for key, index in free if mostly_unknown or not texts[index]}
