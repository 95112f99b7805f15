"""Small hand-made workbooks for the writer's tests: every part is spelled out, so odd forms can be asked for."""

import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tasks.workbook.model import CellUpdate, CellValue
from tasks.workbook.plan import NewRow
from tasks.workbook.writer import WriteReport, write_workbook

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
X14 = "http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"
XM = "http://schemas.microsoft.com/office/excel/2006/main"
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
SHEET = "xl/worksheets/sheet1.xml"
STYLES = "xl/styles.xml"
WORKBOOK = "xl/workbook.xml"

STYLE_SHEET = f"""{HEAD}<styleSheet xmlns="{MAIN}">\
<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>\
</numFmts><fonts count="3"><font><sz val="11"/><color theme="1"/><name val="Calibri"/></font>\
<font><b/><i/><sz val="9"/><color rgb="FFCC0000"/><name val="Arial"/></font><font/></fonts>\
<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>\
<fill><patternFill patternType="solid"><fgColor rgb="FFFFE6E6"/><bgColor indexed="64"/></patternFill></fill></fills>\
<borders count="2"><border/><border><left style="thin"/></border></borders>\
<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>\
<cellXfs count="6"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>\
<xf numFmtId="164" fontId="0" fillId="0" borderId="1" xfId="0" applyNumberFormat="1"/>\
<xf numFmtId="0" fontId="1" fillId="2" borderId="1" xfId="0"><alignment horizontal="center" wrapText="1"/></xf>\
<xf numFmtId="49" fontId="2" fillId="0" borderId="0" xfId="0" quotePrefix="1"><protection locked="0"/></xf>\
<xf numFmtId="22" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="0" fontId="0" fillId="1" borderId="1" \
xfId="0"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>\
<dxfs count="1"><dxf><font><b/></font></dxf></dxfs></styleSheet>"""

STRINGS = (
    f'{HEAD}<sst xmlns="{MAIN}" count="3" uniqueCount="3"><si><t>plain</t></si>'
    '<si><r><rPr><b/></rPr><t>rich </t></r><r><t>text</t></r><rPh sb="0" eb="1"><t>ph</t></rPh></si>'
    '<si><t xml:space="preserve"> &lt;odd&gt; _x005F_x0041_</t></si></sst>'
)


@dataclass
class Book:
    """A workbook to be: rows is what stands inside sheetData, before and after what stands around it."""

    rows: str = ""
    before: str = ""
    after: str = ""
    name: str = "Review"
    namespace: str = MAIN
    workbook_before: str = ""
    workbook_after: str = ""
    styles: str | None = STYLE_SHEET
    strings: str | None = STRINGS
    sheet: str | bytes | None = None
    links: list[tuple[str, str]] = field(default_factory=list)
    sheet_links: list[tuple[str, str]] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    extra: dict[str, str | bytes] = field(default_factory=dict)

    def parts(self) -> dict[str, str | bytes]:
        """All parts by name, in Excel's usual order."""
        links = [("worksheet", "worksheets/sheet1.xml"), *self.links]
        types = {WORKBOOK: f"{TYPES}.sheet.main+xml", SHEET: f"{TYPES}.worksheet+xml", **self.types}
        if self.styles is not None:
            links.append(("styles", "styles.xml"))
            types[STYLES] = f"{TYPES}.styles+xml"
        if self.strings is not None:
            links.append(("sharedStrings", "sharedStrings.xml"))
            types["xl/sharedStrings.xml"] = f"{TYPES}.sharedStrings+xml"
        parts: dict[str, str | bytes] = {
            "[Content_Types].xml": content_types(types),
            "_rels/.rels": relations([("officeDocument", "xl/workbook.xml")]),
            WORKBOOK: self._workbook(),
            "xl/_rels/workbook.xml.rels": relations(links),
            SHEET: self.sheet if self.sheet is not None else self._sheet(),
            "docProps/app.xml": f'{HEAD}<Properties xmlns="urn:app"><Company>Kept</Company></Properties>',
        }
        optional = {STYLES: self.styles, "xl/sharedStrings.xml": self.strings}
        parts |= {name: text for name, text in optional.items() if text is not None}
        if self.sheet_links:
            parts["xl/worksheets/_rels/sheet1.xml.rels"] = relations(self.sheet_links)
        return parts | self.extra

    def save(self, path: Path) -> Path:
        """Write it and return the path."""
        return save_parts(path, self.parts())

    def _workbook(self) -> str:
        return (
            f'{HEAD}<workbook xmlns="{self.namespace}" xmlns:r="{RELATIONS}">{self.workbook_before}'
            f'<sheets><sheet name="{self.name}" sheetId="7" r:id="rId1"/></sheets>{self.workbook_after}</workbook>'
        )

    def _sheet(self) -> str:
        return (
            f'{HEAD}<worksheet xmlns="{self.namespace}" xmlns:r="{RELATIONS}" xmlns:x14="{X14}" xmlns:xm="{XM}">'
            f"{self.before}<sheetData>{self.rows}</sheetData>{self.after}</worksheet>"
        )


def relations(links: Iterable[tuple[str, str]]) -> str:
    """A relationships part with rId1, rId2, ..."""
    items = "".join(
        f'<Relationship Id="rId{number}" Type="{RELATIONS}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(links, 1)
    )
    return f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">{items}</Relationships>'


def content_types(overrides: Mapping[str, str]) -> str:
    """A content types part."""
    items = "".join(f'<Override PartName="/{name}" ContentType="{kind}"/>' for name, kind in overrides.items())
    return (
        f'{HEAD}<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f"{items}</Types>"
    )


def save_parts(path: Path, parts: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write parts as a zip, in their order."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def read_parts(path: Path) -> dict[str, bytes]:
    """Every part of a zip by name, in order."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


@dataclass(frozen=True)
class Written:
    """A write's outcome: the parts before and after, and the report."""

    before: dict[str, bytes]
    after: dict[str, bytes]
    report: WriteReport
    source: Path
    target: Path

    @property
    def changed(self) -> set[str]:
        """The names of the parts whose bytes differ, were added or are gone."""
        names = self.before.keys() | self.after.keys()
        return {name for name in names if self.before.get(name) != self.after.get(name)}

    def part(self, name: str = SHEET) -> str:
        """A part's text after the write."""
        return self.after[name].decode()

    def row(self, number: int) -> str:
        """The XML of one row after the write; "" where there is none."""
        match = re.search(rf'<(?:\w+:)?row r="{number}"[^>]*?(?:/>|>.*?</(?:\w+:)?row>)', self.part(), re.DOTALL)
        return match[0] if match else ""


def write(
    book: Book | Path,
    folder: Path,
    updates: Mapping[str, CellValue] | list[CellUpdate],
    new_rows: list[NewRow] | None = None,
    after_row: int | None = None,
    sheet: str = "Review",
) -> Written:
    """Save the book, write the updates (by cell name, without a style) and read everything back."""
    source = book if isinstance(book, Path) else book.save(folder / "book.xlsx")
    target = folder / "written.xlsx"
    changes = updates if isinstance(updates, list) else [update(name, value) for name, value in updates.items()]
    report = write_workbook(source, target, sheet, changes, new_rows or (), after_row=after_row)
    return Written(read_parts(source), read_parts(target), report, source, target)


def update(name: str, value: CellValue) -> CellUpdate:
    """An update of the cell of that name that keeps its format."""
    match = re.fullmatch(r"([A-Z]+)(\d+)", name)
    assert match is not None
    return CellUpdate(int(match[2]), match[1], value)
