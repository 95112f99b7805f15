"""Text from outside in artifacts: shown as it is, never markup, never a link, bounded."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from flows.story.pieces import MOST_ROWS, MarkdownPiece, bullets, escaped, key_for, shortened, table_of

_RENDERER = MarkdownIt("gfm-like", {"linkify": False, "html": True})


def rendered(text: str) -> list[str]:
    """The kinds of tokens that a markdown renderer sees in a list item with this text."""
    found = _RENDERER.parse(f"- x {escaped(text)}")
    return [child.type for token in found for child in token.children or ()]


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=alert(1)>",
        "[click](javascript:alert(1))",
        "![x](http://e/x.png)",
        "`code` **bold** _em_ ~~gone~~",
        "<https://evil.example>",
        "a | b",
        "&lt;script&gt;",
        "\\<b>",
    ],
)
def test_hostile_text_is_text(text: str) -> None:
    assert set(rendered(text)) <= {"text", "text_special"}
    shown = "".join(child.content for token in _RENDERER.parse(f"x {escaped(text)}") for child in token.children or ())
    assert shown == f"x {text}"


@given(st.text(max_size=60))
def test_any_text_is_text(text: str) -> None:
    assert set(rendered(text)) <= {"text", "text_special"}


@pytest.mark.parametrize("address", ["https://evil.example/x", "www.evil.example", "a@evil.example", "ftp://e/x"])
def test_no_bare_address_stays_whole(address: str) -> None:
    # GitHub Flavored Markdown 6.9: these become links where they stand unbroken.
    assert "\\" in escaped(address)
    assert escaped(address).replace("\\", "") == address


def test_text_is_one_short_line() -> None:
    assert shortened("a\r\n\tb\x00c\u2028d") == "a b c d"
    assert len(escaped("x" * 10_000)) == 300
    assert shortened("\ud800") == "?"
    assert shortened("a\u202eb\u200bc") == "a\\u202eb\\u200bc"


def test_tables_and_lists_say_how_much_is_left_out() -> None:
    table = table_of("k", "findings", [{"Package": "p"}] * (MOST_ROWS + 1))
    assert len(table.rows) == MOST_ROWS
    assert table.title == f"{MOST_ROWS + 1} findings, the first {MOST_ROWS} shown"
    wide = table_of("k", "findings", [{"Package": "p" * 300, "Why": "\u20ac" * 300}] * 400)
    assert 100 < len(wide.rows) < 400
    assert wide.title == f"400 findings, the first {len(wide.rows)} shown"
    assert list(bullets(["a", "b", "c"], most=2)) == ["- a", "- b", "- … and 1 more"]


@given(st.text())
def test_keys_are_what_prefect_takes(subject: str) -> None:
    key = key_for("scan-summary", subject)
    assert set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert len(key) < 80


def test_different_subjects_have_different_keys() -> None:
    assert key_for("k", "a.xlsx") != key_for("k", "A.xlsx")
    assert MarkdownPiece(key_for("k", str(Path("ü"))), "t", "x").key != key_for("k", "ö")
