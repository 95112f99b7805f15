"""Small workbooks for the reader's tests, made on the spot."""

import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from openpyxl import Workbook

from tasks.workbook.headers import STANDARD_HEADERS

HEADERS = list(STANDARD_HEADERS.values())
SHEET_PART = "xl/worksheets/sheet1.xml"


def save(path: Path, rows: Sequence[Sequence[object]], *, first_row: int = 3, first_column: int = 1) -> Path:
    """One sheet "Review" with these rows; None leaves a cell out."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Review"
    for down, row in enumerate(rows):
        for right, value in enumerate(row):
            if value is not None:
                sheet.cell(first_row + down, first_column + right).value = value  # type: ignore[assignment]
    book.save(path)
    return path


def review(path: Path, *packages: Sequence[object]) -> Path:
    """A standard review workbook: titles, headers in row 3, and one row per (name, version, ...)."""
    numbered = [[number, *package] for number, package in enumerate(packages, start=1)]
    return save(path, [["Review of packages"], ["Kept by hand"], HEADERS, *numbered], first_row=1)


def sheets(path: Path, contents: Mapping[str, Sequence[Sequence[object]]], *, active: int = 0) -> Path:
    """Several sheets, each filled from A1 on."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in contents.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.active = active
    book.save(path)
    return path


def rewrite(path: Path, change: Callable[[str], str | bytes], part: str = SHEET_PART) -> Path:
    """Change one part's text in place."""
    with zipfile.ZipFile(path) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    changed = change(parts[part].decode())
    parts[part] = changed if isinstance(changed, bytes) else changed.encode()
    return pack(path, parts)


def pack(path: Path, parts: Mapping[str, bytes]) -> Path:
    """Write these parts as a zip file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in parts.items():
            target.writestr(name, data)
    path.write_bytes(buffer.getvalue())
    return path


def parts_of(path: Path) -> dict[str, bytes]:
    """All parts by name."""
    with zipfile.ZipFile(path) as source:
        return {name: source.read(name) for name in source.namelist()}


def replace_cell(xml: str, reference: str, cell: str) -> str:
    """Put `cell` in the place of the whole element of that reference."""
    changed, count = re.subn(rf'<c r="{reference}"[^>]*?(?:/>|>.*?</c>)', lambda _: cell, xml, count=1)
    assert count == 1, reference
    return changed
