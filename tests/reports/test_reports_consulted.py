"""What nobody looked up never reads as zero, none or safe, in any report."""

from pathlib import Path

import pytest

from flows.scan.flow import ScanOutcome
from flows.scan.outcome import exit_code
from tasks.errors import ExitCode
from tasks.history.scanmodel import ScanDocument
from tasks.reports.page.ioc import ioc_page
from tasks.reports.page.scan import scan_page
from tasks.reports.result import RunMetrics, ScanResult, result_document, scan_document
from tasks.reports.scanreport import scan_report_lines
from tasks.reports.summary import summary_lines
from tasks.reports.summarysheet import summary_sheet_lines
from tasks.review.model import PackageReview
from tests.history.history_samples import finding, ioc, package, scan, unanswered, vulnerability
from tests.review.review_samples import NOW, OSV_DOWN, advisory, key, reviewed

FOUND = reviewed(key("1.0"), advisory("GHSA-1", aliases=("CVE-2020-0001",)))
UNASKED = FOUND.model_copy(update={"not_consulted": ("kev", "epss")})
SILENT = FOUND.model_copy(update={"gaps": ("kev",)})
WORDS = "Not consulted: EPSS (1 package), KEV (1 package)"


def _result(*packages: PackageReview) -> ScanResult:
    return ScanResult("scan1", Path("packages.xlsx"), NOW, NOW, packages, RunMetrics(1.0, 1, 0))


def _figures(document: ScanDocument) -> dict[str, tuple[str, str]]:
    """Tone and number of each headline figure by its label."""
    page = "".join(scan_page(document, None))
    parts = [line for line in page.splitlines() if line.startswith('<li class="t') and "<b>" in line]
    return {
        line.partition("<span>")[2].partition("<")[0]: (
            line.partition('"t')[2].partition('"')[0],
            line.partition("<b>")[2].partition("<")[0],
        )
        for line in parts
    }


def test_the_document_names_the_sources_by_package_and_in_all() -> None:
    document = result_document(_result(UNASKED, SILENT))
    assert [(one["not_consulted"], one["gaps"]) for one in document["packages"]] == [
        (["kev", "epss"], []),
        ([], ["kev"]),
    ]
    assert document["summary"]["not_consulted"] == {"epss": 1, "kev": 1}
    assert document["summary"]["gaps"] == {"kev": 1}


def test_no_exploitation_known_is_green_only_where_kev_answered() -> None:
    label = "Exploited or malicious"
    assert _figures(scan_document(_result(FOUND)))[label] == ("ok", "0")
    assert _figures(scan_document(_result(UNASKED)))[label] == ("", "?")
    assert _figures(scan_document(_result(FOUND, SILENT)))[label] == ("", "?")
    assert _figures(scan(unanswered("demo")))[label] == ("", "?")
    known = package("bad", "1", vulnerability("A", kev=True), not_consulted=["kev"])
    assert _figures(scan(known))[label] == ("4", "1")


def test_nothing_found_is_green_only_where_everything_answered() -> None:
    assert _figures(scan(package("demo")))["With vulnerabilities"] == ("ok", "0")
    waiting = package("demo", recommendation={"tier": "manual_review", "text": "words"})
    for document in (scan(waiting), scan(package("demo", gaps=["github"]))):
        figures = _figures(document)
        assert {figures[label] for label in ("With vulnerabilities", "Vulnerabilities")} == {("", "0")}


def test_the_page_says_where_a_blank_is_no_answer() -> None:
    page = "".join(scan_page(scan_document(_result(UNASKED)), None))
    assert WORDS in page
    assert '<td data-l="EPSS">not consulted</td>' in page
    assert "<small>KEV not consulted</small>" in page
    assert '<td data-l="EPSS"></td>' in "".join(scan_page(scan_document(_result(FOUND)), None))


def test_the_text_report_and_the_summary_say_so() -> None:
    text = "\n".join(scan_report_lines(scan_document(_result(UNASKED)), None))
    assert "Perhaps not all: KEV not consulted for 1 package" in text
    assert WORDS in text
    assert "Perhaps not all" not in "\n".join(scan_report_lines(scan_document(_result(FOUND)), None))
    assert f"  {WORDS}" in list(summary_lines(_result(UNASKED)))
    assert "  Could not be asked: KEV (1 package)" in list(summary_lines(_result(SILENT)))


@pytest.mark.parametrize(
    ("review", "line"),
    [
        (FOUND, ("Exploited or malicious", 0)),
        (UNASKED, ("Exploited or malicious", "not known", "KEV not consulted for 1 package")),
        (SILENT, ("Exploited or malicious", "not known", "KEV could not be asked about 1 package")),
    ],
)
def test_the_summary_sheet_has_no_zero_for_what_is_not_known(
    review: PackageReview, line: tuple[str | int, ...]
) -> None:
    assert line in list(summary_sheet_lines([review], 1, NOW))


def test_no_finding_of_an_organisation_is_green_only_where_everything_was_read() -> None:
    read = {"repository": "a/b", "path": "yarn.lock", "status": "scanned"}
    failed = {**read, "status": "failed", "reason": "HTTP 403"}
    green = '<li class="tok"><b>0</b><span>Findings</span>'
    assert green in "".join(ioc_page(ioc(files=[read]), None))
    empty = {"count": 0, "withdrawn": 0, "digest": "d"}
    for world in (
        ioc(files=[failed]),
        ioc(files=[]),
        ioc(files=[read], indicators=empty),
        ioc(files=[read], indicators={"count": 5, "uncompared": ["npm"]}),
        ioc(files=[read], scope={"fast": True}),
    ):
        page = "".join(ioc_page(world, None))
        assert green not in page
        assert '<li class="t"><b>0</b><span>Findings</span>' in page
    assert '<li class="t4"><b>1</b><span>Findings</span>' in "".join(ioc_page(ioc(finding()), None))


def test_no_vulnerability_in_what_could_not_be_checked_is_said_so() -> None:
    down = _result(reviewed(key("1.0"), osv=OSV_DOWN))
    words = "0 vulnerabilities in 0 packages; 1 package could not be checked"
    assert f"  {words}" in list(summary_lines(down))
    assert f"  {words}" in list(scan_report_lines(scan_document(down), None))


def test_a_name_of_thousands_of_letters_hides_no_reason() -> None:
    long = reviewed(key("1.0", name="x" * 30_000), osv=OSV_DOWN)
    (line,) = (line for line in summary_lines(_result(long)) if line.startswith("  row"))
    assert len(line) < 400
    assert "could not check" in line


def test_a_report_of_malware_without_a_version_is_no_green_zero() -> None:
    reported = reviewed(key(None, text="latest"), advisory("MAL-2026-1"))
    document = scan_document(_result(reported))
    assert exit_code(ScanOutcome(_result(reported)), "critical") is ExitCode.FINDINGS
    assert document.packages[0].reported_malicious == ("MAL-2026-1",)
    assert _figures(document)["Exploited or malicious"] == ("", "?")
    words = "1 package reported as malicious, to be checked by hand"
    assert words in "".join(scan_page(document, None))
    assert ("Exploited or malicious", "not known", words) in list(summary_sheet_lines([reported], 1, NOW))
