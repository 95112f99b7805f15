"""Advisories of one project as vulnerabilities: grouping, naming, rating, fixes, order; and what clears a version."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from tasks.advisories.assess import assess, smallest_clearing
from tasks.advisories.evaluate import evaluate
from tasks.advisories.grouping import group_by_alias
from tasks.advisories.model import Advisory, Severity, Verdict
from tasks.advisories.parse import parse_advisory

CRITICAL_V3 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"  # 9.8
HIGH_V3 = "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"  # 7.5
CRITICAL_V4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"  # 9.3
V2 = "AV:N/AC:L/Au:N/C:C/I:C/A:C"


def spans(*pairs: tuple[str, str]) -> list[dict[str, Any]]:
    """One range for each pair of first affected and fixed version."""
    return [{"type": "ECOSYSTEM", "events": [{"introduced": low}, {"fixed": high}]} for low, high in pairs]


def advisory(name: str, *pairs: tuple[str, str], vectors: tuple[str, ...] = (), **more: Any) -> Advisory:
    entry = {"package": {"ecosystem": "PyPI", "name": "demo"}, "ranges": spans(*(pairs or [("0", "2.0")]))}
    severity = [{"type": "CVSS_V4" if "4.0" in vector else "CVSS_V3", "score": vector} for vector in vectors]
    return parse_advisory({"id": name, "severity": severity, "affected": [entry], **more})


def test_records_that_share_an_alias_are_one_vulnerability() -> None:
    records = [
        advisory("PYSEC-2026-1", aliases=["CVE-2026-0001", "BIT-demo-1"], summary="Second by id."),
        advisory("GHSA-aaaa", aliases=["CVE-2026-0001"], summary=""),
        advisory("PYSEC-2026-2", aliases=["CVE-2026-0002"]),
    ]
    first, second = assess(records, "demo", "1.0").vulnerabilities
    assert (first.ids, first.aliases, first.cves) == (
        ("GHSA-aaaa", "PYSEC-2026-1"),
        ("BIT-demo-1", "CVE-2026-0001"),
        ("CVE-2026-0001",),
    )
    assert first.summary == "Second by id."
    assert second.ids == ("PYSEC-2026-2",)


def test_a_chain_of_aliases_joins_its_ends() -> None:
    chain = [
        advisory("A-1", aliases=["X-1"]),
        advisory("B-1", aliases=["X-1", "X-2"]),
        advisory("C-1", aliases=["X-2"]),
    ]
    assert [found.ids for found in assess(chain, "demo", "1.0").vulnerabilities] == [("A-1", "B-1", "C-1")]


def test_a_record_that_does_not_affect_joins_nothing() -> None:
    """Grouping is among the records that affect this version."""
    chain = [
        advisory("A-1", aliases=["X-1"]),
        advisory("B-1", ("5", "6"), aliases=["X-1", "X-2"]),
        advisory("C-1", aliases=["X-2"]),
    ]
    found = assess(chain, "demo", "1.0")
    assert [vulnerability.ids for vulnerability in found.vulnerabilities] == [("A-1",), ("C-1",)]
    assert found.not_affected == ("B-1",)


def test_an_id_among_the_aliases_joins_and_is_no_alias_then() -> None:
    (found,) = assess(
        [advisory("CVE-2026-0001"), advisory("A-1", aliases=["CVE-2026-0001"])], "demo", "1"
    ).vulnerabilities
    assert (found.ids, found.aliases, found.cves) == (("A-1", "CVE-2026-0001"), (), ("CVE-2026-0001",))


def test_related_records_stay_apart() -> None:
    """OSV schema: related vulnerabilities are not the same one."""
    records = [advisory("A-1", related=["B-1"], upstream=["B-1"]), advisory("B-1")]
    assert len(assess(records, "demo", "1.0").vulnerabilities) == 2


@pytest.mark.parametrize(
    ("vectors", "label", "cvss", "severity"),
    [
        ((HIGH_V3, CRITICAL_V4), "LOW", 9.3, Severity.CRITICAL),
        ((CRITICAL_V3, CRITICAL_V4), "LOW", 9.8, Severity.CRITICAL),
        ((HIGH_V3,), "CRITICAL", 7.5, Severity.HIGH),
        (("CVSS:3.1/AV:N/AC:L", "CVSS:9/x", "nonsense"), "MODERATE", None, Severity.MEDIUM),
        ((V2,), "LOW", None, Severity.LOW),
        ((), "", None, Severity.UNKNOWN),
    ],
)
def test_the_highest_score_rates_else_the_label(
    vectors: tuple[str, ...], label: str, cvss: float | None, severity: Severity
) -> None:
    records = [
        advisory(f"A-{number}", aliases=["X"], vectors=(vector,)) for number, vector in enumerate(vectors, start=1)
    ]
    records.append(advisory("A-0", aliases=["X"], database_specific={"severity": label}))
    (found,) = assess(records, "demo", "1.0").vulnerabilities
    assert (found.cvss, found.severity) == (cvss, severity)


def test_the_highest_label_of_a_group_counts() -> None:
    records = [
        advisory(f"A-{label}", aliases=["X"], database_specific={"severity": label}) for label in ("LOW", "HIGH", "?")
    ]
    assert assess(records, "demo", "1.0").vulnerabilities[0].severity is Severity.HIGH


def test_a_vector_of_another_package_does_not_rate_this_one() -> None:
    """OSV schema, affected[].severity: it applies to that package."""
    scored = [
        {
            "package": {"ecosystem": "PyPI", "name": name},
            "ranges": spans(("0", "2")),
            "severity": [{"type": "CVSS_V3", "score": v}],
        }
        for name, v in (("demo", HIGH_V3), ("other", CRITICAL_V3))
    ]
    record = parse_advisory({"id": "A-1", "affected": scored})
    assert assess([record], "demo", "1.0").vulnerabilities[0].cvss == 7.5
    assert assess([record], "other", "1.0").vulnerabilities[0].cvss == 9.8


def test_fixes_of_every_release_line_ascending_and_once() -> None:
    records = [
        advisory("A-1", ("0", "2.10"), ("3.0", "3.1"), ("1.0", "7.2.0-12.1"), aliases=["X"]),
        advisory("B-1", ("0", "2.9rc1"), ("0", "2.10.0"), aliases=["X"]),
        advisory("C-1", ("9", "9.9"), aliases=["X"]),
    ]
    (found,) = assess(records, "Demo", "1.0").vulnerabilities
    assert found.fixed_in == ("2.9rc1", "2.10", "3.1")


def test_the_most_severe_comes_first() -> None:
    records = [
        advisory("A-unknown"),
        advisory("B-high", vectors=(HIGH_V3,)),
        advisory("C-label", database_specific={"severity": "CRITICAL"}),
        advisory("D-critical", vectors=(CRITICAL_V4,)),
        advisory("E-critical", vectors=(CRITICAL_V3,)),
        advisory("A-high", vectors=(HIGH_V3,)),
        advisory("MAL-2026-1"),
        advisory("Z-malicious", aliases=["MAL-2026-2"]),
    ]
    found = assess(records, "demo", "1.0").vulnerabilities
    order = ["MAL-2026-1", "Z-malicious", "E-critical", "D-critical", "C-label", "A-high", "B-high", "A-unknown"]
    assert [vulnerability.ids[0] for vulnerability in found] == order
    assert [vulnerability.malicious for vulnerability in found] == [True, True] + [False] * 6


def test_every_record_of_the_project_is_accounted_for_once() -> None:
    records = [
        advisory("A-affects"),
        advisory("C-not", ("5", "6")),
        advisory("B-not", ("5", "6")),
        advisory("D-open", ("0", "1.0-NA")),
        advisory("E-gone", withdrawn="2026-01-01T00:00:00Z"),
        parse_advisory({"id": "F-other", "affected": [{"package": {"ecosystem": "npm", "name": "demo"}}]}),
    ]
    found = assess(iter(records), "demo", "1.0")
    assert [vulnerability.ids for vulnerability in found.vulnerabilities] == [("A-affects",)]
    assert (found.not_affected, found.undecidable, found.withdrawn) == (("B-not", "C-not"), ("D-open",), ("E-gone",))


@pytest.mark.parametrize("newest_first", [True, False])
def test_of_two_states_of_a_record_the_latest_counts(newest_first: bool) -> None:
    old = advisory("A-1", modified="2026-01-01T00:00:00Z")
    new = advisory("A-1", modified="2026-01-01T00:00:00.5Z", withdrawn="2026-01-01T00:00:00Z")
    states = [new, old] if newest_first else [old, new]
    assert assess(states, "demo", "1.0").withdrawn == ("A-1",)
    assert assess(states, "demo", "1.0").vulnerabilities == ()
    assert smallest_clearing(states, "demo", "1.0", ["1.0"]) == "1.0"


def test_nothing_known_is_nothing_found() -> None:
    found = assess([], "demo", "1.0")
    assert (found.vulnerabilities, found.not_affected, found.undecidable, found.withdrawn) == ((), (), (), ())


CANDIDATES = ["3.0", "1.0", "2.0rc1", "2.0", "not a version", "1.10", "10.0", "2.0.0"]


@pytest.mark.parametrize(
    ("records", "version", "expected"),
    [
        ([], "1.0", "1.0"),
        ([], "1.5", "1.10"),
        ([advisory("A-1")], "1.0", "2.0"),
        ([advisory("A-1", ("0", "2.0rc1"))], "1.0", "2.0rc1"),
        ([advisory("A-1"), advisory("B-1", ("2.0", "3.0"))], "1.0", "3.0"),
        ([advisory("A-1"), advisory("B-1", ("0", "3.0-NA"))], "1.0", "10.0"),
        ([advisory("A-1", ("0", "99"))], "1.0", None),
        ([advisory("A-1", ("0", "99"), withdrawn="2026-01-01T00:00:00Z")], "1.0", "1.0"),
        ([], "11", None),
        ([], "not a version", None),
    ],
)
def test_the_smallest_version_that_nothing_affects(records: list[Advisory], version: str, expected: str | None) -> None:
    assert smallest_clearing(records, "demo", version, CANDIDATES) == expected


VERSIONS = st.sampled_from([f"{major}.{minor}{end}" for major in range(4) for minor in range(3) for end in ("", "rc1")])
PAIRS = st.lists(st.tuples(VERSIONS | st.just("0"), VERSIONS | st.just("2.1-NA")), min_size=1, max_size=2)
NAMES = st.sampled_from([f"X-{number}" for number in range(8)])
ADVISORIES = st.lists(st.tuples(PAIRS, st.lists(NAMES, max_size=2), st.booleans()), max_size=8).map(
    lambda drawn: [
        advisory(f"A-{number}", *pairs, aliases=aliases, withdrawn=withdrawn)
        for number, (pairs, aliases, withdrawn) in enumerate(drawn)
    ]
)


@settings(deadline=None)
@given(ADVISORIES, VERSIONS, st.lists(VERSIONS, max_size=8))
def test_the_clearing_version_is_what_asking_one_by_one_finds(
    records: list[Advisory], version: str, candidates: list[str]
) -> None:
    clear = [
        candidate
        for candidate in sorted(candidates, key=Version)
        if Version(candidate) >= Version(version)
        and all(evaluate(record, "demo", candidate) is Verdict.NOT_AFFECTED for record in records)
    ]
    assert smallest_clearing(records, "demo", version, candidates) == (clear[0] if clear else None)


@settings(deadline=None)
@given(ADVISORIES)
def test_grouping_is_a_partition_into_connected_parts(records: list[Advisory]) -> None:
    groups = group_by_alias(records)
    flat = [record.id for group in groups for record in group]
    assert sorted(flat) == sorted(record.id for record in records)
    names = [set().union(*({record.id, *record.aliases} for record in group)) for group in groups]
    assert all(one.isdisjoint(other) for one, other in itertools.combinations(names, 2))
    for group in groups:
        reached, waiting = {group[0].id, *group[0].aliases}, list(group)
        while near := [record for record in waiting if reached & {record.id, *record.aliases}]:
            reached.update(name for record in near for name in (record.id, *record.aliases))
            waiting = [record for record in waiting if record not in near]
        assert not waiting


@settings(deadline=None)
@given(ADVISORIES, VERSIONS, st.randoms(use_true_random=False))
def test_neither_order_nor_withdrawn_records_change_the_answer(
    records: list[Advisory], version: str, random: Any
) -> None:
    gone = advisory("Z-gone", ("0", "99"), aliases=["X-1", "X-2", "X-3"], withdrawn="2026-01-01T00:00:00Z")
    shuffled = random.sample([*records, gone], len(records) + 1)
    before, after = assess(records, "demo", version), assess(shuffled, "demo", version)
    assert after.vulnerabilities == before.vulnerabilities
    assert after.withdrawn == (*before.withdrawn, "Z-gone")
    assert (after.not_affected, after.undecidable) == (before.not_affected, before.undecidable)


@settings(deadline=None)
@given(ADVISORIES, VERSIONS)
def test_the_assessment_agrees_with_evaluation(records: list[Advisory], version: str) -> None:
    found = assess(records, "demo", version)
    by_verdict = {
        verdict: sorted(r.id for r in records if not r.withdrawn and evaluate(r, "demo", version) is verdict)
        for verdict in Verdict
    }
    assert sorted(name for one in found.vulnerabilities for name in one.ids) == by_verdict[Verdict.AFFECTED]
    assert list(found.not_affected) == by_verdict[Verdict.NOT_AFFECTED]
    assert list(found.undecidable) == by_verdict[Verdict.UNDECIDABLE]
