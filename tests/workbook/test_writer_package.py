"""What cannot be used is named in one line; what can be used is copied as the compressed bytes it was."""

import re
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from tasks.errors import InputError, MergeError, MergeRefused
from tasks.workbook.archive import Archive, Limits
from tasks.workbook.model import CellUpdate
from tasks.workbook.package import check_workbook_file, open_package
from tasks.workbook.writer import write_workbook
from tests.workbook import books
from tests.workbook.books import Book, write

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
BOMB = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet xmlns="{books.MAIN}"><sheetData/></worksheet>'
ODS = {"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "META-INF/manifest.xml": "<x/>"}


def parts_of(**changes: str | bytes | None) -> dict[str, str | bytes]:
    """A book's parts with some replaced (by their last word) or, for None, left out."""
    parts = Book().parts()
    for word, content in changes.items():
        name = next(name for name in parts if word in name)
        del parts[name]
        if content is not None:
            parts[name] = content
    return parts


def typed(kind: str) -> str:
    """Content types that call the workbook part something else."""
    return books.content_types({books.WORKBOOK: kind})


UNUSABLE_PARTS = [
    (parts_of(Content_Types=None), "not a workbook"),
    (ODS, "OpenDocument"),
    (
        parts_of(Content_Types=typed("application/vnd.ms-excel.sheet.binary.macroEnabled.main")),
        r"binary workbook \(.xlsb\)",
    ),
    (
        parts_of(
            Content_Types=typed("application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml")
        ),
        "Word",
    ),
    (
        parts_of(Content_Types=typed("application/vnd.openxmlformats-officedocument.presentationml.main+xml")),
        "presentation",
    ),
    (Book().parts() | {"_xmlsignatures/sig1.xml": "<s/>"}, "digitally signed"),
    (Book().parts() | {"XL/Workbook.xml": "<x/>"}, "occurs twice"),
    (parts_of(workbook=None), "no workbook part"),
    ({"[Content_Types].xml": typed("x"), "_rels/.rels": books.relations([])}, "no workbook part"),
    (parts_of(workbook="<workbook>"), "not well-formed"),
    (parts_of(workbook=f'<workbook xmlns="{books.MAIN}"/>'), "lists no sheets"),
    (parts_of(workbook=BOMB), "document type declaration"),
    (parts_of(sheet1=BOMB), "document type declaration"),
    (parts_of(sheet1=BOMB.encode("utf-16")), "document type declaration"),
    (parts_of(sharedStrings=BOMB), "document type declaration"),
]


@pytest.mark.parametrize(("parts", "words"), UNUSABLE_PARTS)
def test_unusable_packages_are_named(tmp_path: Path, parts: dict[str, str | bytes], words: str) -> None:
    path = books.save_parts(tmp_path / "book.xlsx", parts)
    with pytest.raises(InputError, match=words) as caught:
        check_workbook_file(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert type(caught.value) is InputError


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"name,version\nrequests,2.0\n", "CSV"),
        (b"\xef\xbb\xbf<html>", "CSV or HTML"),
        (bytes(range(256)), "is not an .xlsx workbook"),
        (OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "protected with a password"),
        (OLE + bytes(600) + "Workbook".encode("utf-16-le"), r"old \.xls"),
        (b"junk before" + b"PK\x03\x04", "is text"),
        (b"PK\x03\x04" + bytes(100), "damaged"),
    ],
)
def test_other_files_are_told_apart(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        check_workbook_file(path)
    with pytest.raises(MergeRefused, match=words):
        write_workbook(path, tmp_path / "out.xlsx", "Review", [])


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        check_workbook_file(tmp_path / "none.xlsx")
    with pytest.raises(InputError, match="is a folder"):
        check_workbook_file(tmp_path)


def damaged(path: Path, find: bytes, change: bytes, which: int = 0) -> Path:
    """The file with one occurrence of some bytes changed."""
    data = path.read_bytes()
    places = [match.start() for match in re.finditer(re.escape(find), data)]
    place = places[which]
    path.write_bytes(data[:place] + change + data[place + len(change) :])
    return path


def test_damage_is_noticed_before_anything_is_believed(tmp_path: Path) -> None:
    path = books.save_parts(tmp_path / "book.xlsx", Book().parts(), zipfile.ZIP_STORED)
    damaged(path, b"Kept", b"Lost")
    with pytest.raises(InputError, match=r"docProps/app\.xml does not match its checksum"):
        check_workbook_file(path)
    with pytest.raises(MergeRefused, match=r"docProps/app\.xml does not match its checksum"):
        write_workbook(path, tmp_path / "out.xlsx", "Review", [CellUpdate(1, "A", "x")])


def test_a_cut_file_is_damaged(tmp_path: Path) -> None:
    path = Book().save(tmp_path / "book.xlsx")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="damaged"):
        check_workbook_file(path)


def test_headers_that_disagree_are_damage(tmp_path: Path) -> None:
    path = damaged(Book().save(tmp_path / "book.xlsx"), b"xl/styles.xml", b"xl/stylez.xml", 0)
    with pytest.raises(InputError, match="damaged"):
        check_workbook_file(path)


def test_encrypted_members_and_other_methods(tmp_path: Path) -> None:
    path = Book().save(tmp_path / "book.xlsx")
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="is encrypted"):
        check_workbook_file(path)
    books.save_parts(path, Book().parts(), zipfile.ZIP_BZIP2)
    with pytest.raises(InputError, match="method 12"):
        check_workbook_file(path)


def test_bombs_are_stopped_while_they_expand(tmp_path: Path) -> None:
    path = (Book(extra={"xl/media/big.bin": bytes(400_000), "xl/media/more.bin": bytes(400_000)})).save(
        tmp_path / "b.xlsx"
    )
    check_workbook_file(path)
    for limits, words in (
        (Limits(part=300_000), "part xl/media/big.bin expands to more"),
        (Limits(total=500_000), "expands to more"),
        (Limits(ratio=100, ratio_from=100_000), "expands more than 100 times"),
        (Limits(members=3), "holds more than 3 parts"),
    ):
        with pytest.raises(InputError, match=words):
            check_workbook_file(path, limits)


def test_a_lying_size_is_noticed(tmp_path: Path) -> None:
    path = Book(extra={"xl/media/big.bin": bytes(400_000)}).save(tmp_path / "book.xlsx")
    data = path.read_bytes()
    data = data.replace(struct.pack("<L", 400_000), struct.pack("<L", 4_000))
    path.write_bytes(data)
    with pytest.raises(InputError, match="does not match its checksum"):
        check_workbook_file(path)


def streamed(path: Path, parts: dict[str, str | bytes]) -> Path:
    """Written as to a pipe: data descriptors after the members, sizes 0 in the local headers."""

    class Pipe:
        def __init__(self) -> None:
            self.file = path.open("wb")

        def write(self, data: bytes) -> int:
            return self.file.write(data)

        def flush(self) -> None:
            self.file.flush()

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        for name, content in parts.items():
            archive.writestr(name, content)
    pipe.file.close()
    return path


def with_zip64(path: Path, parts: dict[str, str | bytes]) -> Path:
    """Local headers with zip64 records, as writers make them that do not know the size beforehand."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(content.encode() if isinstance(content, str) else content)
    return path


def with_extras(path: Path, parts: dict[str, str | bytes]) -> Path:
    """Extra fields, a comment, a folder, an old date, odd attributes, a non-ASCII name, mixed methods."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.comment = b"zip comment"
        archive.mkdir("xl")
        for number, (name, content) in enumerate(parts.items()):
            info = zipfile.ZipInfo(name, (1980 + number, 12, 31, 23, 59, 58))
            info.extra = struct.pack("<HHL", 0x5455, 4, 7) + struct.pack("<HH2s", 0xA220, 2, b"ab")
            info.comment = b"member comment"
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_STORED if number % 2 else zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
        archive.writestr("xl/media/bild_ü.bin", b"x")
    return path


@pytest.mark.parametrize("save", [streamed, with_zip64, with_extras])
def test_every_form_of_zip_is_copied_whole(tmp_path: Path, save: object) -> None:
    assert callable(save)
    source = save(tmp_path / "book.xlsx", Book(rows='<row r="1"><c r="A1"><v>1</v></c></row>').parts())
    written = write(source, tmp_path, {"A1": "new"})
    assert list(written.after) == list(written.before)
    assert written.changed == {books.SHEET}
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(written.target) as new:
        assert new.comment == old.comment
        for before, after in zip(old.infolist(), new.infolist(), strict=True):
            assert (before.date_time, before.comment, before.external_attr) == (
                after.date_time,
                after.comment,
                after.external_attr,
            )
            if before.filename != books.SHEET:
                assert before.compress_size == after.compress_size
                assert not after.flag_bits & 0x8
    check_workbook_file(written.target)
    with Archive(source) as old_archive, Archive(written.target) as new_archive:
        for member, copy in zip(old_archive.members, new_archive.members, strict=True):
            if member.name != books.SHEET:
                assert b"".join(old_archive.packed(member)) == b"".join(new_archive.packed(copy))


def test_unknown_parts_and_their_relationships_stay(tmp_path: Path) -> None:
    extra: dict[str, str | bytes] = {
        "customXml/item1.xml": "<a/>",
        "xl/vbaProject.bin": zlib.compress(b"code"),
        "xl/threadedComments/threadedComment1.xml": "<c/>",
        "xl/slicers/slicer1.xml": "<s/>",
        "docMetadata/LabelInfo.xml": "<l/>",
        "xl/printerSettings/printerSettings1.bin": bytes(100),
    }
    book = Book(extra=extra, sheet_links=[("threadedComment", "../threadedComments/threadedComment1.xml")])
    written = write(book, tmp_path, {"A1": "x"})
    assert written.changed == {books.SHEET}


def test_targets_may_be_absolute_escaped_or_in_another_case(tmp_path: Path) -> None:
    parts = Book(rows='<row r="1"><c r="A1" t="s"><v>0</v></c></row>').parts()
    sheet = parts.pop(books.SHEET)
    parts["xl/Work Sheets/SHEET1.xml"] = sheet
    rels = parts["xl/_rels/workbook.xml.rels"]
    assert isinstance(rels, str)
    parts["xl/_rels/workbook.xml.rels"] = rels.replace("worksheets/sheet1.xml", "/XL/work%20sheets/sheet1.XML")
    written = write(books.save_parts(tmp_path / "case.xlsx", parts), tmp_path, {"A1": "x"})
    assert written.changed == {"xl/Work Sheets/SHEET1.xml"}


def test_sheets_are_found_by_name(tmp_path: Path) -> None:
    path = Book(name="Review &amp; Notes").save(tmp_path / "book.xlsx")
    with open_package(path) as package:
        assert package.sheet_names == ("Review & Notes",)
        assert package.sheet_part("review & NOTES") == books.SHEET
        with pytest.raises(InputError, match='no sheet "Other"; the workbook has: Review & Notes'):
            package.sheet("Other")
    with pytest.raises(MergeRefused, match="no sheet"):
        write_workbook(path, tmp_path / "out.xlsx", "Other", [])


def test_a_chart_sheet_has_no_cells(tmp_path: Path) -> None:
    parts = Book().parts()
    rels = parts["xl/_rels/workbook.xml.rels"]
    assert isinstance(rels, str)
    parts["xl/_rels/workbook.xml.rels"] = rels.replace("/worksheet", "/chartsheet", 1)
    with pytest.raises(MergeRefused, match="is a chartsheet"):
        write(books.save_parts(tmp_path / "chart.xlsx", parts), tmp_path, {"A1": "x"})


def test_a_target_that_cannot_be_written_is_a_merge_error(tmp_path: Path) -> None:
    path = Book().save(tmp_path / "book.xlsx")
    with pytest.raises(MergeError, match="cannot be written") as caught:
        write_workbook(path, tmp_path / "none" / "out.xlsx", "Review", [CellUpdate(1, "A", "x")])
    assert not isinstance(caught.value, MergeRefused)


def test_equal_changes_give_equal_files(tmp_path: Path) -> None:
    first = write(Book(), tmp_path, {"A1": "x"}).target.read_bytes()
    second = write(Book(), tmp_path, {"A1": "x"}).target.read_bytes()
    assert first == second


def test_a_workbook_is_never_written_over_itself(tmp_path: Path) -> None:
    path = Book().save(tmp_path / "book.xlsx")
    before = path.read_bytes()
    with pytest.raises(MergeRefused, match="is the workbook itself"):
        write_workbook(path, path, "Review", [CellUpdate(1, "A", "x")])
    assert path.read_bytes() == before
