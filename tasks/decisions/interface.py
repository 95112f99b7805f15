"""Where decisions come from: each place yields its rows as texts; checking them is the same for all (`checking`)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

__all__ = ["MAX_ROWS", "DecisionPlace", "RawRow"]

MAX_ROWS = 20_000
"""Rows that one place may hold."""

Cell = str | date


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as it stands there, by field name as written; problem: it cannot be read at all."""

    place: str
    cells: Mapping[str, Cell] = field(default_factory=dict)
    problem: str | None = None


class DecisionPlace(Protocol):
    """A file or sheet with decisions."""

    def rows(self) -> Iterable[RawRow]:
        """Its rows in order; InputError, naming the place, where it cannot be used as a whole."""
        ...
