"""YAML as strings, lists and mappings, built from the parser's events.

Built here and not by the library's own loader because that recurses in C and dies on deep nesting. Tags, types and
merge keys mean nothing here (`1.10` stays "1.10", null is ""), so no object can be made; depth and aliases are bounded.
Source of the rules: https://yaml.org/spec/1.1/.
"""

from collections.abc import Iterable
from typing import Any

import yaml

__all__ = ["MOST_VALUES", "YamlRefused", "build_documents"]

MOST_VALUES = 5_000_000
"""Values of one document of any kind: some 100 bytes each in memory; lockfiles of 60 MB hold a million."""

_DEPTH = 200
_ALIASES = 1000
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class YamlRefused(ValueError):
    """The document is valid YAML and still not read: the message says which bound it crosses."""


class _Builder:
    def __init__(self) -> None:
        self.documents: list[Any] = []
        self._open: list[Any] = []
        self._keys: list[str | None] = []
        self._anchors: dict[str, Any] = {}
        self._aliases = 0
        self._left = MOST_VALUES

    def take(self, event: Any) -> None:
        self._left -= 1
        if self._left < 0:
            raise YamlRefused(f"more than {MOST_VALUES:,} values")
        match event:
            case yaml.ScalarEvent():
                self._place(event.value, event.anchor)
            case yaml.SequenceStartEvent():
                self._enter([], event.anchor)
            case yaml.MappingStartEvent():
                self._enter({}, event.anchor)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._open.pop()
                self._keys.pop()
            case yaml.AliasEvent():
                self._alias(event.anchor)
            case _:
                pass

    def _alias(self, anchor: str | None) -> None:
        self._aliases += 1
        if self._aliases > _ALIASES or anchor not in self._anchors:
            raise YamlRefused(f"more than {_ALIASES} aliases, or one that names nothing: *{anchor}")
        self._place(self._anchors[anchor or ""], None)

    def _enter(self, container: Any, anchor: str | None) -> None:
        if len(self._open) >= _DEPTH:
            raise YamlRefused(f"nested deeper than {_DEPTH} levels")
        self._place(container, anchor)
        self._open.append(container)
        self._keys.append(None)

    def _place(self, value: Any, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = value
        if not self._open:
            self.documents.append(value)
        elif isinstance(self._open[-1], list):
            self._open[-1].append(value)
        elif self._keys[-1] is None:
            self._keys[-1] = _key(value)
        else:
            self._open[-1][self._keys[-1]] = value
            self._keys[-1] = None


def _key(value: Any) -> str:
    if not isinstance(value, str):
        raise YamlRefused("a mapping has a key that is not text")
    return value


def build_documents(text: str) -> list[Any]:
    """Every document of the text. Raises YamlRefused at a bound and yaml.YAMLError where it is no YAML."""
    builder = _Builder()
    events: Iterable[Any] = yaml.parse(text, Loader=_LOADER)
    for event in events:
        builder.take(event)
    return builder.documents
