"""One more worksheet, empty, after the others; every other part keeps its bytes.

Only the parts that have to name a sheet change, each by one insertion: the workbook (ECMA-376-1, 18.2.19 sheet), its
relationships (ECMA-376-2, 8.3) and the content types (ECMA-376-2, 7.2.3). Cells are filled by the writer afterwards.
"""

from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path

from tasks.errors import InputError, MergeError, MergeRefused
from tasks.workbook.archive import part_key
from tasks.workbook.package import CONTENT_TYPES, Package, Sheet, open_package, rels_part
from tasks.workbook.packing import PackedPart, write_archive
from tasks.workbook.xmltree import MAIN, STRICT_MAIN, Element, apply_edits, prefix_of, tag_attributes

__all__ = ["add_sheet", "refuse_locked", "sheet_named", "verify_sheet_added"]

_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_MOST_SHEET_ID = 65_534
_WIDTHS = (34, 16, 18, 18, 60)
"""Of the columns A to E, in characters."""


def add_sheet(source: Path, target: Path, name: str) -> None:
    """Write source with an empty worksheet of that name after its sheets to target, a fresh file.

    name needs no escaping and is that of no sheet. MergeRefused where the workbook's structure is protected or it is
    of an unusual shape, MergeError where target cannot be written.
    """
    try:
        with open_package(source) as package, ExitStack() as parts, target.open("wb") as file:
            changed = {part: parts.enter_context(PackedPart.of(content)) for part, content in _added(package, name)}
            write_archive(package.archive, file, changed)
    except InputError as error:
        raise MergeRefused(str(error)) from error
    except OSError as error:
        raise MergeError(f"{target}: cannot be written ({error.strerror}); the workbook was not changed") from error


def verify_sheet_added(source: Path, written: Path, name: str) -> None:
    """Raise MergeError unless written is source with that sheet last, all else as it was."""
    try:
        with open_package(source) as old, open_package(written) as new:
            new.archive.check_all()
            if new.sheets[:-1] != old.sheets or new.sheets[-1].name != name:
                raise _fail("the list of sheets is another one")
            naming = {part_key(part) for part in _naming(old)}
            members = [member for member in new.archive.members if member.key != part_key(new.sheets[-1].part)]
            for before, after in zip_longest(old.archive.members, members):
                if before is None or after is None or before.raw_name != after.raw_name:
                    raise _fail("a part is missing, new or out of its place")
                if before.key not in naming and _differ(old, new, before.name):
                    raise _fail(f"part {before.name} was changed")
            for part in _naming(old):
                if not _is_insertion(old.read(part), new.read(part)):
                    raise _fail(f"part {part} was not only added to")
    except InputError as error:
        raise MergeError(f"the workbook with the new sheet cannot be read back: {error}") from error


def _fail(what: str) -> MergeError:
    return MergeError(f"the workbook with the new sheet is not as intended: {what}; the old one stays")


def _differ(old: Package, new: Package, part: str) -> bool:
    before, after = old.archive.packed(old.member(part)), new.archive.packed(new.member(part))
    return any(one != other for one, other in zip_longest(before, after))


def _is_insertion(old: bytes, new: bytes) -> bool:
    """Whether new is old with bytes put in at one place."""
    same = next((place for place, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), len(old))
    return len(new) > len(old) and old[same:] == new[len(new) - (len(old) - same) :]


def _naming(package: Package) -> tuple[str, str, str]:
    return package.workbook_part, rels_part(package.workbook_part), CONTENT_TYPES


def _added(package: Package, name: str) -> list[tuple[str, bytes]]:
    """The new part and those that name it, with their new bytes."""
    refuse_locked(package, name)
    sheets, like = package.workbook.first("sheets"), _first_worksheet(package)
    if sheets is None or like is None:
        raise MergeRefused(f'{package.path}: lists no worksheet in the usual way, sheet "{name}" cannot be added')
    part, identifier = _free_part(package), _free_identifier(package)
    link = f'Relationship Id="{identifier}" Type="{_worksheet_kind(package)}" Target="/{part}"/>'
    override = f'Override PartName="/{part}" ContentType="{_TYPE}"/>'
    data = package.read(package.workbook_part)
    sheet = f'sheet name="{name}" sheetId="{_free_id(package)}" {_link(data, like, identifier)}/>'
    rels = rels_part(package.workbook_part)
    return [
        (part, _empty_sheet(package)),
        (package.workbook_part, _appended(data, sheets, sheet, prefix_of(data, like.start))),
        (rels, _with_child(package, rels, link)),
        (CONTENT_TYPES, _with_child(package, CONTENT_TYPES, override)),
    ]


def refuse_locked(package: Package, name: str) -> None:
    """MergeRefused where the workbook's structure is protected: then no sheet may be added."""
    protection = package.workbook.first("workbookProtection")
    if protection is not None and protection.get("lockStructure") in ("1", "true"):
        raise MergeRefused(f'{package.path}: its structure is protected, sheet "{name}" cannot be added; unprotect it')


def _first_worksheet(package: Package) -> Element | None:
    sheets = package.workbook.first("sheets")
    return next((one for one in sheets.all("sheet") if one.local("id")), None) if sheets else None


def _link(workbook: bytes, like: Element, identifier: str) -> str:
    """The attribute r:id as this workbook writes it, with the namespaces that its sheets declare for themselves."""
    attributes = list(tag_attributes(workbook[like.start : like.open_end]))
    spaces = [f"{name}={found[2].decode()} " for name, found in attributes if name.partition(":")[0] == "xmlns"]
    link = next(name for name, _ in attributes if name.rpartition(":")[2] == "id" and ":" in name)
    return f'{"".join(spaces)}{link}="{identifier}"'


def _worksheet_kind(package: Package) -> str:
    links = package.relationships(package.workbook_part)
    return next(link.element.get("Type") for link in links if link.kind == "worksheet")


def _free_part(package: Package) -> str:
    folder = package.workbook_part.rpartition("/")[0]
    names = (f"{folder}/worksheets/vetbookSummary{number}.xml".lstrip("/") for number in range(1, 1 << 16))
    return next(name for name in names if package.archive.find(name) is None)


def _free_identifier(package: Package) -> str:
    taken = {link.identifier for link in package.relationships(package.workbook_part)}
    return next(name for number in range(1, len(taken) + 2) if (name := f"rIdVetbook{number}") not in taken)


def _free_id(package: Package) -> int:
    taken = {int(sheet.sheet_id) for sheet in package.sheets if sheet.sheet_id.isdecimal()}
    after = max(taken, default=0) + 1
    return after if after <= _MOST_SHEET_ID else next(n for n in range(1, _MOST_SHEET_ID) if n not in taken)


def _with_child(package: Package, part: str, tag: str) -> bytes:
    data, root = package.read(part), package.tree(part)
    return _appended(data, root, tag, prefix_of(data, root.start))


def _appended(data: bytes, parent: Element, tag: str, prefix: str) -> bytes:
    return apply_edits(data, [(parent.close_start, parent.close_start, f"<{prefix}{tag}".encode())])


def _empty_sheet(package: Package) -> bytes:
    strict = STRICT_MAIN.encode() in package.read(package.workbook_part)
    columns = "".join(
        f'<col min="{number}" max="{number}" width="{width}" customWidth="1"/>'
        for number, width in enumerate(_WIDTHS, 1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        f'<worksheet xmlns="{STRICT_MAIN if strict else MAIN}"><cols>{columns}</cols><sheetData/></worksheet>'
    ).encode()


def sheet_named(package: Package, name: str) -> Sheet | None:
    """The sheet of that name, in any case as in Excel."""
    return next((sheet for sheet in package.sheets if sheet.name.casefold() == name.casefold()), None)
