"""How cells look now: fill, font colour and weight, read from a sheet and the styles part without loading either whole.

Sources: ECMA-376-1, 18.3.1.4 c (s, the index into cellXfs), 18.8.10 cellXfs, 18.8.21 fills, 18.8.23 fonts.
Conditional formats are left out: they lie over a cell's own look and come and go with its value.
"""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

from tasks.errors import InputError
from tasks.workbook import fontsandfills as raw
from tasks.workbook.areas import cell_key, cell_of
from tasks.workbook.package import Package, open_package
from tasks.workbook.xmltree import MAIN, Element, main_name, parse, safe_parser

__all__ = ["Look", "looks_of"]

_ROW_DEPTH, _CELL_DEPTH = 2, 3
_NO_STYLES = f'<styleSheet xmlns="{MAIN}"/>'.encode()


@dataclass(frozen=True, slots=True)
class Look:
    """A cell's own look; colours are RRGGBB, None for none, for a theme's colour and for a fill that is not solid."""

    fill: str | None = None
    font: str | None = None
    bold: bool = False


def looks_of(path: Path, sheet: str, cells: Set[str]) -> dict[str, Look]:
    """The looks of those cells ("M4"), by name; a cell that the sheet does not hold is left out.

    InputError where the file cannot be read or has no such sheet, ValueError for a name that is no cell.
    Memory is one chunk and one entry per cell asked for.
    """
    names = {cell_key(*cell_of(name)): name for name in cells}
    with open_package(path) as package:
        formats = _Formats(package)
        part = package.sheet_part(sheet)
        found = _Styles(package.where(part), names.keys()).read(package.stream(part))
        return {names[key]: formats.look(style) for key, style in found}


class _Formats:
    """The looks of the workbook's cell formats by index, each worked out once."""

    def __init__(self, package: Package) -> None:
        part = next(iter(package.related(package.workbook_part, "styles")), None)
        root = package.tree(part) if part else parse(_NO_STYLES, package.where("styles"))
        self._formats = _items(root, "cellXfs", "xf")
        self._fonts = _items(root, "fonts", "font")
        self._fills = _items(root, "fills", "fill")
        self._looks: dict[str, Look] = {}

    def look(self, index: str) -> Look:
        """The look of that format; a plain one where there is no such format."""
        known = self._looks.get(index)
        if known is None:
            known = self._looks[index] = self._worked_out(index)
        return known

    def _worked_out(self, index: str) -> Look:
        cell_format = _item(self._formats, index)
        if cell_format is None:
            return Look()
        font = _item(self._fonts, cell_format.get("fontId", "0"))
        fill = _item(self._fills, cell_format.get("fillId", "0"))
        return Look(
            fill=raw.fill_colour(fill) if fill else None,
            font=raw.font_colour(font) if font else None,
            bold=font is not None and raw.font_bold(font),
        )


def _items(root: Element, section: str, name: str) -> list[Element]:
    found = root.first(section)
    return list(found.all(name)) if found else []


def _item(items: list[Element], index: str) -> Element | None:
    return items[int(index)] if index.isdecimal() and int(index) < len(items) else None


class _Styles:
    """Picks the format indices of some cells out of a sheet while it flows by."""

    def __init__(self, where: str, wanted: Set[int]) -> None:
        self._where = where
        self._wanted = wanted
        self._found: list[tuple[int, str]] = []
        self._row = self._column = self._depth = 0
        self._in_data = False
        self._parser = safe_parser(where)
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def read(self, chunks: Iterator[bytes]) -> Iterator[tuple[int, str]]:
        """Key and format index of each wanted cell the sheet holds; "0" where a cell states none."""
        try:
            for chunk in chunks:
                self._parser.Parse(chunk, False)
                yield from self._found
                self._found.clear()
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            message = f"{self._where} is not well-formed XML ({error}); open the file in Excel and save it again"
            raise InputError(message) from error

    def _start(self, qualified: str, attributes: dict[str, str]) -> None:
        depth, self._depth = self._depth, self._depth + 1
        if depth == 1:
            self._in_data = main_name(qualified) == (MAIN, "sheetData")
        elif self._in_data and depth == _ROW_DEPTH:
            own = attributes.get("r", "")
            self._row, self._column = int(own) if own.isdecimal() else self._row + 1, 0
        elif self._in_data and depth == _CELL_DEPTH:
            self._cell(attributes)

    def _cell(self, attributes: dict[str, str]) -> None:
        reference = attributes.get("r")
        try:
            row, self._column = cell_of(reference) if reference else (self._row, self._column + 1)
        except ValueError as error:
            raise InputError(f"{self._where}: row {self._row} holds a cell named {reference!r}") from error
        if (key := cell_key(row, self._column)) in self._wanted:
            self._found.append((key, attributes.get("s", "0")))

    def _end(self, _qualified: str) -> None:
        self._depth -= 1
