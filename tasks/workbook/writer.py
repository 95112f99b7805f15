"""Writing into somebody's workbook: the one public entry is write_workbook().

The sheet's changed cells are spliced into its bytes, new cell formats are appended to the styles, and every
other part is copied as the compressed bytes it was. What cannot be written safely is refused by name.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfileobj
from typing import BinaryIO

from tasks.errors import InputError, MergeError, MergeRefused
from tasks.workbook.archive import part_key
from tasks.workbook.areas import first_key_inside, key_name
from tasks.workbook.calculation import full_calculation_edits, has_formula, without_cells
from tasks.workbook.celleditor import WritingContext
from tasks.workbook.model import CellUpdate
from tasks.workbook.package import CONTENT_TYPES, Package, Sheet, open_package, rels_part
from tasks.workbook.packing import PackedPart, write_archive
from tasks.workbook.plan import Findings, NewRow, Plan, plan_of
from tasks.workbook.sheetwriter import SheetWriter
from tasks.workbook.splicer import Spans
from tasks.workbook.strings import SharedStrings
from tasks.workbook.styles import EMPTY_STYLES, StyleBook
from tasks.workbook.tables import (
    Guard,
    filter_name_edits,
    grown_table,
    guards_of,
    pivots_of,
    refuse_collision,
    tables_of,
)
from tasks.workbook.xmltree import MAIN, STRICT_MAIN, Edit, apply_edits, parse, prefix_of

__all__ = ["NewRow", "WriteReport", "write_workbook"]

_MACRO_FREE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_NEW_STYLES = "styles.xml"


@dataclass(frozen=True, slots=True)
class WriteReport:
    """What was written: parts changed or added, parts dropped, cells changed, and where the sheet's bytes differ.

    Without any effective change all of it is empty and the target is a copy of the source, byte for byte.
    spans counts in the bytes of the sheet's part as UTF-8.
    """

    sheet_part: str
    changed_parts: tuple[str, ...]
    dropped_parts: tuple[str, ...]
    cells: int
    added_rows: int
    spans: Spans


def write_workbook(
    source: Path,
    target: Path,
    sheet: str,
    updates: Sequence[CellUpdate],
    new_rows: Sequence[NewRow] = (),
    *,
    after_row: int | None = None,
) -> WriteReport:
    """Write source with these cells changed to target, a fresh file that the caller puts in place afterwards.

    after_row is the last package row; new_rows take the rows below it, which must be blank. A cell that already
    holds its value and format stays as it is; with no effective change target is a byte-for-byte copy.
    MergeRefused names what cannot be written safely (and may leave an incomplete target), MergeError is raised
    where target cannot be written.
    """
    plan = plan_of(updates, new_rows, after_row)
    if target.exists() and source.exists() and target.samefile(source):
        raise MergeRefused(f"{target}: is the workbook itself; the new one has to be written beside it")
    try:
        with open_package(source) as package, target.open("wb") as file, ExitStack() as parts:
            report = _Merge(package, package.sheet(sheet), plan, parts).write(file)
            file.flush()
            return report
    except InputError as error:
        raise MergeRefused(str(error)) from error
    except OSError as error:
        reason = error.strerror or error
        raise MergeError(f"{target}: cannot be written ({reason}); the workbook was not changed") from error


class _LazyStrings:
    """Reads the shared strings only when a cell that refers to them is a target."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._strings: SharedStrings | None = None

    def holds(self, index: str, text: str) -> bool:
        if self._strings is None:
            part = next(iter(self._package.related(self._package.workbook_part, "sharedStrings")), None)
            chunks = self._package.stream(part) if part else [b"<sst/>"]
            self._strings = SharedStrings(chunks, self._package.where(part or "sharedStrings"))
        return self._strings.holds(index, text)


class _Merge:
    """One write: the pass over the sheet, the checks of what it found, then the other parts."""

    def __init__(self, package: Package, sheet: Sheet, plan: Plan, parts: ExitStack) -> None:
        self._package = package
        self._sheet = sheet
        self._plan = plan
        self._parts = parts
        self._where = f"{package.path}: sheet {sheet.name}"
        self._tables = tables_of(package, sheet.part)
        self._styles_part = next(iter(package.related(package.workbook_part, "styles")), None)
        data = package.read(self._styles_part) if self._styles_part else _fitting_styles(package)
        self._styles = StyleBook(data, package.where(self._styles_part or _NEW_STYLES))
        self._changed: dict[str, PackedPart] = {}
        self._edits: dict[str, list[Edit]] = {}
        self._dropped: list[str] = []

    def write(self, file: BinaryIO) -> WriteReport:
        """Write the whole package to file."""
        context = WritingContext(self._styles, _LazyStrings(self._package), self._package.date1904, self._where)
        writer = SheetWriter(self._plan, context)
        packed = self._parts.enter_context(PackedPart())
        for chunk in writer.run(self._package.stream(self._sheet.part)):
            packed.write(chunk)
        packed.finish()
        findings = writer.findings
        if not findings.changed:
            with self._package.path.open("rb") as original:
                copyfileobj(original, file)
            return WriteReport(self._sheet.part, (), (), 0, 0, Spans.none())
        self._check(findings)
        self._changed[self._sheet.part] = packed
        self._change_styles()
        self._change_calculation(findings)
        self._grow(findings)
        self._apply_edits()
        dropped = frozenset(part_key(part) for part in self._dropped)
        write_archive(self._package.archive, file, self._changed, dropped)
        return self._report(findings, writer.spans)

    def _report(self, findings: Findings, spans: Spans) -> WriteReport:
        extension = self._plan.extension
        return WriteReport(
            sheet_part=self._sheet.part,
            changed_parts=tuple(self._changed),
            dropped_parts=tuple(self._dropped),
            cells=len(findings.changed),
            added_rows=extension.new_last - extension.last if extension else 0,
            spans=spans,
        )

    def _guards(self, findings: Findings) -> Iterator[Guard]:
        yield from (Guard(area, "a merged range") for area in findings.merges if not area.is_cell)
        yield from (Guard(area, "an array formula or its results") for area in findings.arrays)
        yield from guards_of(self._tables)
        yield from pivots_of(self._package, self._sheet.part)

    def _check(self, findings: Findings) -> None:
        for guard in self._guards(findings):
            key = first_key_inside(guard.area, findings.changed)
            if key is not None:
                cell = key_name(key)
                raise MergeRefused(f"{self._where}: {cell} belongs to {guard.what} ({guard.area}); nothing was written")

    def _put(self, part: str, content: bytes) -> None:
        self._changed[part] = self._parts.enter_context(PackedPart.of(content))

    def _edit(self, part: str, edits: list[Edit]) -> None:
        if edits:
            self._edits.setdefault(part, []).extend(edits)

    def _apply_edits(self) -> None:
        for part, edits in self._edits.items():
            self._put(part, apply_edits(self._package.read(part), edits))

    def _change_styles(self) -> None:
        if not self._styles.changed:
            return
        part = self._styles_part or self._new_styles_part()
        self._put(part, self._styles.to_bytes())

    def _new_styles_part(self) -> str:
        """Name, relationship and content type for a workbook without styles (ECMA-376-1, 12.3.20)."""
        package = self._package
        folder = package.workbook_part.rpartition("/")[0]
        part = f"{folder}/{_NEW_STYLES}".lstrip("/")
        links = package.relationships(package.workbook_part)
        kind = next(item.element.get("Type") for item in links if item.kind == "worksheet")
        taken = {item.identifier for item in links}
        identifier = next(name for number in range(1, len(taken) + 2) if (name := f"rIdStyles{number}") not in taken)
        rels = rels_part(package.workbook_part)
        link = f'Relationship Id="{identifier}" Type="{kind.removesuffix("worksheet")}styles" Target="/{part}"/>'
        self._append_child(rels, link)
        self._append_child(CONTENT_TYPES, f'Override PartName="/{part}" ContentType="{_MACRO_FREE}.styles+xml"/>')
        return part

    def _append_child(self, part: str, tag: str) -> None:
        data = self._package.read(part)
        root = parse(data, self._package.where(part))
        new = f"<{prefix_of(data, root.start)}{tag}".encode()
        self._edit(part, [(root.close_start, root.close_start, new)])

    def _change_calculation(self, findings: Findings) -> None:
        package = self._package
        if findings.formulas_gone:
            self._shorten_chain(findings)
        if not findings.contents_changed:
            return
        if findings.formulas_written or findings.formulas_met or self._formulas_elsewhere():
            edits = full_calculation_edits(package.read(package.workbook_part), package.workbook)
            self._edit(package.workbook_part, edits)

    def _formulas_elsewhere(self) -> bool:
        package, own = self._package, self._sheet.part
        others = {sheet.part for sheet in package.sheets if sheet.kind == "worksheet" and sheet.part != own}
        return any(has_formula(package.stream(part)) for part in sorted(others))

    def _shorten_chain(self, findings: Findings) -> None:
        package = self._package
        for link in package.relationships(package.workbook_part):
            if link.kind != "calcChain" or package.archive.find(link.target) is None:
                continue
            data, where = package.read(link.target), package.where(link.target)
            left = without_cells(data, where, self._sheet.sheet_id, findings.formulas_gone)
            if left is None:
                self._drop(link.target, link.element.start, link.element.end)
            elif left != data:
                self._put(link.target, left)

    def _drop(self, part: str, link_start: int, link_end: int) -> None:
        self._dropped.append(part)
        self._edit(rels_part(self._package.workbook_part), [(link_start, link_end, b"")])
        key = "/" + part_key(part)
        overrides = self._package.tree(CONTENT_TYPES).all("Override")
        found = (item for item in overrides if item.get("PartName").lower() == key)
        self._edit(CONTENT_TYPES, [(item.start, item.end, b"") for item in found])

    def _grow(self, findings: Findings) -> None:
        extension, package = self._plan.extension, self._package
        if extension is None:
            return
        pivots = list(pivots_of(package, self._sheet.part))
        merges = [Guard(area, "a merged range") for area in findings.merges]
        for table in self._tables:
            if extension.of(table.area) == table.area:
                continue
            others = [Guard(other.area, f"table {other.name}") for other in self._tables if other is not table]
            refuse_collision(table, others + pivots + merges, extension, self._where)
            self._put(table.part, grown_table(package.read(table.part), package.where(table.part), extension))
        part = package.workbook_part
        index = package.sheets.index(self._sheet)
        self._edit(part, filter_name_edits(package.read(part), package.workbook, index, extension))


def _fitting_styles(package: Package) -> bytes:
    """A minimal styles part in the namespace of the workbook, which is either strict or transitional throughout."""
    strict = STRICT_MAIN.encode() in package.read(package.workbook_part)
    return EMPTY_STYLES.replace(MAIN.encode(), STRICT_MAIN.encode()) if strict else EMPTY_STYLES
