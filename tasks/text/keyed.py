"""YAML and JSON in which no mapping names a key twice: of two values, parsers keep the last one without a word.

yaml.org/spec/1.2.2 (3.2.1.1) wants keys to be unique; RFC 8259 (section 4) says that they should be.
"""

import contextlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import yaml

__all__ = ["GivenTwice", "read_json", "read_keyed", "read_yaml"]

_MERGE = "tag:yaml.org,2002:merge"
_LONGEST_KEY = 60
_MOST_LETTERS = 1 << 20
"""Of a JSON text whose lines are looked up: YAML is read a hundred times slower."""


class GivenTwice(ValueError):
    """A mapping names a key twice; the text says which key and in which lines (from 1)."""


class _Repeated(Exception):
    """A JSON object names a key twice."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def read_keyed(text: str) -> Any:
    """JSON as JSON, since YAML refuses the tabs that JSON allows; anything else as YAML.

    Raises GivenTwice, yaml.YAMLError, ValueError or RecursionError.
    """
    if text.lstrip().startswith("{"):
        try:
            return read_json(text)
        except GivenTwice:
            raise
        except ValueError:
            pass  # YAML's own mappings in braces need no quotes
    return read_yaml(text)


def read_yaml(text: str) -> Any:
    """The first document of a YAML text, of plain types only; raises as `read_keyed`."""
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        _check(root)
        return loader.construct_document(root)
    finally:
        loader.dispose()


def read_json(text: str) -> Any:
    """A JSON text; ValueError where it is none, GivenTwice as the name says."""
    try:
        return json.loads(text, object_pairs_hook=_once)
    except _Repeated as repeated:
        if len(text) <= _MOST_LETTERS:
            # JSON's parser knows no lines. A tab in JSON stands only between tokens, where YAML takes a space.
            with contextlib.suppress(yaml.YAMLError):
                read_yaml(text.replace("\t", " "))
        raise GivenTwice(f"{repeated.key[:_LONGEST_KEY]} is given twice; keep one") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Repeated(next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1))
    return found


def _check(root: yaml.Node) -> None:
    for node in _mappings(root):
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
                line = key.start_mark.line + 1
                if key.value in lines:
                    raise GivenTwice(_words(key.value, lines[key.value], line))
                lines[key.value] = line


def _words(key: str, first: int, second: int) -> str:
    where = f"in line {first}" if first == second else f"in lines {first} and {second}"
    return f"{key[:_LONGEST_KEY]} is given twice, {where}; keep one"


def _mappings(root: yaml.Node) -> Iterator[yaml.MappingNode]:
    """Every mapping once, however many aliases name it."""
    seen, waiting = set[int](), [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield node
            waiting.extend(part for pair in node.value for part in pair)
        elif isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)
