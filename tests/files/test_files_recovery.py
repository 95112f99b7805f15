"""Settling a half-done merge by its record, and undoing one."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import MergeError, WorkbookChanged
from tasks.files.disk import sha256_of
from tasks.files.journal import MergeJournal, commit_merge, journal_path, read_journal, write_journal
from tasks.files.recovery import RecoveryOutcome, recover, restore_backup, roll_back
from tasks.files.steps import HookedSteps
from tasks.files.temporaries import temporary_for

OLD, NEW, EDITED = b"old " * 99, b"new " * 99, b"edited since"


class Merge:
    """A merge with all its files: workbook, backup, temporary file and record."""

    def __init__(self, tmp_path: Path, *, now: bytes | None) -> None:
        self.target = tmp_path / "user" / "packages.xlsx"
        self.backup = tmp_path / "backups" / "packages.backup_20260102_030405.xlsx"
        self.record = tmp_path / "backups" / "packages.merge.json"
        for path in (self.target, self.backup):
            path.parent.mkdir()
        self.target.write_bytes(NEW)
        new_sha256 = sha256_of(self.target)
        self.backup.write_bytes(OLD)
        self.temporary = temporary_for(self.target)
        self.journal = MergeJournal(
            self.target,
            self.backup,
            sha256_of(self.backup),
            new_sha256,
            self.temporary.name,
            "s1",
            datetime.fromisoformat("2026-01-02"),
        )
        write_journal(self.record, self.journal)
        if now is None:
            self.target.unlink()
        else:
            self.target.write_bytes(now)


def test_no_record_is_nothing(tmp_path: Path) -> None:
    assert recover(tmp_path / "none.merge.json").outcome is RecoveryOutcome.NOTHING
    assert roll_back(tmp_path / "none.merge.json").outcome is RecoveryOutcome.NOTHING


@pytest.mark.parametrize(("now", "outcome"), [(NEW, RecoveryOutcome.FINISHED), (OLD, RecoveryOutcome.UNDONE)])
def test_new_or_old_is_settled_and_cleaned_up(tmp_path: Path, now: bytes, outcome: RecoveryOutcome) -> None:
    merge = Merge(tmp_path, now=now)
    merge.temporary.write_bytes(NEW)
    found = recover(merge.record)
    assert (found.outcome, found.journal) == (outcome, merge.journal)
    assert str(merge.target) in found.sentence
    assert merge.target.read_bytes() == now
    assert not merge.temporary.exists()
    assert not merge.record.exists()
    assert recover(merge.record).outcome is RecoveryOutcome.NOTHING


@pytest.mark.parametrize("now", [EDITED, None])
def test_an_edit_or_a_missing_workbook_is_left_alone_and_told_once(tmp_path: Path, now: bytes | None) -> None:
    merge = Merge(tmp_path, now=now)
    found = recover(merge.record)
    assert found.outcome is RecoveryOutcome.UNCLEAR
    assert str(merge.backup) in found.sentence
    assert merge.backup.read_bytes() == OLD
    assert (merge.target.read_bytes() if now else merge.target.exists()) == (now or False)
    assert recover(merge.record).outcome is RecoveryOutcome.NOTHING
    assert read_journal(merge.record.with_name(merge.record.name + ".unclear")) == merge.journal


@pytest.mark.parametrize(("temporary", "now"), [(NEW, NEW), (b"torn", OLD), (None, OLD)])
def test_a_swap_that_windows_left_in_the_middle_is_finished_or_undone(
    tmp_path: Path, temporary: bytes | None, now: bytes
) -> None:
    merge = Merge(tmp_path, now=None)
    if temporary is not None:
        merge.temporary.write_bytes(temporary)
    merge.temporary.with_name(merge.temporary.name + ".old").write_bytes(OLD)
    outcome = recover(merge.record).outcome
    assert merge.target.read_bytes() == now
    assert outcome is (RecoveryOutcome.FINISHED if now == NEW else RecoveryOutcome.UNDONE)
    assert [path.name for path in merge.target.parent.iterdir()] == ["packages.xlsx"]


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"null", b'{"format": 1}', b"[" * 50_000, b"\xff\xfe", b" " * 100_000, b'{"format": 2}']
)
def test_a_torn_or_foreign_record_is_set_aside_by_name(tmp_path: Path, raw: bytes) -> None:
    record = tmp_path / "a.merge.json"
    record.write_bytes(raw)
    found = recover(record)
    assert found.outcome is RecoveryOutcome.UNCLEAR
    assert str(record) in found.sentence
    assert (tmp_path / "a.merge.json.unclear").read_bytes() == raw


def test_a_record_with_a_wrong_type_is_not_believed(tmp_path: Path) -> None:
    merge = Merge(tmp_path, now=NEW)
    plain = json.loads(merge.record.read_bytes())
    for key in plain:
        merge.record.write_text(json.dumps(plain | {key: ["x"]}))
        with pytest.raises(MergeError, match="not a merge record"):
            read_journal(merge.record)


def test_only_a_name_of_ours_is_removed(tmp_path: Path) -> None:
    merge = Merge(tmp_path, now=NEW)
    victim = merge.target.with_name("other.xlsx")
    victim.write_bytes(b"somebody's")
    for name in ("other.xlsx", "../user/other.xlsx", str(victim)):
        write_journal(merge.record, replace(merge.journal, temporary=name))
        assert recover(merge.record).outcome is RecoveryOutcome.FINISHED
    assert victim.read_bytes() == b"somebody's"


hexadecimal = st.text("0123456789abcdef", min_size=64, max_size=64)


@settings(max_examples=50, deadline=None)
@given(
    st.builds(
        MergeJournal,
        target=st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=40).map(Path),
        backup=st.none() | st.just(Path("/data/backups/a.xlsx").absolute()),
        old_sha256=hexadecimal,
        new_sha256=hexadecimal,
        temporary=st.text(max_size=40),
        scan_id=st.text(max_size=40),
        started_at=st.datetimes(),
    )
)
def test_a_record_is_read_as_written(tmp_path_factory: pytest.TempPathFactory, journal: MergeJournal) -> None:
    record = tmp_path_factory.getbasetemp() / "round.merge.json"
    write_journal(record, journal)
    assert read_journal(record) == journal
    commit_merge(record)
    assert not record.exists()


def test_roll_back_restores_the_old_workbook(tmp_path: Path) -> None:
    merge = Merge(tmp_path, now=NEW)
    merge.target.chmod(0o640)
    found = roll_back(merge.record)
    assert found.outcome is RecoveryOutcome.UNDONE
    assert merge.target.read_bytes() == OLD
    assert merge.target.stat().st_mode & 0o777 in {0o640, 0o666}
    assert not merge.record.exists()
    assert merge.backup.exists()


@pytest.mark.parametrize(("now", "error"), [(EDITED, WorkbookChanged), (None, MergeError)])
def test_roll_back_does_not_overwrite_anybodys_edit(tmp_path: Path, now: bytes | None, error: type[MergeError]) -> None:
    merge = Merge(tmp_path, now=now)
    with pytest.raises(error, match=r"packages\.backup_20260102"):
        roll_back(merge.record)
    assert merge.record.exists()
    assert not merge.target.exists() if now is None else merge.target.read_bytes() == now


def test_a_backup_that_is_not_the_old_workbook_is_not_restored(tmp_path: Path) -> None:
    merge = Merge(tmp_path, now=NEW)
    merge.backup.write_bytes(b"damaged")
    with pytest.raises(MergeError, match="not the backup"):
        roll_back(merge.record)
    assert merge.target.read_bytes() == NEW
    assert [path.name for path in merge.target.parent.iterdir()] == ["packages.xlsx"]


def test_an_edit_during_the_restore_is_not_overwritten(tmp_path: Path) -> None:
    merge = Merge(tmp_path, now=NEW)

    def save(number: int, name: str) -> None:
        if name == "create":
            merge.target.write_bytes(EDITED)

    with pytest.raises(WorkbookChanged, match="not undone"):
        roll_back(merge.record, HookedSteps(save))
    assert merge.target.read_bytes() == EDITED
    assert merge.record.exists()


def test_restoring_what_is_already_old_is_no_error(tmp_path: Path) -> None:
    merge = Merge(tmp_path, now=OLD)
    merge.backup.unlink()
    journal = merge.journal
    restore_backup(merge.target, merge.backup, old_sha256=journal.old_sha256, new_sha256=journal.new_sha256)
    assert merge.target.read_bytes() == OLD


def test_without_a_backup_a_finished_merge_cannot_be_undone(tmp_path: Path) -> None:
    merge = Merge(tmp_path, now=NEW)
    write_journal(merge.record, replace(merge.journal, backup=None))
    with pytest.raises(MergeError, match="no backup was made"):
        roll_back(merge.record)
    assert merge.target.read_bytes() == NEW


def test_two_workbooks_of_one_name_have_two_records_and_a_link_has_its_files(tmp_path: Path) -> None:
    first, second, link = tmp_path / "a" / "w.xlsx", tmp_path / "b" / "w.xlsx", tmp_path / "c.xlsx"
    for path in (first, second):
        path.parent.mkdir()
        path.touch()
    link.symlink_to(first)
    assert journal_path(tmp_path, first) != journal_path(tmp_path, second)
    assert journal_path(tmp_path, first) == journal_path(tmp_path, tmp_path / "b" / ".." / "a" / "w.xlsx")
    assert journal_path(tmp_path, link) == journal_path(tmp_path, first)
