"""Results in S3: found from other machines, not believed when damaged, never taken for missing while S3 is away."""

import dataclasses
import logging
import re
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from flows.checkpoints.__main__ import main
from flows.checkpoints.cleaning import clean
from flows.ioc.prepare import unfinished_scan
from flows.scan.cleanup import clean_up
from flows.scan.prepare import prepare
from flows.scan.progress_record import ProgressRecord
from flows.scan.request import ResumeMode
from tasks.checkpoints.checks import Verdict, checks_of
from tasks.checkpoints.housekeeping import Keeping
from tasks.checkpoints.model import ScanRecord, ScanState
from tasks.checkpoints.records import places
from tasks.checkpoints.records.places import check_place
from tasks.checkpoints.results import read_record, record_digest, stored_batches
from tasks.checkpoints.scans import ScanRecords
from tasks.checkpoints.statistics import RunStatistics
from tasks.checkpoints.store import read_checkpoint
from tasks.checkpoints.unfinished import find_unfinished
from tasks.errors import CheckpointError, ExitCode, ResultsUnreachable, SettingsError, UsageError
from tasks.http.breaker import Breaker
from tasks.http.redaction import secrets_of
from tasks.settings.load import load_settings
from tests.checkpoints.plain_scan import PlainScan
from tests.checkpoints.test_checkpoints_resume import StopAfter
from tests.end_to_end.harness import make_workbook
from tests.s3_places import S3Server

PACKAGES = 20
SCAN = "0123456789ab"
BATCH = f"{SCAN}/batch-{'a' * 32}"


@pytest.fixture
def scan(tmp_path: Path, s3: S3Server) -> PlainScan:
    config = tmp_path / "settings.yaml"
    config.write_text(
        "batch_processing: {batch_size: 4, max_concurrent_batches: 1, checkpoint_frequency: 1}\n"
        f"execution: {{results: '{s3.address}'}}\n"
    )
    book = make_workbook(tmp_path / "r.xlsx", [(f"pkg-{number}", "1.0") for number in range(PACKAGES)])
    return PlainScan(book, tmp_path / "data", config)


def _stopped(scan: PlainScan, batches: int = 3) -> str:
    """Interrupt a run after so many batches; the scan's id."""
    with pytest.raises(KeyboardInterrupt):
        scan.run(StopAfter(batches))
    keeping = Keeping(scan.data, scan.prepare().settings.execution.results)
    found = find_unfinished(keeping.store, keeping.records, scan.book.resolve())
    assert found is not None
    return found.checkpoint.scan_id


def _batches(s3: S3Server, scan_id: str) -> list[str]:
    return s3.records.keys(scan_id, "batch")


def test_an_interrupted_scan_goes_on_from_s3_and_leaves_nothing_there(scan: PlainScan, s3: S3Server) -> None:
    scan_id = _stopped(scan)
    assert len(_batches(s3, scan_id)) == 3
    assert not list((scan.data / "results").rglob("batch-*"))
    run = scan.run()
    assert (run.cached, run.batches) == (3, 5)
    assert scan.asked == [f"pkg-{number}" for number in range(PACKAGES)]
    assert s3.names() == []
    assert scan.warnings == []


def test_another_machine_goes_on_from_the_results_alone(scan: PlainScan, s3: S3Server) -> None:
    _stopped(scan)
    there = dataclasses.replace(scan, data=scan.data.parent / "elsewhere" / "data")
    run = there.run()
    assert (run.cached, run.batches) == (3, 5)
    assert there.asked == [f"pkg-{number}" for number in range(12, PACKAGES)]
    assert s3.names() == []


def test_what_another_machine_has_ended_is_not_gone_on_with_where_it_stopped(scan: PlainScan, s3: S3Server) -> None:
    scan_id = _stopped(scan)
    dataclasses.replace(scan, data=scan.data.parent / "elsewhere" / "data").run()
    store = Keeping(scan.data).store
    assert store.files_of(scan_id)
    prepared = scan.prepare()
    assert (prepared.resumed, prepared.base) == (None, None)
    assert prepared.scan_id != scan_id
    assert Keeping(scan.data, s3.address).tidy(datetime.now(UTC).replace(tzinfo=None)) == [scan_id]
    assert not store.files_of(scan_id)
    assert not list((scan.data / "checkpoints" / "backups").iterdir())


def test_a_scan_that_another_machine_goes_on_with_has_not_expired_here(scan: PlainScan, s3: S3Server) -> None:
    scan_id = _stopped(scan)
    keeping = Keeping(scan.data, s3.address)
    late = next(keeping.store.heads()).expires_at + timedelta(minutes=1)
    assert keeping.ended(late) == [scan_id]
    record = keeping.records.read(scan_id)
    assert record is not None
    keeping.records.write(record.model_copy(update={"expires_at": late + timedelta(days=29)}))
    assert keeping.ended(late) == []


def test_a_scan_that_another_machine_may_be_running_is_left_alone(scan: PlainScan, s3: S3Server) -> None:
    scan_id = _stopped(scan)
    there = dataclasses.replace(scan, data=scan.data.parent / "elsewhere" / "data")
    there.run(prepared=prepare(there.request(resume=ResumeMode.FRESH)))
    assert len(_batches(s3, scan_id)) == 3


@pytest.mark.parametrize("damage", [lambda b: b[:100], lambda b: b.replace(b"pkg-", b"pkq-", 1)])
def test_a_damaged_object_is_done_again_and_no_other(
    scan: PlainScan, s3: S3Server, damage: Callable[[bytes], bytes]
) -> None:
    first, *_ = _batches(s3, _stopped(scan))
    s3.records.write(first, damage(s3.records.read(first) or b""))
    assert scan.run().cached == 2
    assert len(scan.asked) == PACKAGES + 4


def test_validation_looks_at_the_objects(scan: PlainScan, s3: S3Server) -> None:
    scan_id = _stopped(scan)
    store = Keeping(scan.data).store
    checkpoint = read_checkpoint(store.files_of(scan_id)[-1])

    def verdict() -> tuple[Verdict, str]:
        found = {check.name: check for check in checks_of(checkpoint, scan.data, checkpoint.created_at)}
        return found["results"].verdict, found["results"].message

    assert verdict()[0] is Verdict.OK
    assert main(["validate", checkpoint.checkpoint_id, "--data-dir", str(scan.data)]) == ExitCode.DONE
    first, second, _ = _batches(s3, scan_id)
    s3.records.write(first, b"torn")
    s3.client.delete_object(Bucket=s3.bucket, Key=f"some/prefix/{second}")
    assert verdict()[1].startswith("2 of 3 batch results have to be done again")
    s3.down()
    assert verdict()[0] is Verdict.FAILED
    assert "cannot be looked at" in verdict()[1]


def test_results_from_a_point_are_taken_over_within_s3(scan: PlainScan, s3: S3Server) -> None:
    older = _stopped(scan)
    prepared = prepare(scan.request(resume_from_package=7))
    run = scan.run(prepared=prepared)
    assert prepared.scan_id != older
    assert run.cached == 2
    assert [scan.asked.count(f"pkg-{number}") for number in range(PACKAGES)] == [1] * 6 + [2] * 6 + [1] * 8
    assert s3.names() == []


def test_a_scan_whose_results_lie_elsewhere_is_not_begun_at_the_beginning(scan: PlainScan) -> None:
    scan_id = _stopped(scan)
    scan.config.write_text("batch_processing: {batch_size: 4, max_concurrent_batches: 1}\n")
    with pytest.raises(UsageError, match=rf"{scan_id} .*results lie in s3://.*execution\.results"):
        scan.prepare()
    with pytest.raises(UsageError, match="lie in s3://"):
        prepare(scan.request(resume_from_package=7))
    with pytest.raises(UsageError, match="lie in s3://"):
        clean(scan.data, scan_id)


def test_cleaning_removes_what_has_ended_and_nothing_that_is_not_ours(scan: PlainScan, s3: S3Server) -> None:
    strange = f"some/prefix/{SCAN}/sub/scan.json"
    scan_id, others = _stopped(scan), ["some/prefix/reports/a.csv", f"some/prefix/{SCAN}/a.csv", "b.csv", strange]
    for name in others:
        s3.client.put_object(Bucket=s3.bucket, Key=name, Body=b"x")
    s3.records.write(BATCH, b"of nobody")
    keeping = Keeping(scan.data, s3.address)
    now = datetime.now(UTC).replace(tzinfo=None)
    assert keeping.tidy(now) == []
    assert sorted(keeping.tidy(now + timedelta(days=2))) == [SCAN]
    words = ["clean", "--scan", scan_id, "--data-dir", str(scan.data)]
    assert main(words) == ExitCode.USAGE
    assert main([*words, "--config", str(scan.config)]) == ExitCode.DONE
    assert sorted(s3.names()) == sorted(others)


def test_more_objects_than_one_answer_holds_are_listed_and_removed(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "10")
    monkeypatch.setattr("tasks.checkpoints.records.s3._MOST_KEYS", 7)
    keys = [f"{SCAN}/batch-{number:032x}" for number in range(25)]
    list(s3.records.each(keys, lambda key: s3.records.write(key, b"x")))
    assert s3.records.keys(SCAN, "batch") == keys
    s3.records.remove(SCAN)
    assert s3.names() == []


def test_at_the_start_s3_that_does_not_answer_is_told_before_anything_is_touched(scan: PlainScan, s3: S3Server) -> None:
    s3.down()
    with pytest.raises(SettingsError, match=r"s3://.*does not answer.*AWS_ENDPOINT_URL") as refused:
        scan.prepare()
    assert refused.value.exit_code == ExitCode.USAGE
    assert "\n" not in str(refused.value)
    assert "hidden-away" not in str(refused.value)


def test_a_missing_bucket_is_told(s3: S3Server) -> None:
    with pytest.raises(SettingsError, match=r"execution\.results s3://no-such-bucket/x: there is no such bucket"):
        check_place("s3://no-such-bucket/x")


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (403, "AccessDenied", "s3:PutObject"),
        (403, "InvalidAccessKeyId", "AWS_PROFILE"),
        (403, "SomethingNew", "access denied"),
        (400, "ExpiredToken", "have expired"),
        (404, "NoSuchKey", "refuses (NoSuchKey)"),
        (400, "NotForYou", "refuses (NotForYou)"),
        (501, "NotImplemented", "cannot answer now (NotImplemented)"),
    ],
)
def test_a_refusal_says_what_to_do(
    httpserver: HTTPServer, s3: S3Server, monkeypatch: pytest.MonkeyPatch, status: int, code: str, told: str
) -> None:
    body = f"<Error><Code>{code}</Code><Message>secret words</Message></Error>"
    httpserver.expect_request(re.compile("/.*")).respond_with_data(body, status, content_type="application/xml")
    monkeypatch.setenv("AWS_ENDPOINT_URL", httpserver.url_for(""))
    with pytest.raises(SettingsError, match=re.escape(told)) as refused:
        check_place(f"s3://bucket-of-{code.lower()}")
    assert "secret words" not in str(refused.value)


def test_an_address_that_is_no_s3_at_all_is_told(
    httpserver: HTTPServer, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request(re.compile("/.*")).respond_with_data("<h1>Not here</h1>", 404)
    monkeypatch.setenv("AWS_ENDPOINT_URL", httpserver.url_for(""))
    with pytest.raises(SettingsError, match="refuses"):
        check_place("s3://bucket-of-nobody")
    with pytest.raises(ResultsUnreachable, match="refuses"):
        places.records_at("s3://bucket-of-nobody").read(BATCH)


def test_without_credentials_the_message_says_how_to_give_some(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SettingsError, match="no credentials of AWS; set AWS_PROFILE"):
        check_place("s3://bucket-without-keys")


def test_nothing_reads_as_missing_while_s3_is_away(s3: S3Server) -> None:
    records = s3.records
    records.write(BATCH, b"x")
    s3.down()
    for ask in (
        lambda: records.read(BATCH),
        lambda: record_digest(records, BATCH),
        lambda: read_record(records, BATCH),
        lambda: list(stored_batches(records, SCAN)),
        lambda: list(ScanRecords(records)),
        records.scan_ids,
        lambda: records.write(BATCH, b"y"),
        lambda: records.remove(SCAN),
    ):
        with pytest.raises(ResultsUnreachable, match="does not answer"):
            ask()


def test_several_records_are_asked_for_at_the_same_time(s3: S3Server) -> None:
    together = threading.Barrier(4)
    assert sorted(s3.records.each(list("abcd"), lambda _: together.wait(10))) == [0, 1, 2, 3]


def test_what_did_not_answer_is_left_alone_for_a_while_and_then_asked_again(s3: S3Server) -> None:
    now = [100.0]
    records = dataclasses.replace(s3.records, breaker=Breaker(1, 10.0, lambda: now[0]))
    records.write(BATCH, b"x")
    s3.down()
    with pytest.raises(ResultsUnreachable):
        records.read(BATCH)
    s3.up()
    with pytest.raises(ResultsUnreachable):
        records.read(BATCH)
    now[0] += 11
    assert records.read(BATCH) == b"x"


def test_an_object_that_is_refused_does_not_make_the_others_unreachable(s3: S3Server) -> None:
    records = s3.records
    records.write(BATCH, b"x")
    for _ in range(3):
        with pytest.raises(ResultsUnreachable, match="there is no such bucket"):
            dataclasses.replace(records, bucket="no-such-bucket").read(BATCH)
    assert records.read(BATCH) == b"x"


def test_a_scan_that_ended_while_s3_was_away_is_not_gone_on_with_and_tidied_later(
    scan: PlainScan, s3: S3Server, caplog: pytest.LogCaptureFixture
) -> None:
    scan_id = _stopped(scan)
    prepared = scan.prepare()
    record = ProgressRecord(prepared, RunStatistics(lambda: 0.0, lambda: 1, dict), scan.warnings.append)
    s3.down()
    with caplog.at_level(logging.WARNING):
        record.write(ScanState.DONE)
        clean_up(prepared, finished=True)
    assert "is not removed" in caplog.text
    s3.up()
    places._s3.cache_clear()  # as a new process would
    assert _batches(s3, scan_id)
    assert scan.prepare().resumed is None
    assert clean(scan.data, results=s3.address) == ExitCode.DONE
    assert s3.names() == []


def test_results_that_are_needed_and_not_readable_end_the_run_by_name_and_are_still_there_later(
    scan: PlainScan, s3: S3Server
) -> None:
    _stopped(scan)
    prepared = scan.prepare()
    s3.down()
    with pytest.raises(ResultsUnreachable, match="does not answer") as ended:
        scan.run(prepared=prepared)
    assert ended.value.exit_code == ExitCode.MERGE_FAILED
    assert len(scan.asked) == 12
    s3.up()
    places._s3.cache_clear()
    assert scan.run().cached == 3
    assert len(scan.asked) == PACKAGES


def test_a_scan_record_that_could_not_be_written_is_written_with_the_next_checkpoint(
    scan: PlainScan, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.checkpoints.records.s3._LEFT_ALONE_S", 0.0)
    prepared = scan.prepare()
    record = ProgressRecord(prepared, RunStatistics(lambda: 0.0, lambda: 1, dict), scan.warnings.append)
    s3.down()
    record.begin()
    assert any("record could not be written" in line for line in scan.warnings)
    s3.up()
    record.save()
    assert s3.names() == [f"some/prefix/{prepared.scan_id}/scan.json"]


def test_an_ioc_scan_is_known_on_another_machine_by_its_record(s3: S3Server, tmp_path: Path) -> None:
    here, there = Keeping(tmp_path / "here", s3.address), Keeping(tmp_path / "there", s3.address)
    at = datetime.now(UTC).replace(tzinfo=None)
    for number, target in enumerate(("acme", "other", "acme")):
        here.records.write(
            ScanRecord(
                scan_id=f"{number:012x}",
                workbook=target,
                excel_file_hash="",
                answers_digest="",
                total_packages=1,
                batch_strategy="size",
                created_at=at + timedelta(minutes=number),
                expires_at=at + timedelta(days=7),
            )
        )
    assert unfinished_scan(there, "acme") == "000000000002"
    assert unfinished_scan(there, "nobody") is None
    there.remove_scan("000000000002")
    assert unfinished_scan(there, "acme") == "000000000000"
    s3.down()
    with pytest.raises(ResultsUnreachable):
        unfinished_scan(there, "acme")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/", "s3://bucket"),
        ("s3://my.bucket-1/a_b/C.d/", "s3://my.bucket-1/a_b/C.d"),
    ],
)
def test_addresses_of_s3_are_settings(value: str, kept: str) -> None:
    settings = load_settings(environment={"VETBOOK_EXECUTION__RESULTS": value}).settings
    assert settings.execution.results == kept


@pytest.mark.parametrize(
    "value",
    ["data/results", "s3://", "s3://B", "s3://bucket/../x", "s3://bucket//x", "s3://bucket/a b", "https://bucket/x"],
)
def test_anything_else_is_refused_with_what_it_must_be(value: str) -> None:
    with pytest.raises(SettingsError, match=r"execution\.results.*must be s3://BUCKET"):
        load_settings(environment={"VETBOOK_EXECUTION__RESULTS": value})


def test_credentials_in_an_address_are_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(environment={"VETBOOK_EXECUTION__RESULTS": "s3://AKIAKEY:s3cr3tkey@bucket/x"})
    assert "s3cr3tkey" not in str(refused.value)
    assert secrets_of({"AWS_SECRET_ACCESS_KEY": "s3cr3tkey", "AWS_SESSION_TOKEN": "t0kens"}) == ("s3cr3tkey", "t0kens")


def test_without_the_extra_the_message_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3.session", None)
    monkeypatch.delitem(sys.modules, "tasks.checkpoints.records.s3")
    with pytest.raises(SettingsError, match=r"pip install 'vetbook\[aws\]'"):
        check_place("s3://bucket-without-boto3")


def test_what_is_far_too_large_is_not_read(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.checkpoints.records.s3._LARGEST_BYTES", 10)
    s3.records.write(BATCH, b"x" * 11)
    with pytest.raises(CheckpointError, match="larger than 10 bytes"):
        s3.records.read(BATCH)
    assert read_record(s3.records, BATCH) is None
