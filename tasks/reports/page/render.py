"""From a view to the page: templates with escaping always on, and a policy that lets the page load nothing at all."""

import base64
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tasks.reports.page.links import advisory_url, file_url, project_url, repository_url
from tasks.text.plain import one_line

__all__ = ["render"]

_TEMPLATES = Path(__file__).parent / "templates"
_PIECE = 1 << 16


def render(template: str, **view: Any) -> Iterator[str]:
    """The page piece by piece; texts of the view are escaped, and marks that turn writing round are written out."""
    style, script = _resource("page.css"), _resource("page.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )
    own = {"style": Markup(style), "script": Markup(script), "policy": policy}  # noqa: S704  our own files
    yield from _joined(_environment().get_template(template).generate(**view, **own))


def _joined(pieces: Iterator[str]) -> Iterator[str]:
    """The same text in fewer and larger pieces."""
    held: list[str] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _PIECE:
            yield "".join(held)
            held, size = [], 0
    yield "".join(held)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    made.globals.update(
        advisory_url=advisory_url, project_url=project_url, repository_url=repository_url, file_url=file_url
    )
    made.filters["number"] = lambda value: value if isinstance(value, str) else f"{value:,}"
    return made


def _finalize(value: object) -> object:
    return one_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _resource(name: str) -> str:
    return (_TEMPLATES / name).read_text("utf-8")


def _hash(text: str) -> str:
    """The hash of an inline element as Content Security Policy Level 3 wants it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
