"""All decisions for one workbook: those of its sheet `Decisions`, and those of a file."""

from pathlib import Path

from tasks.decisions.checking import checked
from tasks.decisions.interface import DecisionPlace
from tasks.decisions.model import Decisions
from tasks.decisions.sheet import SheetDecisions
from tasks.decisions.yaml_file import YamlDecisions

__all__ = ["read_decisions"]


def read_decisions(workbook: Path, file: Path | None) -> Decisions:
    """The decisions of the file (None: no file) and of the workbook's sheet; rows that are none are refused one by one.

    InputError where the file cannot be used as a whole: it was named, so going on without it would be silent.
    """
    places: list[DecisionPlace] = [SheetDecisions(workbook)]
    if file is not None:
        places.insert(0, YamlDecisions(file))
    found = Decisions()
    for place in places:
        found += checked(place.rows())
    return found
