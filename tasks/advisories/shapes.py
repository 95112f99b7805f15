"""Typed access to decoded JSON from outside: every value is what its place asks for, absent, or an error."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tasks.errors import SourceAnswerInvalid

__all__ = ["Shape"]

_LONGEST_ID = 100
_NAMELESS = "record without id"


@dataclass(frozen=True, slots=True)
class Shape:
    """A JSON object with the record it belongs to and its place in it, for errors; raises SourceAnswerInvalid only."""

    value: Mapping[str, Any]
    record: str
    place: str = ""

    @classmethod
    def of(cls, record: object) -> "Shape":
        """The outermost object of an OSV record."""
        if not isinstance(record, Mapping):
            raise _wrong(_NAMELESS, "the record", "an object", record)
        name = record.get("id")
        return cls(record, f"advisory {name}" if _is_identifier(name) else _NAMELESS)

    def identifier(self, key: str) -> str:
        """A required name: 1 to 100 printable characters without white space."""
        name = self.value.get(key)
        if not isinstance(name, str) or not _is_identifier(name):
            raise _wrong(self.record, self._at(key), f"1 to {_LONGEST_ID} printable characters without space", name)
        return name

    def required(self, key: str) -> str:
        """Text that must be there and not be blank."""
        text = self.text(key)
        if not text.strip():
            raise _wrong(self.record, self._at(key), "text", None)
        return text

    def text(self, key: str) -> str:
        """Text; empty where absent or null."""
        value = self.value.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise _wrong(self.record, self._at(key), "text", value)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty where absent or null; nulls in it are left out."""
        items = [item for item in self._list(key) if item is not None]
        try:
            # The records of a project list the same versions over and over: one copy of each is held.
            return tuple(map(sys.intern, items))
        except TypeError:
            odd = next(item for item in items if not isinstance(item, str))
            raise _wrong(self.record, self._at(key), "a list of texts", odd) from None

    def shape(self, key: str) -> "Shape":
        """An object; empty where absent or null."""
        return self._shape(self.value.get(key), self._at(key))

    def shapes(self, key: str) -> Iterator["Shape"]:
        """A list of objects; empty where absent or null; nulls in it are left out."""
        for number, item in enumerate(self._list(key)):
            if item is not None:
                yield self._shape(item, f"{self._at(key)}[{number}]")

    def free(self, key: str) -> Mapping[str, Any]:
        """An object that the schema leaves to the database; empty where it is anything else."""
        value = self.value.get(key)
        return value if isinstance(value, Mapping) else {}

    def is_set(self, key: str) -> bool:
        """Whether a time stands there, or true, which `to_plain` writes for one."""
        return self.value.get(key) is True or (self.value.get(key) is not False and bool(self.text(key)))

    def _list(self, key: str) -> list[Any]:
        value = self.value.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise _wrong(self.record, self._at(key), "a list", value)
        return value

    def _shape(self, value: object, place: str) -> "Shape":
        if value is None:
            return Shape({}, self.record, place)
        if not isinstance(value, Mapping):
            raise _wrong(self.record, place, "an object", value)
        return Shape(value, self.record, place)

    def _at(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key


def _is_identifier(name: object) -> bool:
    # str.isprintable counts the plain space as printable; ids have none.
    return isinstance(name, str) and 0 < len(name) <= _LONGEST_ID and name.isprintable() and " " not in name


def _wrong(record: str, place: str, wanted: str, got: object) -> SourceAnswerInvalid:
    kind = "nothing" if got is None else type(got).__name__
    return SourceAnswerInvalid(f"{record}: {place} must be {wanted}, found {kind}; not used, sync or run again later")
