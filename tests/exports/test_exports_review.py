"""The exports of a review: valid, the same for the same result, and never silent about what could not be checked."""

import csv
import dataclasses
import io
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tasks.decisions.model import DecisionKind, DecisionNote, Standing
from tasks.errors import CheckpointError
from tasks.exports.review_csv import COLUMNS, plain, write_review_csv
from tasks.exports.vex import write_vex
from tasks.exports.writing import write_review_exports
from tasks.reports.result import RunMetrics, ScanResult
from tasks.review.model import PackageReview, SourceAnswer, SourceName, SourceStatus
from tests.review.review_samples import NOW, OSV_DOWN, PYPI_DOWN, advisory, key, reviewed

AFFECTED = reviewed(
    key("1.0"),
    advisory("GHSA-aaaa-bbbb-cccc", aliases=("CVE-2020-0001",)),
    advisory("PYSEC-2020-1", aliases=("CVE-2020-0001",)),
    advisory("GHSA-dddd-eeee-ffff", fixed=None),
)


def result(*packages: PackageReview, **more: Any) -> ScanResult:
    return ScanResult("scan1", Path("folder/packages.xlsx"), NOW, NOW, packages, RunMetrics(), **more)


def vex(tmp_path: Path, made: ScanResult) -> dict[str, Any]:
    path = tmp_path / "vex.json"
    write_vex(path, made)
    text = path.read_text("utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document: dict[str, Any] = json.loads(text)
    return document


def states(document: dict[str, Any]) -> dict[str, str]:
    return {entry["id"]: entry["analysis"]["state"] for entry in document.get("vulnerabilities", [])}


def lines(tmp_path: Path, made: ScanResult) -> list[dict[str, str]]:
    write_review_csv(tmp_path / "r.csv", made)
    return list(csv.DictReader(io.StringIO((tmp_path / "r.csv").read_bytes().decode("utf-8"), newline="")))


def test_what_affects_a_version_is_exploitable_with_all_its_names(tmp_path: Path) -> None:
    document = vex(tmp_path, result(AFFECTED))

    (component,) = document["components"]
    assert (component["bom-ref"], component["purl"]) == ("pkg:pypi/demo@1.0", "pkg:pypi/demo@1.0")
    assert states(document) == {"GHSA-aaaa-bbbb-cccc": "exploitable", "GHSA-dddd-eeee-ffff": "exploitable"}
    first = document["vulnerabilities"][0]
    assert [entry["id"] for entry in first["references"]] == ["CVE-2020-0001", "PYSEC-2020-1"]
    assert first["affects"] == [{"ref": "pkg:pypi/demo@1.0"}]
    assert first["ratings"] == [{"score": 7.5, "severity": "high"}]
    assert first["source"] == {"name": "GitHub", "url": "https://github.com/advisories/GHSA-aaaa-bbbb-cccc"}
    assert document["metadata"]["component"]["name"] == "packages.xlsx"


@pytest.mark.parametrize(
    ("review", "said"),
    [
        (reviewed(osv=OSV_DOWN, index_problem="osv: no answer after 5 tries"), "osv: osv: no answer after 5 tries"),
        (reviewed(pypi=PYPI_DOWN), "pypi: no answer after 5 tries"),
        (reviewed(key(None, text=">=2")), "'>=2' is no version"),
    ],
)
def test_what_could_not_be_checked_is_in_triage_and_never_absent(
    tmp_path: Path, review: PackageReview, said: str
) -> None:
    document = vex(tmp_path, result(review))

    assert states(document) == {"COULD-NOT-CHECK": "in_triage"}
    assert said in document["vulnerabilities"][0]["analysis"]["detail"]
    assert said in lines(tmp_path, result(review))[0]["could_not_check"]


def test_a_source_that_failed_beside_a_finding_is_told_beside_it(tmp_path: Path) -> None:
    silent = SourceAnswer(status=SourceStatus.UNKNOWN, reason="github: down")
    review = AFFECTED.model_copy(update={"sources": {**AFFECTED.sources, SourceName.GITHUB: silent}})

    assert states(vex(tmp_path, result(review)))["COULD-NOT-CHECK"] == "in_triage"
    assert {line["could_not_check"] for line in lines(tmp_path, result(review))} == {"github: github: down"}


def test_an_advisory_that_cannot_be_compared_is_in_triage_by_its_id(tmp_path: Path) -> None:
    osv = AFFECTED.sources[SourceName.OSV].model_copy(update={"undecidable": ("GHSA-zzzz-zzzz-zzzz",)})
    review = AFFECTED.model_copy(update={"sources": {SourceName.OSV: osv}})

    assert states(vex(tmp_path, result(review)))["GHSA-zzzz-zzzz-zzzz"] == "in_triage"
    assert "GHSA-zzzz-zzzz-zzzz" in lines(tmp_path, result(review))[0]["could_not_check"]


@pytest.mark.parametrize(
    ("kind", "standing", "state", "response"),
    [
        (DecisionKind.NOT_AFFECTED, Standing.IN_FORCE, "not_affected", None),
        (DecisionKind.FALSE_POSITIVE, Standing.IN_FORCE, "false_positive", None),
        (DecisionKind.ACCEPTED_RISK, Standing.IN_FORCE, "exploitable", ["will_not_fix"]),
        (DecisionKind.FIX_PLANNED, Standing.IN_FORCE, "exploitable", ["update"]),
        (DecisionKind.NOT_AFFECTED, Standing.EXPIRED, "exploitable", None),
        (DecisionKind.FALSE_POSITIVE, Standing.GREW_WORSE, "exploitable", None),
    ],
)
def test_a_decision_is_the_state_only_while_it_counts(
    tmp_path: Path, kind: DecisionKind, standing: Standing, state: str, response: list[str] | None
) -> None:
    note = DecisionNote(kind, standing, "CVE-2020-0001", "Jane", "no proxies", date(2026, 12, 31), "d.yaml:3")
    first, second = AFFECTED.vulnerabilities
    decided = AFFECTED.model_copy(update={"vulnerabilities": (first.model_copy(update={"decision": note}), second)})

    entry, other = vex(tmp_path, result(decided))["vulnerabilities"]
    assert (entry["analysis"]["state"], entry["analysis"].get("response")) == (state, response)
    assert "decided by Jane until 2026-12-31: no proxies" in entry["analysis"]["detail"]
    assert ("does not count" in entry["analysis"]["detail"]) == (standing is not Standing.IN_FORCE)
    assert other["analysis"]["state"] == "exploitable"
    assert "decided by Jane" in lines(tmp_path, result(decided))[0]["decision"]


def test_a_clean_package_is_a_component_without_entries(tmp_path: Path) -> None:
    document = vex(tmp_path, result(reviewed(key("3.0"))))
    assert [component["name"] for component in document["components"]] == ["demo"]
    assert states(document) == {}
    assert lines(tmp_path, result(reviewed(key("3.0"))))[0]["tier"] == "proceed"


def test_the_same_result_gives_the_same_bytes_but_for_the_time(tmp_path: Path) -> None:
    other = reviewed(key("1.0", name="other"), advisory("GHSA-aaaa-bbbb-cccc", name="other"))
    early, late = result(AFFECTED, other), result(other, AFFECTED)
    late = dataclasses.replace(late, scan_id="scan2", finished_at=NOW + timedelta(days=1))
    first, second = vex(tmp_path, early), vex(tmp_path, late)

    assert first["metadata"].pop("timestamp") != second["metadata"].pop("timestamp")
    assert json.dumps(first) == json.dumps(second)
    write_review_csv(tmp_path / "a.csv", early)
    write_review_csv(tmp_path / "b.csv", dataclasses.replace(early, scan_id="x", finished_at=late.finished_at))
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_ids_tell_a_finding_again_and_packages_apart(tmp_path: Path) -> None:
    moved = AFFECTED.model_copy(update={"row": 99})
    newer = reviewed(key("1.5"), advisory("GHSA-aaaa-bbbb-cccc"))
    first = {entry["bom-ref"] for entry in vex(tmp_path, result(AFFECTED))["vulnerabilities"]}
    again = {entry["bom-ref"] for entry in vex(tmp_path, result(moved, newer))["vulnerabilities"]}

    assert first < again
    assert len(again) == 3
    assert "0f8ac2cd-1814-5307-8d4c-506545502619" in first, "a change here makes every finding of every user a new one"
    keys = [line["key"] for line in lines(tmp_path, result(AFFECTED, newer))]
    assert len(set(keys)) == 3


def test_rows_of_the_same_version_are_one_component_and_two_lines(tmp_path: Path) -> None:
    made = result(AFFECTED, AFFECTED.model_copy(update={"row": 5}))
    assert len(vex(tmp_path, made)["components"]) == 1
    assert [line["row"] for line in lines(tmp_path, made)] == ["4", "4", "5", "5"]


def test_versions_that_are_none_are_told_apart(tmp_path: Path) -> None:
    made = result(reviewed(key(None, text=">=2")), reviewed(key(None, text="")), reviewed(key(new=True)))
    assert len({component["bom-ref"] for component in vex(tmp_path, made)["components"]}) == 3


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'=1"),
        ("\r=1", "'=1"),
        (" =1", "'=1"),
        ("＝1", "'＝1"),
        ("plain\r\nmore", "plain more"),
        (None, ""),
        (True, "yes"),
        (7.5, "7.5"),
    ],
)
def test_no_text_is_a_formula(text: str | None, field: str) -> None:
    assert plain(text) == field


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    name = '=HYPERLINK("http://x")\x00\u202e</script>\'\n'
    hostile = AFFECTED.model_copy(update={"name": name, "reason": "@evil", "cleared_by": "\ud800"})

    found = lines(tmp_path, result(hostile))[0]
    assert found["package"].startswith("'=")
    assert found["reason"] == "'@evil"
    assert set(found) == set(COLUMNS)
    vex(tmp_path, result(hostile))


def test_only_what_is_asked_for_is_written_and_a_failure_is_told(tmp_path: Path) -> None:
    write_review_exports(result(AFFECTED), csv=tmp_path / "r.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["r.csv"]
    (tmp_path / "folder").mkdir()
    with pytest.raises(CheckpointError, match="Cannot write"):
        write_review_exports(result(AFFECTED), vex=tmp_path / "folder")
