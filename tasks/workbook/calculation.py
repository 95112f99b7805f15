"""What Excel needs to recalculate: the calculation chain without cells that lost their formula, and a full
calculation when the workbook is opened.

Sources: ECMA-376-1, 18.6.1 c and 18.6.2 calcChain, 18.2.2 calcPr (fullCalcOnLoad), 18.2.27 workbook (order).
"""

import re
from collections.abc import Iterable

from tasks.workbook.areas import cell_key, cell_of
from tasks.workbook.xmltree import Edit, Element, apply_edits, parse, prefix_of, set_attribute

__all__ = ["full_calculation_edits", "has_formula", "without_cells"]

_FORMULA = re.compile(rb"<(?:[\w.-]+:)?f[\s/>]")
_OVERLAP = 64
_BEFORE_CALCULATION = ("sheets", "functionGroups", "externalReferences", "definedNames")


def has_formula(chunks: Iterable[bytes]) -> bool:
    """True where a worksheet's bytes hold a formula; a comment that looks like one counts, which harms nothing."""
    tail = b""
    for chunk in chunks:
        window = tail + chunk
        if _FORMULA.search(window):
            return True
        tail = window[-_OVERLAP:]
    return False


def full_calculation_edits(data: bytes, workbook: Element) -> list[Edit]:
    """The edits of the workbook part that make Excel recalculate on opening; none where it already says so."""
    present = workbook.first("calcPr")
    if present is not None:
        if present.get("fullCalcOnLoad") in ("1", "true", "on"):
            return []
        tag = set_attribute(data[present.start : present.open_end], "fullCalcOnLoad", "1")
        return [(present.start, present.open_end, tag)]
    place = max(child.end for child in workbook.children if child.name in _BEFORE_CALCULATION)
    prefix = prefix_of(data, workbook.start)
    return [(place, place, f'<{prefix}calcPr fullCalcOnLoad="1"/>'.encode())]


def without_cells(data: bytes, where: str, sheet_id: str, keys: Iterable[int]) -> bytes | None:
    """The calculation chain without those cells of that sheet; None where no entry is left, so the part must go.

    An entry without a sheet number belongs to the sheet of the entry before it, so numbers are handed on.
    """
    gone = set(keys)
    edits: list[Edit] = []
    sheet = handed_on = ""
    root = parse(data, where)
    entries = list(root.all("c"))
    for entry in entries:
        stated = entry.get("i")
        sheet = stated or sheet
        # Without any number an entry may be of this sheet, and a stale entry makes Excel repair the file.
        if sheet in (sheet_id, "") and _key(entry.get("r")) in gone:
            edits.append((entry.start, entry.end, b""))
            continue
        if not stated and handed_on != sheet:
            tag = set_attribute(data[entry.start : entry.open_end], "i", sheet)
            edits.append((entry.start, entry.open_end, tag))
        handed_on = sheet
    removed = sum(1 for edit in edits if not edit[2])
    return apply_edits(data, edits) if removed < len(entries) or not removed else None


def _key(reference: str) -> int | None:
    try:
        return cell_key(*cell_of(reference))
    except ValueError:
        return None
