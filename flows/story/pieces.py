"""Artifacts as plain values, with text from outside that can be neither markup nor a link, and bounded in size."""

import hashlib
import html
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.text.plain import one_line

LARGEST = 400_000
"""Characters of one artifact: the server refuses more than 1 MB, and pages with more are slow."""

MOST_ROWS = 500
"""Rows of one table: more make the UI's page slow, and the report holds them all."""

_LONGEST = 300
_LONGEST_KEY = 40
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-!|~])")
_ADDRESS = re.compile(r"(?i)((?<=\w)(?=://)|(?<=www)(?=\.)|(?=@))")
_BLANKS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")

Row = Mapping[str, str]
"""One row of a table by column title; the first row's titles are the table's."""


@dataclass(frozen=True, slots=True)
class MarkdownPiece:
    """A page of text; `text` is markdown that this program wrote."""

    key: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class TablePiece:
    """A table; Prefect's UI renders its cells as markdown, so they are escaped."""

    key: str
    title: str
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class LinkPiece:
    """A file to open; `path` is absolute."""

    key: str
    title: str
    path: Path


Piece = MarkdownPiece | TablePiece | LinkPiece


def key_for(kind: str, subject: str) -> str:
    """An artifact's key (lower case letters, digits, dashes): one history per kind and subject.

    https://docs.prefect.io/v3/concepts/artifacts
    """
    slug = re.sub(r"[^a-z0-9]+", "-", subject.lower()).strip("-")[:_LONGEST_KEY]
    digest = hashlib.sha256(subject.encode(errors="surrogateescape")).hexdigest()[:8]
    return "-".join(filter(None, (kind, slug, digest)))


def shortened(text: object, longest: int = _LONGEST) -> str:
    """One line of at most `longest` characters, without control characters or marks that turn writing round."""
    line = _BLANKS.sub(" ", str(text).encode(errors="replace").decode()).strip()
    return one_line(line, longest)


def escaped(text: object, longest: int = _LONGEST) -> str:
    """Text as markdown that shows exactly this text: no markup, no HTML, no link."""
    plain = _MARKUP.sub(r"\\\1", shortened(text, longest))
    # Renderers make links of bare addresses too (GitHub Flavored Markdown 6.9), unless an escape stands inside.
    return _ADDRESS.sub(r"\1\\", html.escape(plain, quote=False))


def as_code(path: Path) -> str:
    """A path as markdown code, to be copied."""
    return "`" + "".join(letter for letter in str(path) if letter.isprintable() and letter != "`") + "`"


def figures_table(figures: Iterable[tuple[str, object]]) -> Iterator[str]:
    """The lines of a two-column markdown table."""
    yield "| Figure | Value |"
    yield "|---|---|"
    yield from (f"| {escaped(name)} | {escaped(value)} |" for name, value in figures)


def bullets(sentences: Sequence[str], most: int = 20) -> Iterator[str]:
    """The lines of a list, cut after `most` with the number of those left out."""
    yield from (f"- {escaped(sentence)}" for sentence in sentences[:most])
    if len(sentences) > most:
        yield f"- … and {len(sentences) - most} more"


def table_of(key: str, what: str, rows: Sequence[Row]) -> TablePiece:
    """A table of at most `MOST_ROWS` rows; the title says how many there are in all."""
    shown = _fitting([{name: escaped(text) for name, text in row.items()} for row in rows[:MOST_ROWS]])
    title = f"{len(rows):,} {what}" + (f", the first {len(shown)} shown" if len(rows) > len(shown) else "")
    return TablePiece(key, title, shown)


def _fitting(rows: Sequence[Row]) -> Sequence[Row]:
    """As many of the rows as one artifact holds."""
    sizes = itertools.accumulate(len(json.dumps(dict(row))) + 2 for row in rows)
    return rows[: sum(1 for size in sizes if size <= LARGEST)]
