"""The writer's speed: `python -m tests.benchmarks.workbook [--rows 50000]`."""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import openpyxl
from openpyxl.styles import Font, PatternFill

from tasks.workbook.model import CellStyle, CellUpdate
from tasks.workbook.writer import write_workbook
from tests.end_to_end.harness import make_workbook

_COLUMNS = "EFGHIJKLMOPQRSTU"
_STYLE = CellStyle(fill="FFE6E6", font="CC0000", bold=True, wrap=True)


def main() -> None:
    """Write the same cells in two ways, each in a process of its own, and print the ratio."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks.workbook", description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000, help="rows of 16 columns each (default: 50000)")
    parser.add_argument("--way", choices=("splice", "openpyxl"), help=argparse.SUPPRESS)
    parser.add_argument("--book", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        _one_way(arguments.way, arguments.book, arguments.rows)
        return
    with tempfile.TemporaryDirectory() as folder:
        book = make_workbook(Path(folder) / "book.xlsx", [(f"pkg-{n}", "1.0") for n in range(arguments.rows)])
        times = {way: _run(way, book, arguments.rows) for way in ("splice", "openpyxl")}
    ratio = times["openpyxl"] / times["splice"]
    print(f"openpyxl takes {ratio:.1f} times the processor time of splicing (goal: at least 3)")


def _run(way: str, book: Path, rows: int) -> float:
    words = ["--way", way, "--book", str(book), "--rows", str(rows)]
    command = [sys.executable, "-m", "tests.benchmarks.workbook", *words]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, memory = out.split()
    print(f"{way}: {float(seconds):.1f} s of processor time, peak memory {memory} MB")
    return float(seconds)


def _one_way(way: str, book: Path, rows: int) -> None:
    target = book.with_name(f"{way}.xlsx")
    cells = ((row, column) for row in range(4, 4 + rows) for column in _COLUMNS)
    began = time.process_time()
    if way == "splice":
        updates = [CellUpdate(row, column, f"text {row} {column}", _STYLE) for row, column in cells]
        write_workbook(book, target, "Packages", updates)
    else:
        _with_openpyxl(book, target, cells)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000
    print(time.process_time() - began, peak)


def _with_openpyxl(book: Path, target: Path, cells: object) -> None:
    # Its way of saving over a workbook, measured on a throw-away copy.
    loaded = openpyxl.load_workbook(book)
    sheet = loaded["Packages"]
    fill = PatternFill("solid", fgColor="FFE6E6")
    font = Font(bold=True, color="CC0000")
    for row, column in cells:  # type: ignore[attr-defined]
        cell = sheet[f"{column}{row}"]
        cell.value, cell.fill, cell.font = f"text {row} {column}", fill, font
    loaded.save(target)


if __name__ == "__main__":
    main()
