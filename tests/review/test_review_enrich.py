"""A review with what the other sources told: own answers, the order of urgency, and failures that stay failures."""

from typing import Any

import pytest

from tasks.advisories.model import Severity
from tasks.merge.vocabulary import verdict_of
from tasks.review.cells import RESULT_FIELDS, proposals
from tasks.review.enrich import enriched
from tasks.review.enrichment import Enrichment, Told
from tasks.review.meaning import Meaning, of_recommendation, of_result
from tasks.review.model import PackageReview, SourceName, SourceStatus, Tier
from tasks.review.words import result_text
from tasks.sources.enrichment import KevFacts, MitreFacts, MitreState, NvdFacts
from tasks.sources.github_advisories import GithubRecord
from tasks.sources.snyk import SnykIssue
from tests.review.review_samples import CRITICAL, MEDIUM, NOW, OSV_DOWN, advisory, key, reviewed

ONE, TWO = "CVE-2020-1001", "CVE-2020-1002"
DOWN = "down: HTTP 503 after 5 attempts"


def told(facts: dict[str, Any], *more: str, bulk: bool = False) -> Told[Any]:
    return Told(facts, frozenset((*facts, *more)), None, bulk=bulk)


def failed(*, bulk: bool = False) -> Told[Any]:
    return Told(problem=DOWN, failed=True, bulk=bulk)


CALM = Enrichment(
    nvd=told({}, ONE, TWO),
    mitre=told({}, ONE, TWO),
    kev=told({}, ONE, TWO),
    epss=told({}, ONE, TWO),
    exploits=told({}, ONE, TWO, bulk=True),
    recent=(),
)


def calm(**parts: Any) -> Enrichment:
    fields = {name: getattr(CALM, name) for name in ("nvd", "mitre", "kev", "epss", "exploits", "recent")}
    return Enrichment(**{**fields, **parts})


def affected(**parts: Any) -> PackageReview:
    """Two vulnerabilities, the worse one first."""
    records = (
        advisory("GHSA-1", aliases=(ONE,), vector=CRITICAL),
        advisory("GHSA-2", aliases=(TWO,), vector=MEDIUM),
    )
    return enriched(reviewed(key(), *records), calm(**parts), NOW)


def clear(**parts: Any) -> PackageReview:
    return enriched(reviewed(key("2.0"), advisory("GHSA-1", aliases=(ONE,))), calm(**parts), NOW)


def said(review: PackageReview) -> str:
    assert review.recommendation is not None
    return review.recommendation.text


def test_each_source_answers_for_itself() -> None:
    answers = affected(exploits=told({ONE: ("20", "3")}, bulk=True)).sources
    assert (answers[SourceName.NVD].status, answers[SourceName.NVD].ids) == (SourceStatus.AFFECTED, (ONE, TWO))
    assert (answers[SourceName.MITRE].status, answers[SourceName.MITRE].ids) == (SourceStatus.AFFECTED, (ONE, TWO))
    assert (answers[SourceName.EXPLOITDB].status, answers[SourceName.EXPLOITDB].ids) == (
        SourceStatus.AFFECTED,
        ("3", "20"),
    )
    assert affected().sources[SourceName.EXPLOITDB].status is SourceStatus.NONE_FOUND
    elsewhere = clear(exploits=told({ONE: ("3",)}, bulk=True))
    assert elsewhere.sources[SourceName.EXPLOITDB].status is SourceStatus.NOT_AFFECTED


def test_what_is_known_to_be_exploited_comes_first() -> None:
    review = affected(kev=told({TWO: KevFacts()}, ONE), epss=told({ONE: 0.02, TWO: 0.97}))
    assert [v.cves for v in review.vulnerabilities] == [(TWO,), (ONE,)]
    assert [(v.kev, v.epss) for v in review.vulnerabilities] == [(True, 0.97), (False, 0.02)]
    assert said(review).startswith(f"🚨 SECURITY RISK | 🔥 KNOWN EXPLOITED ({TWO}; CISA KEV): act first | 2 confirmed")
    assert "EPSS: 97 % chance" in said(review)
    assert "EPSS" not in said(affected(epss=told({ONE: 0.02, TWO: 0.03})))


def test_disagreement_on_severity_is_said_as_data_not_read_out_of_a_text() -> None:
    review = affected(
        nvd=told({ONE: NvdFacts(status="Analyzed", cvss=9.8), TWO: NvdFacts(status="Analyzed", cvss=9.1)})
    )
    assert f"Sources differ on severity: {TWO} MEDIUM here, CRITICAL at NVD" in said(review)
    text = result_text(review, SourceName.NVD) or ""
    assert text.endswith(f"(Highest: CRITICAL) | NVD rates {TWO} CRITICAL (here MEDIUM)")
    assert [v.severity for v in review.vulnerabilities] == [Severity.CRITICAL, Severity.MEDIUM]


def test_awaiting_analysis_and_no_record_are_said_and_are_never_safe() -> None:
    review = affected(nvd=told({ONE: NvdFacts(status="Awaiting Analysis")}, TWO))
    text = result_text(review, SourceName.NVD) or ""
    assert f"NVD awaiting analysis: {ONE}; NVD no record: {TWO}" in text
    assert of_result(review, SourceName.NVD) is Meaning.RISK


def test_rejected_and_disputed_records_are_said() -> None:
    states = {ONE: MitreFacts(state=MitreState.REJECTED), TWO: MitreFacts(state=MitreState.DISPUTED)}
    text = result_text(affected(mitre=told(states)), SourceName.MITRE) or ""
    assert text.endswith(f"rejected: {ONE}; disputed: {TWO}")


@pytest.mark.parametrize("name", ["nvd", "mitre", "kev", "epss", "exploits"])
@pytest.mark.parametrize("make", [affected, clear])
def test_a_source_that_is_down_never_reads_as_safe_and_changes_no_other_answer(name: str, make: Any) -> None:
    before, now = make(), make(**{name: failed(bulk=name == "exploits")})
    source = {"exploits": SourceName.EXPLOITDB}.get(name) or (SourceName(name) if name in set(SourceName) else None)
    for other, answer in now.sources.items():
        if other is source:
            assert answer.status not in (SourceStatus.NONE_FOUND, SourceStatus.NOT_AFFECTED)
        else:
            assert answer == before.sources[other]
    if make is affected:
        assert {"exploits": "exploitdb"}.get(name, name) in now.gaps
        assert "❓ could not be asked" in said(now)


def test_github_down_leaves_findings_and_clears_nothing() -> None:
    down = {"recent": None, "github_problem": DOWN}
    found = affected(**down)
    assert found.sources[SourceName.GITHUB].status is SourceStatus.AFFECTED
    assert "GitHub could not be asked" in (result_text(found, SourceName.GITHUB) or "")
    unclear = clear(**down)
    assert unclear.sources[SourceName.GITHUB].status is SourceStatus.UNKNOWN
    assert unclear.recommendation is not None
    assert unclear.recommendation.tier is Tier.MANUAL_REVIEW
    assert of_recommendation(unclear) is of_result(unclear, SourceName.GITHUB) is Meaning.COULD_NOT_CHECK
    assert all(cell.only_if_empty or cell.after_former for cell in proposals(unclear) if "could not" in f"{cell.value}")


def test_an_advisory_that_only_github_has_yet_is_a_finding() -> None:
    new = GithubRecord(id="GHSA-9", project="demo", vulnerable_range="< 9", cve=TWO, severity=Severity.HIGH)
    review = clear(recent=(new, new.model_copy(update={"project": "other", "id": "GHSA-8"})))
    assert [(v.ids, v.severity, v.sources) for v in review.vulnerabilities] == [
        (("GHSA-9",), Severity.HIGH, ("github",))
    ]
    assert review.sources[SourceName.GITHUB].ids == ("GHSA-9",)
    assert said(review).startswith("🚨 SECURITY RISK | 1 confirmed vulnerability found")
    # OSV has that record and holds it against the version itself.
    assert clear(recent=(new.model_copy(update={"id": "GHSA-1"}),)).vulnerabilities == ()


def test_an_advisory_whose_range_cannot_be_read_clears_nothing() -> None:
    odd = GithubRecord(id="GHSA-9", project="demo", vulnerable_range="< 1.4-beta.x")
    answer = clear(recent=(odd,)).sources[SourceName.GITHUB]
    assert answer.status is SourceStatus.UNKNOWN
    assert answer.reason == "the versions that GHSA-9 names cannot be read: < 1.4-beta.x"
    known_to_osv = odd.model_copy(update={"id": "GHSA-1"})
    for others in ((), (odd.model_copy(update={"project": "other"}),), (known_to_osv,)):
        assert clear(recent=others).sources[SourceName.GITHUB].status is not SourceStatus.UNKNOWN
    assert affected(recent=(odd,)).sources[SourceName.GITHUB].status is SourceStatus.AFFECTED


def test_snyk_without_issues_with_issues_and_refused() -> None:
    place = ("demo", "1.0")
    issue = SnykIssue(id="SNYK-1", severity=Severity.LOW, cves=(ONE,))
    found = affected(issues={place: (issue,)})
    assert (found.sources[SourceName.SNYK].status, len(found.vulnerabilities)) == (SourceStatus.AFFECTED, 2)
    assert "Snyk: 1 (LOW)" in said(found)
    assert affected(issues={place: ()}).sources[SourceName.SNYK].status is SourceStatus.NONE_FOUND
    refused = affected(snyk_problems={place: "snyk: HTTP 401; check SNYK_TOKEN and SNYK_ORG."})
    assert result_text(refused, SourceName.SNYK) == "Could not check (snyk: HTTP 401; check SNYK_TOKEN and SNYK_ORG.)"
    assert refused.gaps == ("snyk",)


def test_a_wrong_token_is_one_sentence_for_all_packages() -> None:
    problems = {(f"demo-{n}", "1.0"): "snyk: HTTP 401; check SNYK_TOKEN." for n in range(486)}
    assert list(calm(snyk_problems=problems).sentences()) == [
        "Snyk could not be asked about 486 packages: snyk: HTTP 401; check SNYK_TOKEN."
    ]


def test_not_consulted_is_named_and_no_gap() -> None:
    budget: Told[Any] = Told({ONE: NvdFacts(status="Analyzed", cvss=9.8)}, frozenset({ONE}), "too many CVEs")
    review = affected(nvd=budget, kev=Told(problem="switched off"))
    assert review.sources[SourceName.NVD].reason == "not consulted: too many CVEs"
    assert (result_text(review, SourceName.NVD) or "").endswith("severity from GitHub; NVD not consulted")
    assert (review.gaps, review.not_consulted) == ((), ("nvd", "kev"))
    assert "ℹ️ Not consulted: KEV" in said(review)


def test_without_osv_nothing_is_told_of_the_package() -> None:
    before = reviewed(osv=OSV_DOWN)
    assert enriched(before, calm(kev=failed()), NOW) == before


@pytest.mark.parametrize("make", [affected, clear])
@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"exploits": told({ONE: ("3",)}, bulk=True)},
        {"exploits": failed(bulk=True)},
        {"exploits": Told(problem="offline", bulk=True)},
        {"nvd": failed()},
        {"nvd": told({ONE: NvdFacts(status="Deferred", cvss=1.0)}, TWO)},
        {"kev": failed(), "epss": failed()},
        {"recent": None, "github_problem": DOWN},
        {"snyk_problems": {("demo", "1.0"): DOWN, ("demo", "2.0"): DOWN}},
    ],
)
def test_every_text_reads_as_the_colour_it_was_given(make: Any, parts: dict[str, Any]) -> None:
    for cell in proposals(make(**parts)):
        if cell.field in RESULT_FIELDS:
            assert verdict_of(cell.field, str(cell.value)) is cell.meaning, cell.value
    (last,) = (cell for cell in proposals(make(**parts)) if cell.field.value == "recommendation")
    assert verdict_of(last.field, str(last.value)) is last.meaning, last.value


def test_githubs_answer_is_second_hand_where_its_newest_advisories_were_not_asked_for() -> None:
    assert not clear().sources[SourceName.GITHUB].second_hand
    offline = clear(recent=None).sources[SourceName.GITHUB]
    assert (offline.status, offline.second_hand) == (SourceStatus.NOT_AFFECTED, True)
