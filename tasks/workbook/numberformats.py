"""Number formats: which codes show a date, and the codes that have fixed ids (ECMA-376-1, 18.8.30 numFmt)."""

import re

__all__ = ["BUILTIN_CODES", "FIRST_CUSTOM_ID", "is_date_code", "is_date_id"]

BUILTIN_CODES = {
    0: "General",
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    12: "# ?/?",
    13: "# ??/??",
    49: "@",
}
"""The fixed ids that mean the same in every language; the date ids 14 to 22 follow the reader's locale."""

FIRST_CUSTOM_ID = 164

_DATE_IDS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
_NOT_CODE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]|General', re.IGNORECASE)
_DATE_LETTER = re.compile(r"[ymdhs]", re.IGNORECASE)


def is_date_id(identifier: int) -> bool:
    """True for the fixed ids that show a date or a time, East Asian ones included."""
    return identifier in _DATE_IDS


def is_date_code(code: str) -> bool:
    """True where a custom code shows a date or a time; quoted and escaped letters and colours do not count."""
    first = code.partition(";")[0]
    return bool(_ELAPSED.search(first) or _DATE_LETTER.search(_NOT_CODE.sub("", first)))
