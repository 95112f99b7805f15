"""The HTML reports: nothing from outside is markup, nothing is loaded, every row is there without a script."""

import base64
import hashlib
import html.parser
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tasks.history.changes import compare_scans
from tasks.history.iocchanges import compare_ioc
from tasks.history.model import BatchSpan
from tasks.reports.iocreport import ioc_report_lines
from tasks.reports.page.charts import bars, timeline
from tasks.reports.page.ioc import ioc_page
from tasks.reports.page.links import advisory_url, file_url, project_url, repository_url, web_of
from tasks.reports.page.scan import scan_page
from tasks.reports.scanreport import scan_report_lines
from tasks.reports.since import since_line, since_lines
from tests.history.history_samples import finding, ioc, package, scan, unanswered, vulnerability

NASTY = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
BIDI = "a\u202eb\nc"


class Page(html.parser.HTMLParser):
    """The elements of a page, and its visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw = text
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def spoilt(text: str) -> dict[str, Any]:
    found = vulnerability(text, cves=[text], fixed_in=[text], kev=True)
    opinion = {"concern": "raise", "confidence": 0.8, "model": text, "ids": [text], "reason": text}
    more: dict[str, Any] = {"latest_version": text, "cleared_by": text, "recommendation": None, "opinion": opinion}
    return package(text, text, found, reason=text, **more)


def pages(text: str) -> Iterator[Page]:
    before = scan(package("gone", text, vulnerability("A")))
    after = scan(spoilt(text), unanswered(text, text), scan_id=text, notes=[text], workbook=text, backup=text)
    yield Page("".join(scan_page(after, compare_scans(before, after))))
    bad = {"repository": text, "path": text, "status": "failed", "reason": text}
    found = finding(text, text, text, version=text, indicator=text, source=text, note=text, ecosystem=text)
    world = ioc(found, files=[bad], notes=[text], scope={"teams": {text: [text]}, "web_url": text})
    yield Page("".join(ioc_page(world, compare_ioc(ioc(finding()), world))))


def test_text_from_outside_is_never_markup() -> None:
    for spoiled, plain in zip(pages(NASTY), pages("x"), strict=True):
        assert [tag for tag, _ in spoiled.elements if tag in ("script", "img")] == ["script"]
        allowed = {name for _, attributes in plain.elements for name in attributes} | {"href", "rel"}
        assert {name for _, attributes in spoiled.elements for name in attributes} <= allowed
        assert "&lt;script&gt;" in spoiled.raw


def test_marks_that_turn_writing_round_are_written_out() -> None:
    for page in pages(BIDI):
        assert "\u202e" not in page.raw
        assert "\\u202e" in page.raw


def test_every_link_is_https_and_made_by_us() -> None:
    for text in (NASTY, "javascript:alert(1)", "CVE-2024-0001", "GHSA-aaaa-bbbb-cccc"):
        for page in pages(text):
            links = [link["href"] or "" for link in page.all("a")]
            assert all(re.match(r"#table$|https://[a-z.]+/[\w./@%-]+$", link) for link in links), links


def test_the_policy_allows_the_inline_script_and_style_and_nothing_else() -> None:
    for page in pages("x"):
        policy = next(meta["content"] or "" for meta in page.all("meta") if "http-equiv" in meta)
        assert policy.startswith("default-src 'none';")
        for tag in ("style", "script"):
            inline = re.findall(rf"<{tag}>(.*?)</{tag}>", page.raw, re.DOTALL)
            assert len(inline) == 1
            digest = base64.b64encode(hashlib.sha256(inline[0].encode()).digest()).decode()
            assert f"{tag}-src 'sha256-{digest}'" in policy
        assert not [
            tag for tag, a in page.elements if {"src", "style", "onclick"} & set(a) or tag in ("link", "iframe")
        ]


def test_every_package_is_a_row_without_the_script() -> None:
    document = scan(*(package(f"p{number}", "1.0", vulnerability("PYSEC-2024-1")) for number in range(50)))
    page = Page("".join(scan_page(document, None)))
    rows = [row for row in page.all("tr") if "data-f" in row]
    assert len(rows) == 50
    assert not [row for row in rows if "hidden" in row]
    assert next(tools for tools in page.all("div") if tools.get("class") == "tools").keys() >= {"hidden"}


def test_a_large_workbook_stays_a_small_page() -> None:
    found = [vulnerability(f"GHSA-{n:04}-aaaa-bbbb", cves=[f"CVE-2024-{n:04}"], fixed_in=["1.2.3"]) for n in range(3)]
    document = scan(*(package(f"package-number-{number}", "1.0", *found) for number in range(5_000)))
    assert sum(len(piece) for piece in scan_page(document, None)) < 5_000_000


def test_what_could_not_be_checked_is_said_at_the_top_and_in_the_coverage() -> None:
    raw = "".join(scan_page(scan(unanswered("demo")), None))
    assert "1 package could not be checked." in raw
    assert "1 × no answer after 5 tries" in raw
    raw = "".join(ioc_page(ioc(repositories=[{"repository": "a/b", "status": "failed", "reason": "HTTP 403"}]), None))
    assert "could not be read" in raw
    assert "HTTP 403" in raw


def test_opinions_that_raise_concern_are_shown_as_the_models_most_confident_first() -> None:
    def opinion(concern: str, confidence: float) -> dict[str, Any]:
        return {"concern": concern, "confidence": confidence, "model": "gpt-x", "ids": ["GHSA-1"], "reason": "old API"}

    sure, unsure, calm = opinion("raise", 0.9), opinion("raise", 0.4), opinion("none", 0.7)
    document = scan(package("two", opinion=unsure), package("one", opinion=sure), package("three", opinion=calm))
    raw = "".join(scan_page(document, None))
    section = raw[raw.index('id="opinions"') : raw.index('id="table"')]
    assert section.index("one 1.0") < section.index("two 1.0")
    assert "three" not in section
    assert "gpt-x (confidence 90 %), its words: old API" in section
    assert "3 packages shown to a model, 1 without concern." in section
    assert "no concern never means safe" in section


def test_without_opinions_there_is_no_such_section() -> None:
    assert 'id="opinions"' not in "".join(scan_page(scan(package("demo")), None))


def test_the_most_urgent_come_first() -> None:
    document = scan(
        package("low", "1.0", vulnerability("A", severity="LOW", cvss=2.0)),
        package("fine"),
        package("exploited", "1.0", vulnerability("B", severity="MEDIUM", kev=True)),
        package("critical", "1.0", vulnerability("C", severity="CRITICAL", cvss=9.8)),
    )
    raw = "".join(scan_page(document, None))
    table = raw[raw.index("<tbody>") :]
    places = [table.index(f">{name}</a>") for name in ("exploited", "critical", "low", "fine")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("identifier", "url"),
    [
        ("GHSA-8q59-q68h-6hv4", "https://github.com/advisories/GHSA-8q59-q68h-6hv4"),
        ("CVE-2024-12345", "https://nvd.nist.gov/vuln/detail/CVE-2024-12345"),
        ("PYSEC-2021-142", "https://osv.dev/vulnerability/PYSEC-2021-142"),
        ("MAL-2024-1", "https://osv.dev/vulnerability/MAL-2024-1"),
        ("CVE-2024-1/../..", None),
        ("GHSA-<b>", None),
        ("", None),
    ],
)
def test_links_are_made_of_ids_that_are_ids(identifier: str, url: str | None) -> None:
    assert advisory_url(identifier) == url


def test_links_to_projects_repositories_and_files() -> None:
    assert project_url("ruamel.yaml") == "https://pypi.org/project/ruamel.yaml/"
    assert project_url("../x") is None
    assert [web_of(base) for base in (None, "https://ghe.acme.org/api/v3", "http://127.0.0.1:9/x")] == [
        "https://github.com",
        "https://ghe.acme.org",
        None,
    ]
    assert repository_url("https://github.com", "acme/one") == "https://github.com/acme/one"
    assert repository_url("https://github.com", "acme/one/two") is None
    place = file_url("https://github.com", "acme/one", "a" * 40, 'a b/"y".lock')
    assert place == f"https://github.com/acme/one/blob/{'a' * 40}/a%20b/%22y%22.lock"


def test_batches_that_ran_at_once_lie_above_each_other() -> None:
    drawn = timeline((BatchSpan(1, 0.0, 2.0), BatchSpan(2, 1.0, 2.0), BatchSpan(3, 2.5, 1.5, failed=1)))
    assert drawn is not None
    assert [(block.lane, block.tone) for block in drawn.blocks] == [(0, "done"), (1, "done"), (0, "failed")]
    assert drawn.blocks[0].width == 500.0
    assert timeline(()) is None


def test_bars_are_as_long_as_their_numbers() -> None:
    assert [bar.length for bar in bars((("a", 4, "4"), ("b", 1, "3"), ("c", 0, "2")))] == [100.0, 25.0, 0.0]
    assert [bar.length for bar in bars((("a", 0, "4"),))] == [0.0]


def test_a_chart_that_leaves_repositories_out_says_so() -> None:
    for many, title in ((14, "Findings by repository, the first 10 of 14"), (10, "Findings by repository")):
        page = "".join(ioc_page(ioc(*(finding(f"acme/svc-{number}") for number in range(many))), None))
        assert f">{title}<" in page


def test_the_text_reports_hold_every_text_on_its_line() -> None:
    before = scan(package("demo", "1.0", vulnerability("A")))
    after = scan(spoilt(BIDI), unanswered("demo"), notes=[BIDI])
    changes = compare_scans(before, after)
    lines = [*scan_report_lines(after, changes), *since_lines(changes)]
    world = ioc(finding(BIDI, BIDI), files=[{"repository": BIDI, "path": BIDI, "status": "failed", "reason": BIDI}])
    lines += [*ioc_report_lines(world, None), *since_lines(compare_ioc(ioc(finding()), world))]
    assert not [line for line in lines if "\n" in line or "\u202e" in line]


def test_the_line_at_the_end_says_fixed_only_of_what_is_fixed() -> None:
    before = scan(package("demo", "1.0", vulnerability("A")), package("two", "1.0", vulnerability("B")))
    changes = compare_scans(before, scan(unanswered("demo"), package("two")))
    assert since_line(changes) == "Since the last scan (2026-03-01 05:06 UTC): 1 fixed, 1 not checked this time"
