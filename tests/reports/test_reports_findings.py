"""Reports of the IOC scan: text from outside stays text, and what was not read is in every one of them."""

import dataclasses
import json
from datetime import datetime
from pathlib import Path

from flows.ioc.__main__ import exit_code
from flows.story.ioc_story import ioc_tags
from tasks.errors import ExitCode
from tasks.history.iocmodel import IocDocument
from tasks.history.model import DocumentKind
from tasks.history.reading import parse_document
from tasks.ioc.model import FileRecord, FileStatus, Finding, RepositoryRecord, RepositoryStatus
from tasks.reports.findings import IocMetrics, IocResult, findings_document, write_findings
from tasks.reports.iocreport import ioc_report_lines
from tasks.reports.sarif import sarif_document


def result(name: str = "evil") -> IocResult:
    finding = Finding(
        "acme/one", "a b/yarn.lock", "npm", name, "1.0.0", "MAL-1", "https://example.org/1", "pkg:npm/evil@1"
    )
    return IocResult(
        scan_id="s",
        target="github:acme",
        started_at=datetime(2026, 1, 1),  # noqa: DTZ001  naive UTC by contract
        finished_at=datetime(2026, 1, 1),  # noqa: DTZ001  as above
        findings=(finding,),
        possible=(),
        files=(FileRecord("acme/one", "bad.json", "0" * 40, FileStatus.FAILED, "not JSON"),),
        repositories=(RepositoryRecord("acme/two", RepositoryStatus.FAILED, None, reason="not there"),),
        metrics=IocMetrics(),
        indicators=1,
    )


def test_sarif_names_rule_place_and_gaps() -> None:
    (run,) = sarif_document(result())["runs"]
    (found,) = run["results"]
    place = found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert (found["ruleId"], place) == ("MAL-1", "acme/one/a%20b/yarn.lock")
    assert run["tool"]["driver"]["rules"][found["ruleIndex"]]["helpUri"] == "https://example.org/1"
    assert len(run["invocations"][0]["toolExecutionNotifications"]) == 2
    assert not run["invocations"][0]["executionSuccessful"]


def test_the_json_document_is_what_is_written(tmp_path: Path) -> None:
    write_findings(tmp_path / "f.json", result())
    assert json.loads((tmp_path / "f.json").read_text("utf-8")) == json.loads(json.dumps(findings_document(result())))


def test_what_was_compared_with_nothing_is_never_clean() -> None:
    read = dataclasses.replace(result(), findings=(), files=(), repositories=())
    assert (exit_code(read), ioc_tags(read)) == (ExitCode.DONE, frozenset({"outcome:clean"}))
    empty = dataclasses.replace(read, indicators=0)
    lacking = dataclasses.replace(read, uncompared=("npm",))
    for one in (empty, lacking):
        assert (exit_code(one), ioc_tags(one)) == (ExitCode.INCOMPLETE, frozenset({"outcome:unchecked"}))
    assert "Compared with nothing: packages of npm" in lacking.summary_lines()
    (run,) = sarif_document(lacking)["runs"]
    assert not run["invocations"][0]["executionSuccessful"]
    document = parse_document(DocumentKind.IOC, findings_document(lacking), "test")
    assert isinstance(document, IocDocument)
    assert "Compared with nothing: packages of npm" in "\n".join(ioc_report_lines(document, None))


def test_one_is_one() -> None:
    lines = result().summary_lines()
    assert lines[0] == "1 finding in 1 repository"
    assert lines[1] == "1 repository, 1 lockfile: 0 read, 0 known, 1 could not be read"
    assert "1 repository could not be read" in lines
