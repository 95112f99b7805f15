"""Run by test_merge_crash in a process of its own: kills a real merge at every durable step, one after the other.

Prints one JSON line a kill: {"step", "name", "after": "old|new|torn", "settled", "next": "new|..."}.
"""

import json
import os
import signal
import sys
from datetime import datetime
from pathlib import Path

from tasks.files.journal import commit_merge
from tasks.files.steps import HookedSteps
from tasks.merge.changes import CellChange
from tasks.merge.commit import MergePlan, settle_interrupted, write_changes
from tasks.review.meaning import Meaning
from tasks.workbook.model import CellUpdate, Field
from tasks.workbook.reader import read_review


def plan_for(book: Path) -> MergePlan:
    """A merge that fills two cells of every row."""
    read = read_review(book)
    changes = tuple(
        CellChange(
            row.row, column, key, row.name, "", "2.0", Meaning.VERSION_UPDATE, CellUpdate(row.row, column, "2.0")
        )
        for row in read.rows
        for key, column in ((Field.LATEST_VERSION, "F"), (Field.RECOMMENDATION, "W"))
    )
    return MergePlan(
        source=book,
        target=book,
        layout=read.layout,
        expected=read.fingerprint,
        changes=changes,
        new_rows=(),
        after_row=max(row.row for row in read.rows),
        backups=book.parent / "backups",
        scan_id="s",
        now=datetime(2026, 1, 1),  # noqa: DTZ001  file names carry local time
    )


def state_of(book: Path, old: bytes) -> str:
    """Whether the workbook is the old one, the new one, or neither."""
    if book.read_bytes() == old:
        return "old"
    rows = read_review(book).rows
    whole = all(row.cells[Field.LATEST_VERSION] == "2.0" == row.cells[Field.RECOMMENDATION] for row in rows)
    return "new" if whole else "torn"


def _killed_at(number: int, book: Path) -> str:
    """Merge in a child that is killed before its step; the step's name, empty when it ran through."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:

        def hook(count: int, name: str) -> None:
            if count == number:
                os.write(writer, name.encode())
                os.kill(os.getpid(), signal.SIGKILL)

        plan = plan_for(book)
        write_changes(plan, HookedSteps(hook))
        commit_merge(plan.journal)
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as pipe:
        return pipe.read()


def main(book: Path) -> None:
    """Kill at step 1, 2, ... until a merge runs through."""
    old = book.read_bytes()
    backups = book.parent / "backups"
    for number in range(1, 1000):
        book.write_bytes(old)
        name = _killed_at(number, book)
        if not name:
            return
        after = state_of(book, old)
        settled = settle_interrupted(book, backups).outcome.value
        plan = plan_for(book)
        write_changes(plan)
        commit_merge(plan.journal) if plan.journal.exists() else None
        left = sorted(path.name for path in book.parent.iterdir() if path.name not in (book.name, "backups"))
        print(
            json.dumps(
                {
                    "step": number,
                    "name": name,
                    "after": after,
                    "settled": settled,
                    "left": left,
                    "next": state_of(book, old),
                }
            )
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
