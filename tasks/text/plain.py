"""Plain text of reports: one line a fact, whatever the texts from outside hold."""

import re
from collections.abc import Iterable, Iterator

__all__ = ["counted", "one_line", "section"]

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\U000e0000-\U000e007f]"
)
"""Control characters, marks that turn writing round or cannot be seen, and lone surrogates."""

_WRITTEN = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_BLANKS = "  "


def one_line(text: str, limit: int = 1_000) -> str:
    """The text on one line of at most limit characters; line ends and marks are written out (\\n)."""
    cut = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return _UNSAFE.sub(lambda match: _WRITTEN.get(match[0], f"\\u{ord(match[0]):04x}"), cut)


def counted(number: int, one: str, many: str | None = None) -> str:
    """ "1 cell", "2 cells"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def section(title: str, lines: Iterable[str]) -> Iterator[str]:
    """A titled part of a report, its lines indented, a blank line before it; nothing at all without lines."""
    for place, line in enumerate(lines):
        if not place:
            yield from ("", title, "-" * len(title))
        yield f"{_BLANKS}{line}"
