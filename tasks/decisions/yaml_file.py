"""Decisions out of a YAML (or JSON) file: a list of mappings, or that list under the key `decisions`.

Every value is taken as the text that stands in the file, so that no date, number or anchor is made into anything else.
"""

from collections.abc import Iterator
from pathlib import Path

import yaml

from tasks.decisions.interface import MAX_ROWS, RawRow
from tasks.errors import InputError

__all__ = ["YamlDecisions"]

_MAX_BYTES = 4 << 20
_LIST_KEY = "decisions"
_NULL = "tag:yaml.org,2002:null"


class YamlDecisions:
    """The decisions of one file; a row's place is FILE:LINE."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def rows(self) -> Iterator[RawRow]:
        """One row per list element; InputError for a file that cannot be read or holds no such list."""
        elements = _elements(_composed(self._path), self._path)
        if len(elements) > MAX_ROWS:
            raise InputError(f"{self._path}: more than {MAX_ROWS:,} decisions; split the file by workbook")
        return (self._row(node) for node in elements)

    def _row(self, node: yaml.Node) -> RawRow:
        place = f"{self._path}:{node.start_mark.line + 1}"
        if not isinstance(node, yaml.MappingNode):
            return RawRow(
                place, problem="is not a decision; write 'package: NAME' and the other fields below each other"
            )
        cells: dict[str, str] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or not isinstance(value, yaml.ScalarNode):
                return RawRow(place, problem="holds a list or mapping where a text belongs; write one value per field")
            if key.value in cells:
                return RawRow(place, problem=f"{key.value[:60]} is given twice; keep one")
            cells[key.value] = "" if value.tag == _NULL else value.value
        return RawRow(place, cells)


def _composed(path: Path) -> yaml.Node | None:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path}: larger than {_MAX_BYTES >> 20} MiB; this is not a file of decisions")
        node: yaml.Node | None = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give an existing file to --decisions") from error
    # ValueError: bytes that are no text.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise InputError(f"{path}{line}: not YAML or JSON; mend the file, see docs/decisions.md") from error
    return node


def _elements(node: yaml.Node | None, path: Path) -> list[yaml.Node]:
    if node is None:
        return []
    if isinstance(node, yaml.MappingNode):
        named = [value for key, value in node.value if getattr(key, "value", None) == _LIST_KEY]
        if len(named) != 1 or len(node.value) != 1:
            raise InputError(f"{path}: holds something other than 'decisions:' and a list; see docs/decisions.md")
        node = named[0]
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    if node.tag == _NULL:
        return []
    raise InputError(f"{path}: holds no list of decisions; see docs/decisions.md")
