"""What changed between two scans: one vulnerability whatever it is called, and nothing fixed that was not checked."""

from typing import Any

import pytest

from tasks.advisories.model import Severity
from tasks.history.changes import FindingChange, PackageChange, compare_scans
from tasks.history.iocchanges import compare_ioc
from tasks.reports.since import since_document, since_line, since_lines
from tests.history.history_samples import finding, ioc, package, scan, unanswered, vulnerability


def ids(changes: tuple[FindingChange, ...]) -> list[tuple[str, ...]]:
    return [change.found.ids for change in changes]


def names(changes: tuple[PackageChange, ...]) -> list[str]:
    return [change.package.name for change in changes]


def test_new_and_fixed_are_told_apart_by_id() -> None:
    before = scan(package("demo", "1.0", vulnerability("GHSA-a"), vulnerability("GHSA-b")))
    found = compare_scans(before, scan(package("demo", "1.0", vulnerability("GHSA-b"), vulnerability("GHSA-c"))))
    assert (ids(found.new), ids(found.fixed), found.not_checked) == ([("GHSA-c",)], [("GHSA-a",)], ())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (vulnerability("GHSA-a", aliases=["CVE-1"]), vulnerability("PYSEC-a", aliases=["CVE-1"])),
        (vulnerability("GHSA-a"), vulnerability("PYSEC-a", aliases=["GHSA-a"])),
        (vulnerability("GHSA-a", cves=["CVE-1"]), vulnerability("PYSEC-a", cves=["CVE-1"])),
    ],
)
def test_records_that_share_a_name_are_one_vulnerability(old: dict[str, Any], new: dict[str, Any]) -> None:
    found = compare_scans(scan(package("demo", "1.0", old)), scan(package("demo", "1.0", new)))
    assert (found.new, found.fixed, found.not_checked) == ((), (), ())


def test_names_are_shared_through_third_records() -> None:
    old = scan(package("demo", "1.0", vulnerability("A", aliases=["X"]), vulnerability("B", aliases=["Y"])))
    found = compare_scans(old, scan(package("demo", "1.0", vulnerability("C", aliases=["X", "Y"]))))
    assert (found.new, found.fixed) == ((), ())


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (unanswered("demo"), "osv: no answer after 5 tries"),
        (package("demo", sources={}, status="failed", reason="its batch failed"), "its batch failed"),
        (package("demo", sources={}), "osv was not asked"),
        (
            package("demo", "x", status="skipped", sources={"osv": {"status": "unknown", "reason": "no version"}}),
            "no v",
        ),
        (package("demo", sources={"osv": {"status": "not_applicable", "reason": "not on PyPI"}}), "not on PyPI"),
    ],
)
def test_what_could_not_be_checked_is_not_fixed(now: dict[str, Any], why: str) -> None:
    found = compare_scans(scan(package("demo", "1.0", vulnerability("GHSA-a"))), scan(now))
    assert (ids(found.fixed), ids(found.not_checked)) == ([], [("GHSA-a",)])
    assert why in str(found.not_checked[0].reason)


def test_a_finding_that_github_alone_told_needs_githubs_answer() -> None:
    before = scan(package("demo", "1.0", vulnerability("GHSA-a", sources=["github", "kev"])))
    sources: dict[str, Any] = {"osv": {"status": "none_found"}, "github": {"status": "unknown", "reason": "down"}}
    assert ids(compare_scans(before, scan(package("demo", sources=sources))).not_checked) == [("GHSA-a",)]
    sources["github"] = {"status": "none_found"}
    assert ids(compare_scans(before, scan(package("demo", sources=sources))).fixed) == [("GHSA-a",)]


def test_what_github_alone_told_is_not_fixed_where_its_newest_advisories_were_not_asked_for() -> None:
    before = scan(package("demo", "1.0", vulnerability("GHSA-a", sources=["github"])))
    sources: dict[str, Any] = {"osv": {"status": "none_found"}, "github": {"status": "none_found", "second_hand": True}}
    found = compare_scans(before, scan(package("demo", sources=sources)))
    assert (ids(found.fixed), ids(found.not_checked)) == ([], [("GHSA-a",)])
    assert "only OSV's copy" in str(found.not_checked[0].reason)


@pytest.mark.parametrize("silent", [{"not_consulted": ["epss", "kev"]}, {"gaps": ["kev"]}])
def test_exploitation_that_the_earlier_scan_could_not_know_of_is_not_new(silent: dict[str, Any]) -> None:
    before = scan(package("demo", "1.0", vulnerability("A"), **silent))
    found = compare_scans(before, scan(package("demo", "1.0", vulnerability("A", kev=True))))
    assert (found.exploited, ids(found.unknown_before)) == ((), [("A",)])
    assert "newly known" not in since_line(found)
    assert "1 not known last time" in since_line(found)
    assert [one["ids"] for one in since_document(found)["unknown_before"]] == [["A"]]
    assert any(line.startswith("NOT KNOWN LAST TIME (1)") for line in since_lines(found))


def test_a_new_finding_is_newly_exploited_although_kev_had_nothing_to_be_asked_of_then() -> None:
    before = scan(package("demo", "1.0", vulnerability("A"), not_consulted=["kev"]))
    found = compare_scans(before, scan(package("demo", "1.0", vulnerability("A"), vulnerability("B", kev=True))))
    assert (ids(found.new), ids(found.exploited), found.unknown_before) == ([("B",)], [("B",)], ())


def test_findings_of_a_package_that_could_not_be_checked_before_are_not_new() -> None:
    now = scan(package("demo", "1.0", vulnerability("A", kev=True)))
    found = compare_scans(scan(unanswered("demo")), now)
    assert (found.new, found.exploited, ids(found.unknown_before)) == ((), (), [("A",)])
    assert found.unknown_before[0].reason == "osv: no answer after 5 tries"


def test_severity_and_exploitation_are_changes_of_a_known_finding() -> None:
    before = scan(package("demo", "1.0", vulnerability("A"), vulnerability("B"), vulnerability("C", kev=True)))
    now = (vulnerability("A", severity="CRITICAL"), vulnerability("B", kev=True), vulnerability("C", kev=True))
    found = compare_scans(before, scan(package("demo", "1.0", *now)))
    assert [(one.found.ids, one.before) for one in found.severity] == [(("A",), Severity.HIGH)]
    assert ids(found.exploited) == [("B",)]
    assert found.new == ()


def test_a_severity_nobody_tells_any_more_has_not_changed() -> None:
    before = scan(package("demo", "1.0", vulnerability("A")))
    assert compare_scans(before, scan(package("demo", "1.0", vulnerability("A", severity="UNKNOWN")))).severity == ()


def test_packages_are_added_removed_and_updated_by_normalised_name() -> None:
    before = scan(package("ruamel_yaml", "1.0", vulnerability("A")), package("gone", "1.0", vulnerability("B")))
    found = compare_scans(before, scan(package("Ruamel.YAML", "2.0"), package("come", "1.0", vulnerability("C"))))
    assert (names(found.added), names(found.removed)) == (["come"], ["gone"])
    assert [(one.package.version, one.former and one.former.version) for one in found.version_changed] == [
        ("2.0", "1.0")
    ]
    assert (ids(found.new), ids(found.fixed)) == ([("C",)], [("A",)])


def test_rows_of_one_package_in_several_versions_are_matched_by_version() -> None:
    before = scan(package("demo", "1.0", vulnerability("A")), package("demo", "2.0"))
    found = compare_scans(before, scan(package("demo", "2.0"), package("demo", "1.0", vulnerability("A"))))
    assert (found.version_changed, found.new, found.fixed) == ((), (), ())


def test_what_a_scan_of_some_rows_left_out_is_neither_removed_nor_fixed() -> None:
    before = scan(package("one", "1.0", vulnerability("A")), package("two"))
    found = compare_scans(before, scan(package("two"), scope={"whole": False}))
    assert (found.removed, found.fixed, names(found.not_compared)) == ((), (), ["one"])
    found = compare_scans(scan(package("two"), scope={"whole": False}), before)
    assert (found.added, found.new, names(found.not_compared)) == ((), (), ["one"])


def test_another_version_in_the_same_row_is_that_rows() -> None:
    before = scan(package("demo", "1.0", row=4), package("demo", "2.0", row=5))
    found = compare_scans(before, scan(package("demo", "3.0", row=5)))
    assert [(one.former and one.former.version, one.package.version) for one in found.version_changed] == [
        ("2.0", "3.0")
    ]
    assert [one.package.version for one in found.removed] == ["1.0"]


def test_a_version_of_a_scan_of_some_rows_is_not_held_against_a_row_that_it_did_not_look_at() -> None:
    before = scan(package("demo", "1.0", vulnerability("A"), row=4), package("demo", "2.0", row=5))
    found = compare_scans(before, scan(package("demo", "3.0", row=6), scope={"whole": False}))
    assert (found.fixed, found.removed, found.version_changed) == ((), (), ())
    assert len(found.not_compared) == 3


def test_findings_of_lockfiles_come_and_go() -> None:
    before = ioc(finding(), finding(path="package-lock.json"))
    after = ioc(finding(), finding(name="worse"))
    found = compare_ioc(before, after)
    assert [one.name for one in found.new] == ["worse"]
    assert [(one.finding.path, one.reason) for one in found.gone] == [
        ("package-lock.json", "the file is no longer there")
    ]


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (
            {"files": [{"repository": "acme/one", "path": "a/yarn.lock", "status": "failed", "reason": "HTTP 500"}]},
            "500",
        ),
        ({"repositories": [{"repository": "acme/one", "status": "failed", "reason": "gone away"}]}, "gone away"),
        ({"repositories": []}, "not part of this scan"),
        (
            {
                "files": [{"repository": "acme/one", "path": "a/yarn.lock", "status": "scanned"}],
                "repositories": [{"repository": "acme/one"}],
                "indicators": {"count": 0, "uncompared": ["npm"]},
            },
            "no indicator for npm was at hand",
        ),
        ({"scope": {"fast": True}}, "only files in the top folder"),
    ],
)
def test_a_file_that_was_not_read_is_not_clean(after: dict[str, Any], why: str) -> None:
    blank = {"files": [], "repositories": [{"repository": "acme/one"}]}
    found = compare_ioc(ioc(finding(path="a/yarn.lock")), ioc(**{**blank, **after}))
    assert found.gone == ()
    assert why in found.not_checked[0].reason


@pytest.mark.parametrize(
    ("before", "why"),
    [
        (
            {"files": [{"repository": "acme/one", "path": "a/yarn.lock", "status": "failed", "reason": "HTTP 500"}]},
            "500",
        ),
        ({"repositories": [{"repository": "acme/one", "status": "failed", "reason": "gone away"}]}, "gone away"),
        ({"scope": {"fast": True}}, "only files in the top folder"),
    ],
)
def test_a_finding_where_the_earlier_scan_did_not_look_is_not_new(before: dict[str, Any], why: str) -> None:
    blank = {"files": [], "repositories": [{"repository": "acme/one"}]}
    found = compare_ioc(ioc(**{**blank, **before}), ioc(finding(path="a/yarn.lock")))
    assert (found.new, found.gone) == ((), ())
    assert why in found.unknown_before[0].reason
    assert "1 not known last time" in since_line(found)
    assert [one["reason"] for one in since_document(found)["unknown_before"]] == [found.unknown_before[0].reason]


def test_a_finding_in_a_repository_or_file_that_came_is_new() -> None:
    found = compare_ioc(ioc(finding()), ioc(finding(), finding("acme/two"), finding(path="b/yarn.lock")))
    assert ([one.repository for one in found.new], found.unknown_before) == (["acme/two", "acme/one"], ())


def test_a_package_that_left_its_file_is_gone() -> None:
    files = [{"repository": "acme/one", "path": "yarn.lock", "status": "cached"}]
    after = ioc(files=files, repositories=[{"repository": "acme/one"}])
    assert [one.reason for one in compare_ioc(ioc(finding()), after).gone] == ["the file no longer names it"]
