"""What LibreOffice shows of a written workbook is what python-calamine reads of it."""

import csv
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import pytest
import python_calamine

from tasks.workbook.model import CellStyle, CellUpdate, Formula
from tasks.workbook.writer import write_workbook
from tests.end_to_end.harness import make_workbook

CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,1"
TEXTS = ("plain", "=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "two\nlines", " spaced ", "🚨 <b>&amp;", "_x0041_", "-2+3")


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_and_calamine_agree(tmp_path: Path) -> None:
    source = make_workbook(tmp_path / "source.xlsx", [(f"pkg-{n}", "1.0") for n in range(len(TEXTS))])
    style = CellStyle(fill="FFE6E6", font="CC0000", bold=True, wrap=True)
    updates = [CellUpdate(row, "M", text, style) for row, text in enumerate(TEXTS, 4)]
    updates.append(CellUpdate(4, "E", datetime(2024, 1, 2, 3, 4, 5)))  # noqa: DTZ001  Excel knows no time zones
    updates.append(CellUpdate(4, "O", Formula('HYPERLINK("https://example.org/","a link")', "a link")))
    target = tmp_path / "target.xlsx"
    write_workbook(source, target, "Packages", updates)
    command = ["soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/profile"]
    command += ["--convert-to", CSV, "--outdir", str(tmp_path), str(target)]
    subprocess.run(command, check=True, capture_output=True, timeout=150)
    (shown,) = tmp_path.glob("target*.csv")
    with shown.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    read = python_calamine.load_workbook(str(target)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    assert [row[12] for row in rows[3 : 3 + len(TEXTS)]] == list(TEXTS)
    assert [row[12] for row in read[3 : 3 + len(TEXTS)]] == list(TEXTS)
    assert (rows[3][14], read[3][14]) == ("a link", "a link")
    assert read[3][4] == datetime(2024, 1, 2, 3, 4, 5)  # noqa: DTZ001
    assert rows[3][4].startswith(("2024-01-02", "01/02/24", "01/02/2024"))
