"""Going on with a scan: from its checkpoints, from its results, from a chosen point; and when that is refused."""

import functools
import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from flows.checkpoints.cleaning import clean
from flows.scan.offer import offer_on_terminal
from flows.scan.prepare import prepare
from flows.scan.prepared import PreparedScan
from flows.scan.request import ResumeMode
from flows.scan.resume import Resuming, scan_held
from tasks.checkpoints.checks import Verdict, check_file, checks_of
from tasks.checkpoints.housekeeping import Keeping
from tasks.checkpoints.model import CheckpointData, ScanState
from tasks.checkpoints.recovery import RecoveryMode, RecoverySummary, summary_of
from tasks.checkpoints.results import stored_batches
from tasks.checkpoints.store import CheckpointStore, read_checkpoint
from tasks.errors import CheckpointError, UsageError
from tasks.review.model import PackageKey, ReviewStatus
from tests.checkpoints.plain_scan import PlainScan
from tests.end_to_end.harness import make_workbook

PACKAGES = 20
FORMAT_1 = Path(__file__).parent / "fixtures" / "format1"


@pytest.fixture
def scan(tmp_path: Path) -> PlainScan:
    config = tmp_path / "settings.yaml"
    config.write_text("batch_processing: {batch_size: 4, max_concurrent_batches: 1, checkpoint_frequency: 1}\n")
    book = make_workbook(tmp_path / "r.xlsx", [(f"pkg-{number}", "1.0") for number in range(PACKAGES)])
    return PlainScan(book, tmp_path / "data", config)


class StopAfter:
    """Stops a run after so many looks, as a signal would between two batches."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    @property
    def requested(self) -> bool:
        self.looks -= 1
        return self.looks < 0

    def given_up(self) -> bool:
        return False


def _interrupt(scan: PlainScan, batches: int = 3, prepared: PreparedScan | None = None) -> None:
    with pytest.raises(KeyboardInterrupt):
        scan.run(StopAfter(batches), prepared)


def _found(scan: PlainScan) -> CheckpointData:
    found = scan.unfinished
    assert found is not None
    return found


def _files(scan: PlainScan) -> list[Path]:
    store = CheckpointStore(scan.data / "checkpoints")
    return store.files_of(_found(scan).scan_id)


def _names(*places: int) -> list[str]:
    return [f"pkg-{place}" for place in places]


def test_an_interrupted_scan_leaves_a_whole_checkpoint_and_the_next_run_asks_for_the_rest_only(scan: PlainScan) -> None:
    _interrupt(scan)
    assert scan.asked == _names(*range(12))
    checkpoint = _found(scan)
    assert checkpoint.state is ScanState.INTERRUPTED
    assert (checkpoint.batch_state.completed_packages, checkpoint.batch_state.total_packages) == (12, PACKAGES)
    assert checkpoint.batch_state.total_batches == 5
    assert list(checkpoint.package_progress) == _names(*range(12))
    assert len(checkpoint.result_keys) == 3
    assert checkpoint.batch_state.processing_statistics["batches"] == 3
    assert len(_files(scan)) == 2
    checks = list(checks_of(checkpoint, scan.data, datetime.fromisoformat("2020-01-01")))
    assert [check.verdict for check in checks] == [Verdict.OK] * len(checks)
    run = scan.run()
    assert (run.cached, run.batches) == (3, 5)
    assert scan.asked == _names(*range(PACKAGES))
    assert list((scan.data / "checkpoints").glob("*.json")) == []
    assert list((scan.data / "checkpoints" / "backups").iterdir()) == []
    assert list((scan.data / "results").iterdir()) == []


def test_the_backup_is_the_workbook_as_it_was_read(scan: PlainScan) -> None:
    before = scan.book.read_bytes()
    _interrupt(scan)
    checkpoint = _found(scan)
    assert checkpoint.excel_backup_path is not None
    assert (scan.data / checkpoint.excel_backup_path).read_bytes() == before
    assert checkpoint.excel_backup_hash == checkpoint.excel_file_hash
    assert Path(checkpoint.excel_backup_path).name.startswith("excel_backup_2")


def test_without_backup_on_checkpoint_there_is_no_copy(scan: PlainScan) -> None:
    scan.config.write_text(
        "batch_processing: {batch_size: 4, backup_on_checkpoint: false, max_concurrent_batches: 1}\n"
    )
    _interrupt(scan)
    assert _found(scan).excel_backup_path is None
    assert not (scan.data / "checkpoints" / "backups").exists()


def test_without_cleanup_the_finished_scan_stays_and_is_not_gone_on_with(scan: PlainScan) -> None:
    scan.config.write_text("batch_processing: {batch_size: 4, cleanup_on_success: false}\n")
    scan.run()
    assert next(head.state for head in CheckpointStore(scan.data / "checkpoints").heads()) is ScanState.DONE
    for path in (scan.data / "checkpoints").glob("*.json"):
        path.write_bytes(b"damaged")
    assert scan.prepare().resumed is None


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b.replace(b"pkg-1", b"pkg-x"), lambda b: b""])
def test_a_damaged_newest_checkpoint_gives_way_to_the_one_before(
    scan: PlainScan, damage: Callable[[bytes], bytes]
) -> None:
    _interrupt(scan)
    newest = _files(scan)[-1]
    newest.write_bytes(damage(newest.read_bytes()))
    run = scan.run()
    assert run.cached == 3
    assert scan.asked == _names(*range(PACKAGES))


def test_with_every_checkpoint_damaged_the_results_are_enough(
    scan: PlainScan, caplog: pytest.LogCaptureFixture
) -> None:
    _interrupt(scan)
    for path in _files(scan):
        path.write_bytes(path.read_bytes()[:-9])
    assert _found(scan).batch_state.completed_packages == 12
    run = scan.run()
    assert run.cached == 3
    assert scan.asked == _names(*range(PACKAGES))
    assert "No sound checkpoint" in caplog.text


def test_any_torn_or_flipped_checkpoint_costs_no_finished_batch(scan: PlainScan) -> None:
    _interrupt(scan)
    scan_id, newest = _found(scan).scan_id, _files(scan)[-1]
    sound = newest.read_bytes()
    torn = [sound[:length] for length in range(0, len(sound), 64)]
    flipped = [sound[:at] + bytes([sound[at] ^ 16]) + sound[at + 1 :] for at in range(0, len(sound), 64)]
    for wrong in (*torn, *flipped):
        newest.write_bytes(wrong)
        assert _found(scan).scan_id == scan_id
    assert scan.run().cached == 3


def test_any_torn_or_flipped_record_is_looked_up_again_and_no_other(scan: PlainScan) -> None:
    _interrupt(scan)
    scan_id, records = _found(scan).scan_id, Keeping(scan.data).records.results
    record = sorted((scan.data / "results" / scan_id).glob("batch-*"))[0]
    sound = record.read_bytes()
    own = {key["project"] for plain in stored_batches(records, scan_id) for key in plain["keys"]}
    lost = {key["project"] for key in json.loads(json.loads(sound.split(b"\n", 1)[1])["result"])["keys"]}
    for at in range(0, len(sound), 64):
        for wrong in (sound[:at], sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :]):
            record.write_bytes(wrong)
            kept = {key["project"] for plain in stored_batches(records, scan_id) for key in plain["keys"]}
            assert kept == own - lost, at
    assert scan.run().cached == 2
    assert sorted(name for name in scan.asked if scan.asked.count(name) > 1) == sorted([*lost, *lost])


def test_a_checkpoint_and_results_of_the_first_format_are_gone_on_with(scan: PlainScan) -> None:
    prepared = scan.prepare()
    sound = read_checkpoint(next((FORMAT_1 / "checkpoints").iterdir()))
    assert (sound.batch_state.completed_packages, sound.result_keys, sound.excel_backup_hash) == (5, {}, None)
    shutil.copytree(FORMAT_1, scan.data, dirs_exist_ok=True)
    # The same format in the same words; only the workbook, its hash and the sources are those of this test.
    path = next((scan.data / "checkpoints").iterdir())
    text = path.read_bytes().replace(b"reviews/packages.xlsx", json.dumps(str(scan.book.resolve()))[1:-1].encode())
    text = text.replace(b"a" * 64, prepared.lookup.answers_digest.encode())
    text = text.replace(b"0" * 64, prepared.workbook.fingerprint.sha256.encode()).replace(b"2026-0", b"2999-0")
    path.write_bytes(_resealed(text))
    assert b'"format":1' in text
    run = scan.run()
    assert (run.cached, len(run.reviews)) == (2, PACKAGES)
    assert scan.asked == _names(*range(10, PACKAGES))


def _resealed(text: bytes) -> bytes:
    head, body, _ = text.split(b"\n", 2)
    parts = head.removeprefix(b'{"head": ').removesuffix(b","), body.removeprefix(b'"body": ').removesuffix(b",")
    digest = hashlib.sha256(b"\n".join(parts)).hexdigest().encode()
    return head + b"\n" + body + b'\n"sha256": "' + digest + b'"}\n'


def test_a_later_format_is_refused_by_name(scan: PlainScan) -> None:
    _interrupt(scan)
    path = _files(scan)[-1]
    path.write_bytes(_resealed(path.read_bytes().replace(b'"format":2', b'"format":3')))
    with pytest.raises(CheckpointError, match="later version"):
        read_checkpoint(path)


@pytest.mark.parametrize("number", [1, 5, 6, 12, 13, 20])
def test_from_a_package_on_everything_is_looked_up_anew_and_before_it_nothing(scan: PlainScan, number: int) -> None:
    _interrupt(scan)
    asked = len(scan.asked)
    prepared = prepare(scan.request(resume_from_package=number))
    run = scan.run(prepared=prepared)
    assert scan.asked[asked:] == _names(*range(number - 1, PACKAGES))
    left_out = max(0, number - 1 - 12)
    assert len(run.reviews) == PACKAGES - left_out
    assert list((scan.data / "results").iterdir()) == []
    rows = list(openpyxl.load_workbook(scan.book).active.iter_rows(min_row=4, values_only=True))  # type: ignore[union-attr]
    assert [row[5] is None for row in rows] == [12 <= place < number - 1 for place in range(PACKAGES)]


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_from_a_batch_on(scan: PlainScan, number: int) -> None:
    _interrupt(scan)
    asked = len(scan.asked)
    scan.run(prepared=prepare(scan.request(resume_from_batch=number)))
    assert scan.asked[asked:] == _names(*range(4 * (number - 1), PACKAGES))


def test_from_a_point_without_any_unfinished_scan_rows_before_it_are_left_alone(scan: PlainScan) -> None:
    run = scan.run(prepared=prepare(scan.request(resume_from_batch=4)))
    assert scan.asked == _names(*range(12, PACKAGES))
    assert len(run.reviews) == 8


@pytest.mark.parametrize("options", [{"resume_from_package": 21}, {"resume_from_batch": 6}])
def test_a_point_behind_the_end_is_refused(scan: PlainScan, options: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="behind the last of 20 packages"):
        prepare(scan.request(**options))


def test_a_scan_from_a_point_that_is_interrupted_is_gone_on_with_itself(scan: PlainScan) -> None:
    _interrupt(scan)
    prepared = prepare(scan.request(resume_from_package=15))
    assert len(prepared.left_out) == 2
    _interrupt(scan, 4, prepared)
    again = scan.prepare()
    assert again.scan_id == prepared.scan_id
    assert again.left_out == prepared.left_out
    asked = len(scan.asked)
    scan.run(prepared=again)
    assert scan.asked[asked:] == _names(18, 19)
    assert list((scan.data / "results").iterdir()) == []


def test_numbers_count_from_nought_in_the_design_and_from_one_here(scan: PlainScan) -> None:
    options = scan.request(resume_from_package=25, resume_from_batch=3, merge_strategy="use-current").recovery
    assert (options.start_from_package, options.start_from_batch) == (24, 2)
    assert options.resume_mode is RecoveryMode.CUSTOM
    assert type(options)(merge_strategy="use_checkpoint").merge_strategy == "use-checkpoint"
    assert scan.request(resume=ResumeMode.FRESH).recovery.resume_mode is RecoveryMode.FRESH


@pytest.mark.parametrize("chosen", [{"start_row": 4, "end_row": 6}, {"packages": ("pkg-3",)}, {"retry_failed": True}])
def test_a_whole_new_scan_settles_the_older_one_and_a_partial_one_does_not(
    scan: PlainScan, chosen: dict[str, Any]
) -> None:
    _interrupt(scan)
    older = _found(scan).scan_id
    scan.run(prepared=prepare(scan.request(resume=ResumeMode.FRESH, **chosen)))
    # The workbook is another one now, yet the older scan is still there to be gone on with.
    assert _found(scan).scan_id == older
    scan.run(prepared=prepare(scan.request(resume=ResumeMode.FRESH)))
    assert scan.unfinished is None
    assert list((scan.data / "results").iterdir()) == []


def test_nothing_said_is_refused_in_one_line_that_names_the_flags(scan: PlainScan) -> None:
    _interrupt(scan)
    with pytest.raises(UsageError, match=r"12 of 20 packages done.*--resume-auto to go on or --start-fresh") as refused:
        prepare(scan.request(resume=ResumeMode.ASK))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("answer", "resumed"), [(ResumeMode.AUTO, True), (ResumeMode.FRESH, False)])
def test_on_a_terminal_the_offer_decides(scan: PlainScan, answer: ResumeMode, resumed: bool) -> None:
    _interrupt(scan)
    shown: list[RecoverySummary] = []

    def offer(summary: RecoverySummary) -> ResumeMode:
        shown.append(summary)
        return answer

    prepared = prepare(scan.request(resume=ResumeMode.ASK, interactive=True), offer)
    assert (prepared.resumed is not None) is resumed
    assert (shown[0].done, shown[0].left, shown[0].failed) == (12, 8, 0)


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        (["r\n"], ResumeMode.AUTO),
        (["\n"], ResumeMode.AUTO),
        (["what\n", "S\n"], ResumeMode.FRESH),
        (["q\n"], None),
        ([""], None),
    ],
)
def test_what_is_typed(scan: PlainScan, typed: list[str], answer: ResumeMode | None) -> None:
    _interrupt(scan)
    said: list[str] = []
    lines = iter(typed)
    summary = summary_of(_found(scan), datetime.fromisoformat("2999-01-01"))
    assert offer_on_terminal(summary, lambda: next(lines), said.append) is answer
    assert "12 of 20 packages done (3 batches), 8 left, 0 could not be checked" in said[0]


def _edit(book: Path, cells: dict[str, Any]) -> None:
    opened = openpyxl.load_workbook(book)
    for place, value in cells.items():
        opened.active[place] = value  # type: ignore[index]
    opened.save(book)


def test_a_changed_workbook_is_shown_cell_by_cell_and_the_edit_stays(
    scan: PlainScan, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    _interrupt(scan)
    _edit(scan.book, {"N5": "checked by hand", "F6": "9.9", "C20": "1.5", "B24": "late", "C24": "1.0"})
    prepared = scan.prepare()
    assert prepared.base is not None
    assert 'N5 (pkg-1): "note 1" is now "checked by hand"' in caplog.text
    assert 'F6 (pkg-2): "" is now "9.9"' in caplog.text
    assert 'row 20 pkg-16: version "1.0" is now "1.5"' in caplog.text
    assert "row 24 late 1.0 is new" in caplog.text
    scan.run(prepared=prepared)
    sheet = openpyxl.load_workbook(scan.book).active
    assert sheet is not None
    assert [sheet[place].value for place in ("N5", "F6", "F7", "F24")] == ["checked by hand", "9.9", "2.0", "2.0"]


def test_the_workbook_as_first_read_stays_the_base_through_several_resumes(scan: PlainScan) -> None:
    _interrupt(scan, 2)
    first = _found(scan).excel_file_hash
    _edit(scan.book, {"F6": "9.9"})
    _interrupt(scan, 4)
    assert _found(scan).excel_file_hash == first
    _edit(scan.book, {"F7": "8.8"})
    prepared = scan.prepare()
    assert prepared.base is not None
    assert prepared.base.fingerprint.sha256 == first
    scan.run(prepared=prepared)
    sheet = openpyxl.load_workbook(scan.book).active
    assert sheet is not None
    assert [sheet[place].value for place in ("F6", "F7", "F8")] == ["9.9", "8.8", "2.0"]


def _without_backup(scan: PlainScan) -> None:
    shutil.rmtree(scan.data / "checkpoints" / "backups")
    _edit(scan.book, {"F6": "9.9"})


def _other_sources(scan: PlainScan) -> None:
    scan.config.write_text(scan.config.read_text() + "sources: {pypi: {base_url: 'http://127.0.0.1:9/x'}}\n")


@pytest.mark.parametrize(
    ("spoil", "reason"), [(_without_backup, "no copy to compare"), (_other_sources, "other sources or snapshots")]
)
def test_what_cannot_be_gone_on_with_safely_is_refused_unless_forced(
    scan: PlainScan, spoil: Callable[[PlainScan], None], reason: str
) -> None:
    _interrupt(scan)
    spoil(scan)
    with pytest.raises(UsageError, match=rf"{reason}.*--force-continue.*--start-fresh"):
        scan.prepare()
    run = scan.run(prepared=prepare(scan.request(force_continue=True)))
    assert run.cached == 3
    assert scan.asked == _names(*range(PACKAGES))


def test_an_expired_scan_is_passed_over_unless_forced(
    scan: PlainScan, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _interrupt(scan)
    checkpoint = _found(scan)
    late = checkpoint.expires_at + timedelta(seconds=1)
    monkeypatch.setattr("flows.scan.prepare.Resuming", functools.partial(Resuming, now=lambda: late))
    assert scan.prepare().resumed is None
    assert "expired" in caplog.text
    assert prepare(scan.request(force_continue=True)).scan_id == checkpoint.scan_id
    verdicts = {check.name: check.verdict for check in checks_of(checkpoint, scan.data, late)}
    assert verdicts["age"] is Verdict.FAILED
    assert Keeping(scan.data).ended(late) == [checkpoint.scan_id]
    assert Keeping(scan.data).ended(checkpoint.created_at) == []


def test_a_scan_that_is_being_run_is_not_run_twice(scan: PlainScan) -> None:
    _interrupt(scan)
    scan_id = _found(scan).scan_id
    with scan_held(scan.data, scan_id), pytest.raises(UsageError, match=r"is running .*--start-fresh"):
        scan.prepare()
    with scan_held(scan.data, scan_id):
        assert prepare(scan.request(resume=ResumeMode.FRESH)).scan_id != scan_id
    assert scan.prepare().scan_id == scan_id


def test_a_scan_that_is_being_run_is_not_tidied_away(scan: PlainScan) -> None:
    _interrupt(scan)
    scan_id = _found(scan).scan_id
    with scan_held(scan.data, scan_id):
        scan.run(prepared=prepare(scan.request(resume=ResumeMode.FRESH)))
        with pytest.raises(UsageError, match="let it end"):
            clean(scan.data, scan_id)
    assert _found(scan).scan_id == scan_id
    assert clean(scan.data, scan_id) == 0
    assert list((scan.data / "results").iterdir()) == []


def test_what_belongs_to_no_scan_goes_after_a_day(scan: PlainScan) -> None:
    _interrupt(scan)
    keeping, now = Keeping(scan.data), _found(scan).created_at
    orphan, copy = (
        scan.data / "results" / "0123456789ab",
        keeping.copies / "excel_backup_20200101_000000_0123456789ab.xlsx",
    )
    orphan.mkdir()
    (orphan / "batch-x").write_text("")
    copy.write_text("")
    assert keeping.tidy(now) == []
    assert sorted(keeping.tidy(now + timedelta(days=2))) == sorted([orphan.name, copy.name])
    assert not orphan.exists()
    assert scan.run().cached == 3


def test_every_kind_of_damage_has_its_check(scan: PlainScan) -> None:
    _interrupt(scan)
    checkpoint, path = _found(scan), _files(scan)[-1]
    now = checkpoint.created_at

    def verdicts() -> dict[str, Verdict]:
        return {check.name: check.verdict for check in checks_of(checkpoint, scan.data, now, checkpoint.answers_digest)}

    assert set(verdicts().values()) == {Verdict.OK}
    record = next((scan.data / "results").glob("*/batch-*"))
    record.write_bytes(record.read_bytes()[:-1])
    assert verdicts()["results"] is Verdict.FAILED
    _edit(scan.book, {"N5": "x"})
    assert verdicts()["workbook"] is Verdict.WARNING
    backup = scan.data / str(checkpoint.excel_backup_path)
    backup.write_bytes(backup.read_bytes() + b" ")
    assert (verdicts()["backup"], verdicts()["workbook"]) == (Verdict.FAILED, Verdict.FAILED)
    path.write_bytes(path.read_bytes()[:-1])
    assert check_file(path)[0].verdict is Verdict.FAILED


def _fails(*places: int) -> Callable[[PackageKey], Exception | None]:
    return lambda key: ValueError(f"odd data in {key.name}") if key.project in _names(*places) else None


def test_a_batch_that_fails_as_a_whole_is_tried_again_and_then_reported_package_by_package(scan: PlainScan) -> None:
    run = scan.run(broken=_fails(5))
    failed = [review for review in run.reviews.values() if review.status is ReviewStatus.FAILED]
    assert sorted(review.name for review in failed) == _names(4, 5, 6, 7)
    assert all("odd data in pkg-5" in (review.reason or "") for review in failed)
    assert all(
        review.recommendation and "nothing is known to be safe" in review.recommendation.text for review in failed
    )
    assert len(run.reviews) == PACKAGES


def test_failed_packages_are_tried_again_at_the_end_and_heal(scan: PlainScan) -> None:
    tries: list[str] = []

    def failing(key: PackageKey) -> bool:
        tries.append(key.project)
        return key.project in _names(3, 9) and tries.count(key.project) < 2

    run = scan.run(failing=failing)
    assert {review.status for review in run.reviews.values()} == {ReviewStatus.REVIEWED}
    assert tries[PACKAGES:] == _names(3, 9)


def test_rounds_end_when_they_heal_nothing_or_are_not_wanted(scan: PlainScan) -> None:
    run = scan.run(failing=lambda key: key.project == "pkg-3")
    assert scan.asked.count("pkg-3") == 2
    assert [review.name for review in run.reviews.values() if review.status is ReviewStatus.FAILED] == ["pkg-3"]
    scan.config.write_text("batch_processing: {retry_failed_batches: false}\n")
    scan.run(failing=lambda key: key.project == "pkg-3")
    assert scan.asked.count("pkg-3") == 3
