"""Make `sample/packages.xlsx`, the review workbook that a newcomer scans first, from the table below.

The layout is the review workbook's (docs/workbook.md): titles in rows 1 and 2, headers in row 3, packages from
row 4, columns A to W. Only the columns kept by hand (A to D and N) are filled; the scan fills the others.

Usage: `python sample/build.py [FILE]`. With the same openpyxl and zlib the file comes out byte for byte the same.
"""

import re
import sys
import zipfile
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["COLUMNS", "DATA_START_ROW", "HEADER_ROW", "ROWS", "SHEET", "Row", "main", "make_workbook", "write"]


class Row(NamedTuple):
    """One package: the name as its authors write it, the text or number of the Version column, and a note."""

    name: str
    version: str | float
    note: str = ""
    on_pypi: bool = True


SHEET = "Packages"
TITLES = (
    "Review of Python packages (sample)",
    "Columns A-D and N are kept by hand, the scan fills the others. Names, versions and notes are examples.",
)
HEADER_ROW = 3
DATA_START_ROW = 4

COLUMNS = (
    ("#", 6),
    ("Package Name", 22),
    ("Version", 12),
    ("PyPi Links", 38),
    ("Date Published", 20),
    ("Latest Version", 14),
    ("PyPi Links", 42),
    ("Latest Version Release Date", 20),
    ("Requires", 36),
    ("Development Status", 24),
    ("GitHub URL", 40),
    ("GitHub Mirror Security Advisory Lookup URL", 44),
    ("GitHub Security Advisory Result", 40),
    ("Notes", 44),
    ("NIST NVD Lookup URL", 26),
    ("NIST NVD Lookup Result", 40),
    ("MITRE CVE Lookup URL", 26),
    ("MITRE CVE Lookup Result", 40),
    ("SNYK Vulnerability Lookup URL", 26),
    ("SNYK Vulnerability Lookup Result", 40),
    ("Exploit Database Lookup URL", 26),
    ("Exploit Database Lookup Result", 40),
    ("Recommendation", 70),
)
"""Header text and width (in characters) of columns A to W."""

SELECTION = "Sample data holds only a selection of this project's advisories"

ROWS = (
    Row("requests", "2.19.1", "Pinned by the reporting job until its move to Python 3.12"),
    Row("PyYAML", "5.3"),
    Row("Jinja2", "2.11.2"),
    Row("urllib3", "1.24.1", "Comes with requests"),
    Row("Pillow", "8.1.0", SELECTION),
    Row("Django", "2.2.10", SELECTION),
    Row("Flask", "0.12.2"),
    Row("cryptography", "3.2"),
    Row("lxml", "4.6.2"),
    Row("certifi", "2022.9.24"),
    Row("aiohttp", "==3.8.5", f"Version copied from a requirements file. {SELECTION}"),
    Row("Werkzeug", "2.2.2"),
    Row("setuptools", "65.5.0"),
    Row("numpy", "1.21.5"),
    Row("tqdm", "4.66.1"),
    Row("zipp", "3.8.0"),
    Row("Babel", "2.9.0"),
    Row("sqlparse", "0.4.1"),
    Row("SQLAlchemy", "1.3.0", "Upgrade to 2.x needs changes in the billing service"),
    Row("six", "1.17.0"),
    Row("attrs", "26.1.0"),
    Row("packaging", "26.3"),
    Row("python-dateutil", "2.8.2"),
    Row("MarkupSafe", "3.0.4"),
    Row("rich", "15.0.0"),
    Row("psutil", "5.9.8"),
    Row("click", "8.1.8"),
    Row("typing_extensions", "4.16.0"),
    Row("charset-normalizer", "3.5.2"),
    Row("pandas", "2.2.3"),
    Row("scipy", "1.15.3"),
    Row("pytz", 2022.1, "The version is a number, as spreadsheets like to store it"),
    Row("beautifulsoup4", "4.13.4"),
    Row("httpx", "NEW", "Requested by the data team, not installed yet"),
    Row("ipython", "9.x", "Exact version to be confirmed"),
    Row("itsdangerous", "2.2.0"),
    Row("colorama", "0.4.6"),
    Row("h11", "0.14.0"),
    Row("py", "1.11.0", "In maintenance, replacement to be decided"),
    Row("acme-risk-engine", "3.2.1", "Internal package, not on PyPI", on_pypi=False),
)

# Fixed, so that building again gives the same file.
BUILT = datetime(2026, 11, 1)  # noqa: DTZ001 - document properties hold naive UTC
ZIP_TIME = (2026, 11, 1, 0, 0, 0)

HEADER_FONT = Font(bold=True, color="FFFFFF")
HEADER_FILL = PatternFill("solid", start_color="1F4E78")
HEADER_ALIGNMENT = Alignment(horizontal="center", vertical="center", wrap_text=True)
NOTE_ALIGNMENT = Alignment(vertical="top", wrap_text=True)


def make_workbook() -> Workbook:
    """Return the workbook with its one sheet, not yet written anywhere."""
    workbook = Workbook()
    sheet = workbook.worksheets[0]
    sheet.title = SHEET
    _write_head(sheet)
    for index, row in enumerate(ROWS, start=1):
        _write_row(sheet, index, row)
    _set_view(sheet)
    workbook.properties.creator = "Vetbook"
    workbook.properties.title = TITLES[0]
    workbook.properties.created = BUILT
    return workbook


def write(path: Path) -> None:
    """Write the workbook to path, replacing what is there; OSError where that cannot be done."""
    buffer = BytesIO()
    make_workbook().save(buffer)
    path.write_bytes(_without_clock(buffer.getvalue()))


def main(arguments: list[str]) -> int:
    """Write the workbook to the given file, or beside this script; return the exit code."""
    path = Path(arguments[0]) if arguments else Path(__file__).with_name("packages.xlsx")
    write(path)
    sys.stdout.write(f"{path}: {len(ROWS)} packages\n")
    return 0


def _write_head(sheet: Worksheet) -> None:
    for row, title in enumerate(TITLES, start=1):
        _cell(sheet, row, 1).value = title
    sheet["A1"].font = Font(bold=True, size=14)
    sheet["A2"].font = Font(italic=True)
    sheet.row_dimensions[HEADER_ROW].height = 32
    for column, (header, width) in enumerate(COLUMNS, start=1):
        cell = _cell(sheet, HEADER_ROW, column)
        cell.value = header
        cell.font, cell.fill, cell.alignment = HEADER_FONT, HEADER_FILL, HEADER_ALIGNMENT
        sheet.column_dimensions[cell.column_letter].width = width


def _write_row(sheet: Worksheet, index: int, row: Row) -> None:
    at = DATA_START_ROW + index - 1
    link = f"https://pypi.org/project/{row.name}/" if row.on_pypi else None
    for column, value in enumerate((index, row.name, row.version, link), start=1):
        _set(_cell(sheet, at, column), value)
    note = _cell(sheet, at, 14)
    _set(note, row.note or None)
    note.alignment = NOTE_ALIGNMENT


def _set(cell: Cell, value: str | float | None) -> None:
    cell.value = value
    if isinstance(value, str) and value.startswith("="):
        # openpyxl takes such text for a formula; the prefix flag keeps Excel from doing so when the cell is edited.
        cell.data_type = "s"
        cell.quotePrefix = True


def _cell(sheet: Worksheet, row: int, column: int) -> Cell:
    cell: Cell = sheet[f"{get_column_letter(column)}{row}"]
    return cell


def _set_view(sheet: Worksheet) -> None:
    last = DATA_START_ROW + len(ROWS) - 1
    sheet.freeze_panes = f"C{DATA_START_ROW}"
    sheet.auto_filter.ref = f"A{HEADER_ROW}:W{last}"
    sheet.print_title_rows = f"{HEADER_ROW}:{HEADER_ROW}"
    sheet.page_setup.orientation = "landscape"


def _without_clock(package: bytes) -> bytes:
    """Return the package with every time of building replaced by BUILT, so that the same table gives the same bytes."""
    stamp = BUILT.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    result = BytesIO()
    with zipfile.ZipFile(BytesIO(package)) as source, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            part = source.read(name)
            if name == "docProps/core.xml":
                part = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + stamp, part)
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            entry.create_system = 3  # else Windows writes another byte than Unix
            target.writestr(entry, part, zipfile.ZIP_DEFLATED)
    return result.getvalue()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
