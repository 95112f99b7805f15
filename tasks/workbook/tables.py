"""Tables, pivot tables and filters of a sheet: where nothing may be written, and what grows with new rows.

Sources: ECMA-376-1, 18.5.1.2 table (headerRowCount, totalsRowCount), 18.10.1.49 location, 18.2.5 definedName.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tasks.errors import InputError, MergeRefused
from tasks.workbook.areas import LAST_ROW, Area, area_of, cell_name
from tasks.workbook.package import Package
from tasks.workbook.plan import Extension
from tasks.workbook.xmltree import Edit, Element, apply_edits, parse, set_attribute

__all__ = ["Guard", "Table", "filter_name_edits", "grown_table", "guards_of", "pivots_of", "tables_of"]

_FILTER_NAME = "_xlnm._FilterDatabase"
_RANGE_AT_END = re.compile(r"\$?[A-Z]{1,3}\$?\d{1,7}:\$?[A-Z]{1,3}\$?\d{1,7}$")
_RANGED = ("table", "autoFilter", "sortState", "sortCondition")


@dataclass(frozen=True, slots=True)
class Guard:
    """An area in which no cell may change, and what it is."""

    area: Area
    what: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the sheet: its part, its whole area, how many rows are headers and how many totals."""

    part: str
    name: str
    area: Area
    headers: int
    totals: int


def tables_of(package: Package, sheet_part: str) -> tuple[Table, ...]:
    """The tables of a sheet; InputError where a table part cannot be read."""
    return tuple(_table(package, part) for part in package.related(sheet_part, "table"))


def pivots_of(package: Package, sheet_part: str) -> Iterator[Guard]:
    """The areas of the sheet's pivot tables, which a refresh would overwrite."""
    for part in package.related(sheet_part, "pivotTable"):
        location = package.tree(part).first("location")
        if location is not None:
            yield Guard(_stated_area(location, package.where(part)), "a pivot table")


def guards_of(tables: tuple[Table, ...]) -> Iterator[Guard]:
    """Header cells, whose texts are the columns' names, and totals rows."""
    for table in tables:
        area = table.area
        if table.headers:
            last = area.top + table.headers - 1
            yield Guard(Area(area.top, area.left, last, area.right), f"the header of table {table.name}")
        if table.totals:
            first = area.bottom - table.totals + 1
            yield Guard(Area(first, area.left, area.bottom, area.right), f"the totals row of table {table.name}")


def grown_table(data: bytes, where: str, extension: Extension) -> bytes:
    """The table part with its area, filter and sorting down to the last new row."""
    edits: list[Edit] = []
    for element in parse(data, where).walk():
        if element.name in _RANGED and element.get("ref"):
            old = _stated_area(element, where)
            if (new := extension.of(old)) != old:
                tag = set_attribute(data[element.start : element.open_end], "ref", str(new))
                edits.append((element.start, element.open_end, tag))
    return apply_edits(data, edits)


def refuse_collision(table: Table, others: list[Guard], extension: Extension, where: str) -> None:
    """MergeRefused where a table cannot grow because its totals row or something else is in the way."""
    grown = extension.of(table.area)
    if table.totals and table.area.bottom == extension.last:
        raise MergeRefused(f"{where}: row {extension.last} is the totals row of table {table.name}; name the row above")
    added = Area(table.area.bottom + 1, grown.left, grown.bottom, grown.right)
    found = next((other for other in others if other.area.meets(added)), None)
    if found is not None:
        raise MergeRefused(f"{where}: table {table.name} cannot grow to {grown}: {found.what} is at {found.area}")


def filter_name_edits(data: bytes, workbook: Element, sheet_index: int, extension: Extension) -> list[Edit]:
    """The edits of the workbook part that let the sheet's hidden filter name cover the new rows."""
    names = workbook.first("definedNames")
    edits: list[Edit] = []
    for name in names.all("definedName") if names else ():
        if name.get("name") != _FILTER_NAME or name.get("localSheetId") != str(sheet_index):
            continue
        match = _RANGE_AT_END.search(name.text)
        old = area_of(match[0]) if match else None
        if match and old and (new := extension.of(old)) != old:
            start = name.close_start - len(match[0])
            if data[start : name.close_start] == match[0].encode():
                edits.append((start, name.close_start, _fixed(new).encode()))
    return edits


def _stated_area(element: Element, where: str) -> Area:
    try:
        return area_of(element.get("ref"))
    except ValueError as error:
        raise InputError(f"{where}: {error}; open the file in Excel and save it again") from error


def _table(package: Package, part: str) -> Table:
    root, where = package.tree(part), package.where(part)
    counts = root.get("headerRowCount", "1"), root.get("totalsRowCount", "0")
    headers, totals = (int(count) if count.isdecimal() else 1 for count in counts)
    name = root.get("displayName") or root.get("name")
    return Table(part, name, _stated_area(root, where), headers, totals)


def _fixed(area: Area) -> str:
    first, second = cell_name(area.top, area.left), cell_name(min(area.bottom, LAST_ROW), area.right)
    return ":".join(re.sub(r"([A-Z]+)(\d+)", r"$\1$\2", name) for name in (first, second))
