"""Writing GraphQL literals and REST paths so that no name can become syntax."""

import json
from urllib.parse import quote

__all__ = ["literal", "segment", "sendable"]


def literal(text: str) -> str:
    """A GraphQL string literal; its escapes are those of JSON (spec.graphql.org, String Value)."""
    return json.dumps(text, ensure_ascii=False)


def segment(text: str, *, slashes: bool = False) -> str:
    """Text as one segment of a path, or with slashes as several."""
    return quote(text, safe="/" if slashes else "")


def sendable(text: str) -> bool:
    """Whether the text can be sent as UTF-8 at all: a path that git holds in another encoding may not be."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
