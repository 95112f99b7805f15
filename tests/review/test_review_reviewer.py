"""The reviewer between its two sources: each failing in turn, all at once, and nothing passed over."""

import asyncio

import pytest

from tasks.errors import SourceAnswerInvalid, SourceError, SourceOffline, SourceRefused, SourceUnavailable
from tasks.review.model import PackageKey, PackageReview, ReviewStatus, SourceName, SourceStatus
from tasks.review.reviewer import Refs, Reviewer, utc_now
from tasks.sources.interface import ProjectFacts
from tests.review.review_samples import NOW, OSV_DOWN, PYPI_DOWN, Advisories, Projects, advisory, facts, key, reviewed

FAILURES = [SourceUnavailable, SourceAnswerInvalid, SourceRefused, SourceOffline]


def _batch(reviewer: Reviewer, keys: list[PackageKey], refs: Refs, problem: str | None = None) -> list[PackageReview]:
    return list(asyncio.run(reviewer.review_batch(keys, refs, problem)))


def test_a_whole_review() -> None:
    review = reviewed(key("1.0"), advisory("GHSA-1", aliases=("CVE-2020-0001",)), advisory("PYSEC-9", fixed="0.5"))
    assert (review.status, review.reason, review.latest_version) == (ReviewStatus.REVIEWED, None, "3.0")
    (found,) = review.vulnerabilities
    assert (found.ids, found.cves, found.severity, found.cvss) == (("GHSA-1",), ("CVE-2020-0001",), "HIGH", 7.5)
    assert found.fixed_in == ("2.0",)
    assert (review.cleared_by, review.latest_affected) == ("2.0", False)
    statuses = {name.value: answer.status.value for name, answer in review.sources.items()}
    assert statuses == {
        "osv": "affected",
        "github": "affected",
        "nvd": "unknown",
        "mitre": "unknown",
        "exploitdb": "unknown",
        "snyk": "not_applicable",
    }
    assert review.sources[SourceName.OSV].checked_at == NOW
    assert review.sources[SourceName.OSV].total == 2


@pytest.mark.parametrize("kind", FAILURES)
def test_pypi_failing_is_part_of_the_review(kind: type[SourceError]) -> None:
    review = reviewed(key("1.0"), advisory("GHSA-1"), pypi=kind("pypi: why"))
    assert (review.status, review.reason) == (ReviewStatus.FAILED, "could not check: pypi: why")
    assert review.facts is None
    assert review.latest_version is None
    assert review.sources[SourceName.OSV].status is SourceStatus.AFFECTED
    assert review.cleared_by is None


@pytest.mark.parametrize("kind", FAILURES)
def test_osv_failing_is_part_of_the_review(kind: type[SourceError]) -> None:
    review = reviewed(key("1.0"), advisory("GHSA-1"), osv=kind("osv: why"))
    assert (review.status, review.reason) == (ReviewStatus.FAILED, "could not check: osv: why")
    assert review.facts is not None
    deciding = (review.sources[name] for name in SourceName if name is not SourceName.SNYK)
    assert {answer.status for answer in deciding} == {SourceStatus.UNKNOWN}
    assert all(answer.reason for answer in review.sources.values())
    assert review.latest_affected is None


def test_both_failing_names_both() -> None:
    review = reviewed(pypi=PYPI_DOWN, osv=OSV_DOWN)
    assert review.reason == "could not check: pypi: no answer after 5 tries; osv: no answer after 5 tries"


def test_a_missing_index_is_not_none_found() -> None:
    assert reviewed(index_problem="osv: no index").reason == "could not check: osv: no index"
    (review,) = _batch(Reviewer(Projects(), Advisories()), [key()], {})
    assert review.status is ReviewStatus.FAILED
    assert "the advisories of demo are not at hand" in str(review.reason)


def test_an_empty_index_is_none_found() -> None:
    (review,) = _batch(Reviewer(Projects(), Advisories()), [key()], {"demo": ()})
    assert review.sources[SourceName.OSV].status is SourceStatus.NONE_FOUND


def test_a_record_that_the_source_leaves_out_is_not_taken_as_harmless() -> None:
    source = Advisories([advisory("GHSA-1"), advisory("GHSA-2", fixed="0.1")], lost=frozenset({"GHSA-1"}))
    refs = asyncio.run(source.index(["demo"]))
    (review,) = _batch(Reviewer(Projects(), source), [key()], refs)
    assert review.status is ReviewStatus.FAILED
    assert "1 of 2 advisories of demo is missing (GHSA-1)" in str(review.reason)
    assert review.vulnerabilities == ()


def test_one_failing_package_does_not_spoil_the_others_and_order_is_kept() -> None:
    source = Advisories([advisory("GHSA-1")])
    refs = asyncio.run(source.index(["demo"]))
    reviews = _batch(Reviewer(Projects(), source), [key("1.0"), key("1.0", name="absent"), key("2.0")], refs)
    assert [(r.name, r.version, r.status.value) for r in reviews] == [
        ("demo", "1.0", "reviewed"),
        ("absent", "1.0", "failed"),
        ("demo", "2.0", "reviewed"),
    ]


def test_all_packages_of_a_batch_are_looked_up_at_once() -> None:
    projects = Projects(everybody=50)
    reviewer = Reviewer(projects, Advisories())
    keys = [key(f"1.{n}") for n in range(50)]

    async def run() -> int:
        return len(await asyncio.wait_for(reviewer.review_batch(keys, {"demo": ()}), timeout=20))

    assert asyncio.run(run()) == 50
    assert projects.arrived == 50


def test_a_fault_of_our_own_is_not_taken_for_a_source_s() -> None:
    class Broken(Projects):
        async def project(self, name: str, installed: str | None) -> ProjectFacts:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        _batch(Reviewer(Broken(), Advisories()), [key()], {"demo": ()})


def test_nothing_asked_is_nothing_reviewed() -> None:
    assert _batch(Reviewer(Projects(), Advisories()), [], {}) == []


def test_statuses_of_rows_without_a_version() -> None:
    new, unusable = reviewed(key(new=True)), reviewed(key(None, text="latest"))
    assert (new.status, new.version, new.is_new) == (ReviewStatus.SKIPPED, "NEW", True)
    assert (unusable.status, unusable.version, unusable.reason) == (
        ReviewStatus.SKIPPED,
        "latest",
        "'latest' is no version",
    )


def test_not_on_pypi_is_reviewed_with_a_reason() -> None:
    review = reviewed(pypi=facts(found=False))
    assert (review.status, review.reason) == (ReviewStatus.REVIEWED, "not on PyPI")
    assert {answer.status for answer in review.sources.values()} == {SourceStatus.NOT_APPLICABLE}


def test_a_clearing_version_is_later_even_where_lower_ones_are_clear() -> None:
    review = reviewed(key("1.5"), advisory("GHSA-1", introduced="1.2"))
    assert review.cleared_by == "2.0"


def test_an_undecidable_latest_version_is_not_called_clear() -> None:
    review = reviewed(key("1.0"), advisory("GHSA-1", introduced="alpha-x", fixed="beta-y"))
    assert review.latest_affected is True


def test_a_review_survives_its_stored_form() -> None:
    review = reviewed(key("1.0"), advisory("GHSA-1", aliases=("CVE-2020-0001",)))
    assert PackageReview.model_validate_json(review.model_dump_json()) == review


def test_the_clock_is_naive_utc_in_whole_seconds() -> None:
    assert utc_now().tzinfo is None
    assert utc_now().microsecond == 0
