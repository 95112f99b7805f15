"""What surrounds the rows of a worksheet: used range, column formats, merges, and the ranges that grow with new rows.

Sources: ECMA-376-1, 18.3.1.99 worksheet (order of its children), 18.3.1.35 dimension, 18.3.1.13 col,
18.3.1.55 mergeCells, 18.3.1.18 conditionalFormatting, 18.3.1.33 dataValidations; the x14 forms: [MS-XLSX] 2.6.
"""

from collections.abc import Iterator

from tasks.workbook.areas import Area, area_of, areas_of
from tasks.workbook.plan import Findings, Plan
from tasks.workbook.splicer import Splicer
from tasks.workbook.xmltree import main_name, set_attribute

__all__ = ["SheetFrame"]

_X14 = "http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"
_XM = "http://schemas.microsoft.com/office/excel/2006/main"
_GROWING = {"autoFilter": "ref", "conditionalFormatting": "sqref", "dataValidation": "sqref", "sortState": "ref"}
_X14_OWNERS = ("x14 conditionalFormatting", "x14 dataValidation")


class SheetFrame:
    """Notes what lies outside the rows and widens what has to cover the changed cells."""

    def __init__(self, plan: Plan, splicer: Splicer, findings: Findings) -> None:
        self._plan = plan
        self._splicer = splicer
        self._findings = findings
        self._column_styles: list[tuple[int, int, int]] = []
        self._path: list[str] = []
        self._list_start: int | None = None
        self._list_text: list[str] = []

    def column_style(self, column: int) -> int:
        """The format of new cells in that column where the row has none of its own."""
        return next((style for first, last, style in self._column_styles if first <= column <= last), 0)

    def start(self, qualified: str, attributes: dict[str, str], place: int) -> None:
        """An element outside the rows begins at that byte."""
        namespace, name = main_name(qualified)
        self._path.append(name if namespace != _X14 else f"x14 {name}")
        if name == "col":
            self._note_column(attributes)
        elif name == "mergeCell":
            self._findings.merges += _readable(attributes.get("ref", ""))
        elif name == "dimension":
            self._widen(attributes, place)
        elif name == "autoFilter" and len(self._path) == 2:  # noqa: PLR2004 - the sheet's own, not a custom view's
            self._findings.filter_area = next(_readable(attributes.get("ref", "")), None)
        if self._plan.extension is None:
            return
        if name in _GROWING and namespace not in (_X14, _XM) and not self._in_custom_view:
            self._grow(attributes, _GROWING[name], place)
        elif namespace == _XM and name == "sqref" and self._path[-2] in _X14_OWNERS:
            self._list_start = self._splicer.tag_end(place)

    @property
    def _in_custom_view(self) -> bool:
        # A custom view keeps the filter as it was when the view was saved.
        return "customSheetViews" in self._path

    def characters(self, text: str) -> None:
        """Text outside the rows; only that of an x14 list of ranges matters."""
        if self._list_start is not None:
            self._list_text.append(text)

    def end(self, place: int) -> None:
        """The element begun last ends; place is where its closing tag begins."""
        self._path.pop()
        if self._list_start is None:
            return
        old = "".join(self._list_text)
        new = self._grown(old)
        if new != old:
            self._splicer.replace(self._list_start, place, new.encode())
        self._list_start = None
        self._list_text.clear()

    def _note_column(self, attributes: dict[str, str]) -> None:
        numbers = [attributes.get(name, "0") for name in ("min", "max", "style")]
        if all(number.isdecimal() for number in numbers):
            first, last, style = map(int, numbers)
            self._column_styles.append((first, last, style))

    def _widen(self, attributes: dict[str, str], place: int) -> None:
        plan = self._plan
        present = next(_readable(attributes.get("ref", "")), None)
        written = [index for index in range(len(plan)) if plan.is_written(index)]
        if present is None or not written:
            return
        columns = set(map(plan.column, written))
        wanted = present.around(Area(plan.row(written[0]), min(columns), plan.row(written[-1]), max(columns)))
        if wanted != present:
            self._set(place, "ref", str(wanted))

    def _grow(self, attributes: dict[str, str], name: str, place: int) -> None:
        old = attributes.get(name, "")
        new = self._grown(old)
        if new != old:
            self._set(place, name, new)

    def _grown(self, references: str) -> str:
        extension = self._plan.extension
        try:
            areas = list(areas_of(references))
        except ValueError:
            return references
        grown = [extension.of(area) for area in areas] if extension else areas
        return " ".join(map(str, grown)) if grown != areas else references

    def _set(self, place: int, name: str, value: str) -> None:
        end = self._splicer.tag_end(place)
        self._splicer.replace(place, end, set_attribute(self._splicer.slice(place, end), name, value))


def _readable(reference: str) -> Iterator[Area]:
    """The area of a reference, nothing where it is none: such a range cannot hold anything either."""
    try:
        yield area_of(reference)
    except ValueError:
        return
