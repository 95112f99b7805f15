"""Lock files of Excel and LibreOffice, built byte by byte."""

import os
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.errors import WorkbookLocked
from tasks.files.office import OfficeHolder, OfficeProgram, office_holder, wait_until_free

PROFILE = "file:///home/ada/.config/libreoffice/4;"


def excel_lock(name: str) -> bytes:
    """165 bytes: length and ANSI name padded with spaces, then at offset 55 length and UTF-16 name."""
    ansi = name.encode("cp1252", errors="replace")[:52]
    wide = name.encode("utf-16-le")[:108]
    return (bytes([len(ansi)]) + ansi).ljust(55, b" ") + struct.pack("<H", len(wide) // 2) + wide.ljust(108, b" \0"[:1])


def libreoffice_lock(*fields: str) -> bytes:
    escaped = [field.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;") for field in fields]
    return (",".join(escaped) + ";").encode()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "packages.xlsx"
    path.write_bytes(b"workbook")
    return path


def excel_file(target: Path) -> Path:
    return target.with_name(f"~${target.name}")


def libreoffice_file(target: Path) -> Path:
    return target.with_name(f".~lock.{target.name}#")


def test_nobody_has_it_open(target: Path) -> None:
    assert office_holder(target) is None
    assert office_holder(target.with_name("missing.xlsx")) is None


@pytest.mark.parametrize("name", ["Ada Lovelace", "Jörg Müller", "山田太郎", "x" * 54])
def test_excels_holder_is_read_from_the_utf16_copy(target: Path, name: str) -> None:
    raw = excel_lock(name)
    assert len(raw) == 165
    excel_file(target).write_bytes(raw)
    assert office_holder(target) == OfficeHolder(OfficeProgram.EXCEL, name, None, excel_file(target))


def test_excels_ansi_name_is_the_way_out(target: Path) -> None:
    excel_file(target).write_bytes(excel_lock("Jörg")[:55])
    found = office_holder(target)
    assert found is not None
    assert found.name == "Jörg"


@pytest.mark.parametrize("raw", [b"", b"\0" * 165, b"\xff" * 165, b"\x05ab"[:1]])
def test_excels_garbage_is_still_open_in_excel(target: Path, raw: bytes) -> None:
    excel_file(target).write_bytes(raw)
    assert str(office_holder(target)) == "open in Excel (holder unknown)"


def test_an_unreadable_lock_file_is_still_open_in_excel(target: Path) -> None:
    # A folder of that name fails to open for everybody, root included.
    excel_file(target).mkdir()
    assert str(office_holder(target)) == "open in Excel (holder unknown)"


@pytest.mark.parametrize(
    ("fields", "name", "host"),
    [
        (("", "ada", "desk-7", "22.11.2026 15:38", PROFILE), "ada", "desk-7"),
        (
            ("Lovelace, Ada; Countess\\", "ada", "desk-7", "22.11.2026 15:38", PROFILE),
            "Lovelace, Ada; Countess\\",
            "desk-7",
        ),
        (("", "", "", "", ""), None, None),
        (("",), None, None),
    ],
)
def test_libreoffices_fields_and_escapes(
    target: Path, fields: tuple[str, ...], name: str | None, host: str | None
) -> None:
    libreoffice_file(target).write_bytes(libreoffice_lock(*fields))
    expected = OfficeHolder(OfficeProgram.LIBREOFFICE, name, host, libreoffice_file(target))
    assert office_holder(target) == expected


def test_libreoffice_comes_first_where_it_wrote_both(target: Path) -> None:
    excel_file(target).write_bytes(excel_lock("Ada"))
    libreoffice_file(target).write_bytes(libreoffice_lock("Ada", "ada", "desk-7", "", ""))
    assert str(office_holder(target)) == "open in LibreOffice (Ada, on desk-7)"


def test_a_link_is_looked_at_on_both_sides(target: Path, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere" / "link.xlsx"
    link.parent.mkdir()
    link.symlink_to(target)
    excel_file(target).write_bytes(excel_lock("Ada"))
    assert office_holder(link) is not None
    excel_file(target).rename(excel_file(link))
    assert office_holder(link) is not None
    assert office_holder(target) is None


def test_the_systems_own_answer_overrules_a_left_over(target: Path) -> None:
    assert office_holder(target, lambda _: True) == OfficeHolder(OfficeProgram.ANOTHER)
    excel_file(target).write_bytes(excel_lock("Ada"))
    assert office_holder(target, lambda _: False) is None
    assert office_holder(target, lambda _: True) == OfficeHolder(OfficeProgram.EXCEL, "Ada", None, excel_file(target))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(excel=st.booleans(), raw=st.binary(max_size=400))
def test_any_bytes_give_one_printable_line(target: Path, excel: bool, raw: bytes) -> None:
    path = excel_file(target) if excel else libreoffice_file(target)
    path.write_bytes(raw)
    found = str(office_holder(target))
    path.unlink()
    assert found.startswith("open in ")
    assert found.isprintable()
    assert len(found) < 200


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=27))
def test_names_come_back_as_they_were(target: Path, name: str) -> None:
    libreoffice_file(target).write_bytes(libreoffice_lock(name, "login", "host", "", ""))
    libreoffice = office_holder(target)
    libreoffice_file(target).unlink()
    excel_file(target).write_bytes(excel_lock(name))
    excel = office_holder(target)
    excel_file(target).unlink()
    cleaned = name.replace("\ufffd", "")
    assert libreoffice is not None
    assert excel is not None
    assert (libreoffice.name, excel.name) == (cleaned or "login", cleaned or None)


def test_waiting_ends_when_the_program_closes(target: Path) -> None:
    excel_file(target).write_bytes(excel_lock("Ada"))
    slept: list[float] = []

    def close_at_third(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            excel_file(target).unlink()

    wait_until_free(target, 60, clock=lambda: sum(slept), sleep=close_at_third)
    assert slept == [1.0, 1.0, 1.0]


def test_waiting_gives_up_and_names_the_holder(target: Path) -> None:
    excel_file(target).write_bytes(excel_lock("Ada"))
    slept: list[float] = []
    with pytest.raises(WorkbookLocked) as caught:
        wait_until_free(target, 2.5, clock=lambda: sum(slept), sleep=slept.append)
    assert slept == [1.0, 1.0, 0.5]
    assert str(caught.value) == (
        f"{target} is open in Excel (Ada); close it there and run again; "
        f"if it is open nowhere, delete {target.parent}{os.sep}~$packages.xlsx."
    )


def test_no_waiting_means_one_look(target: Path) -> None:
    def never(seconds: float) -> None:
        raise AssertionError("slept")

    wait_until_free(target, 0, sleep=never)
    excel_file(target).write_bytes(excel_lock("Ada"))
    with pytest.raises(WorkbookLocked):
        wait_until_free(target, 0, sleep=never)
