"""Evaluation by the OSV schema's rules (https://ossf.github.io/osv-schema/#evaluation) on PEP 440."""

from typing import Any

import pytest

from tasks.advisories.evaluate import evaluate
from tasks.advisories.model import Advisory, Verdict
from tasks.advisories.parse import parse_advisory

AFFECTED, NOT_AFFECTED, UNDECIDABLE = Verdict.AFFECTED, Verdict.NOT_AFFECTED, Verdict.UNDECIDABLE


def advisory(*ranges: list[dict[str, str]], versions: tuple[str, ...] = (), **more: Any) -> Advisory:
    entry = {
        "package": {"ecosystem": more.pop("ecosystem", "PyPI"), "name": more.pop("name", "demo")},
        "ranges": [{"type": more.get("kind", "ECOSYSTEM"), "events": events} for events in ranges],
        "versions": list(versions),
    }
    return parse_advisory({"id": "TEST-1", "modified": "2026-01-01T00:00:00Z", "affected": [entry], **more})


def said(events: list[dict[str, str]], version: str) -> Verdict:
    return evaluate(advisory(events), "demo", version)


HALF_OPEN = [{"introduced": "1.0"}, {"fixed": "2.0"}]
INCLUSIVE = [{"introduced": "1.0"}, {"last_affected": "2.0"}]


@pytest.mark.parametrize(
    ("version", "half_open", "inclusive"),
    [
        ("0.9", NOT_AFFECTED, NOT_AFFECTED),
        ("1.0.dev1", NOT_AFFECTED, NOT_AFFECTED),
        ("1.0rc1", NOT_AFFECTED, NOT_AFFECTED),
        ("1.0", AFFECTED, AFFECTED),
        ("v1.0.0", AFFECTED, AFFECTED),
        ("1.0.post1", AFFECTED, AFFECTED),
        ("1.10", AFFECTED, AFFECTED),
        ("2.0rc1", AFFECTED, AFFECTED),
        ("2.0", NOT_AFFECTED, AFFECTED),
        ("2.0.0", NOT_AFFECTED, AFFECTED),
        ("2.0.post1", NOT_AFFECTED, NOT_AFFECTED),
        ("2.0.1", NOT_AFFECTED, NOT_AFFECTED),
        ("1!1.5", NOT_AFFECTED, NOT_AFFECTED),
    ],
)
def test_fixed_is_exclusive_and_last_affected_inclusive(version: str, half_open: Verdict, inclusive: Verdict) -> None:
    assert said(HALF_OPEN, version) is half_open
    assert said(INCLUSIVE, version) is inclusive


@pytest.mark.parametrize("version", ["0.dev0", "0a0", "0", "0.0.1", "0!0.dev0"])
def test_introduced_zero_is_before_every_version(version: str) -> None:
    """OSV schema, "Special values": "0" sorts before any other version, PEP 440's 0.dev0 included."""
    assert said([{"introduced": "0"}, {"fixed": "1"}], version) is AFFECTED
    assert said([{"introduced": "0.0"}, {"fixed": "1"}], "0.dev0") is NOT_AFFECTED


@pytest.mark.parametrize(
    ("version", "verdict"),
    [("1.5", AFFECTED), ("2.0", NOT_AFFECTED), ("2.9", NOT_AFFECTED), ("3.0", AFFECTED), ("3.1", NOT_AFFECTED)],
)
def test_several_intervals_in_one_range_whatever_their_order(version: str, verdict: Verdict) -> None:
    events = [{"fixed": "3.1"}, {"introduced": "1.0"}, {"introduced": "3.0"}, {"fixed": "2.0"}]
    assert said(events, version) is verdict


def test_a_second_end_without_a_start_changes_nothing() -> None:
    """By the schema's pseudocode the first of two `last_affected` ends the interval."""
    events = [{"introduced": "0"}, {"last_affected": "2.5"}, {"last_affected": "2.7"}]
    assert said(events, "2.5") is AFFECTED
    assert said(events, "2.6") is NOT_AFFECTED


@pytest.mark.parametrize("swap", [False, True])
def test_intervals_that_touch_are_joined(swap: bool) -> None:
    middle = [{"fixed": "2.0"}, {"introduced": "2.0"}]
    events = [{"introduced": "0"}, *(reversed(middle) if swap else middle), {"fixed": "3.0"}]
    assert [said(events, version) for version in ("1.9", "2.0", "2.5", "3.0")] == [AFFECTED] * 3 + [NOT_AFFECTED]


def test_an_interval_that_ends_where_it_starts() -> None:
    assert said([{"introduced": "2.0"}, {"fixed": "2.0"}], "2.0") is NOT_AFFECTED
    assert said([{"introduced": "2.0"}, {"fixed": "2.0"}], "2.1") is NOT_AFFECTED
    assert said([{"introduced": "1.0"}, {"last_affected": "2.0"}, {"fixed": "2.0"}], "2.0") is NOT_AFFECTED
    single = [{"introduced": "2.0"}, {"last_affected": "2.0"}]
    assert [said(single, version) for version in ("1.9", "2.0", "2.1")] == [NOT_AFFECTED, AFFECTED, NOT_AFFECTED]


@pytest.mark.parametrize(
    ("limits", "below", "above"),
    [
        (["2.0"], AFFECTED, NOT_AFFECTED),
        (["1.5", "2.0"], AFFECTED, NOT_AFFECTED),
        (["2.0", "*"], AFFECTED, AFFECTED),
        (["2.0", "somewhere"], AFFECTED, UNDECIDABLE),
        (["somewhere"], UNDECIDABLE, UNDECIDABLE),
    ],
)
def test_limits_cap_a_range(limits: list[str], below: Verdict, above: Verdict) -> None:
    """OSV schema, BeforeLimits: below any one of the limits; "*" is no limit."""
    events = [{"introduced": "1.0"}, *({"limit": limit} for limit in limits)]
    assert said(events, "1.9") is below
    assert said(events, "2.0") is above
    assert said(events, "0.9") is NOT_AFFECTED


def test_a_range_is_joined_with_the_list_of_versions() -> None:
    both = advisory(HALF_OPEN, versions=("3.0", "0.9-stable"))
    verdicts = {version: evaluate(both, "demo", version) for version in ("1.5", "3", "2.5", "0.9")}
    assert verdicts == {"1.5": AFFECTED, "3": AFFECTED, "2.5": NOT_AFFECTED, "0.9": NOT_AFFECTED}


def test_ranges_of_several_entries_are_joined() -> None:
    entries = [
        {"package": {"ecosystem": "PyPI", "name": "demo"}, "ranges": [{"type": "ECOSYSTEM", "events": HALF_OPEN}]},
        {"package": {"ecosystem": "PyPI", "name": "Demo"}, "versions": ["5.0"]},
    ]
    record = parse_advisory({"id": "TEST-2", "affected": entries})
    assert [evaluate(record, "demo", version) for version in ("1.0", "5.0", "4.0")] == [
        AFFECTED,
        AFFECTED,
        NOT_AFFECTED,
    ]


def test_semver_ranges_of_pypi_are_ordered_by_pep_440() -> None:
    assert evaluate(advisory(HALF_OPEN, kind="SEMVER"), "demo", "1.9rc1") is AFFECTED


@pytest.mark.parametrize("spelling", ["ruamel.yaml", "Ruamel_YAML", "ruamel--yaml", " ruamel-yaml "])
def test_names_are_compared_by_pep_503(spelling: str) -> None:
    assert evaluate(advisory(HALF_OPEN, name="ruamel.yaml"), spelling, "1.5") is AFFECTED
    assert evaluate(advisory(HALF_OPEN, name=spelling), "ruamel-yaml", "1.5") is AFFECTED


def test_other_packages_and_ecosystems_do_not_count() -> None:
    assert evaluate(advisory(HALF_OPEN), "demo2", "1.5") is NOT_AFFECTED
    assert evaluate(advisory(HALF_OPEN, ecosystem="npm"), "demo", "1.5") is NOT_AFFECTED
    assert evaluate(advisory(HALF_OPEN, ecosystem="Debian:11"), "demo", "1.5") is NOT_AFFECTED
    assert evaluate(advisory(HALF_OPEN, ecosystem="Root:PyPI"), "demo", "1.5") is NOT_AFFECTED
    assert evaluate(advisory(HALF_OPEN, ecosystem="npm"), "demo", "1.5", ecosystem="npm") is AFFECTED


def test_git_ranges_decide_nothing() -> None:
    """A record that names a package but neither versions nor an ecosystem's ranges affects no version by the rules."""
    git = {"type": "GIT", "repo": "https://example.org/r", "events": [{"introduced": "0"}]}
    entry = {"package": {"ecosystem": "PyPI", "name": "demo"}, "ranges": [git]}
    record = parse_advisory({"id": "TEST-3", "affected": [entry]})
    assert [evaluate(record, "demo", version) for version in ("1.0", "not a version")] == [NOT_AFFECTED] * 2


def test_withdrawn_records_never_count() -> None:
    gone = advisory(HALF_OPEN, versions=("1.5",), withdrawn="2026-01-01T00:00:00Z")
    assert evaluate(gone, "demo", "1.5") is NOT_AFFECTED


def test_a_local_build_of_an_affected_release_that_nobody_names_is_for_a_person() -> None:
    """OSV compares versions as they are; the public release being affected must not read as safe either."""
    assert evaluate(advisory(versions=("1.0",)), "demo", "1.0+cpu") is UNDECIDABLE
    assert evaluate(advisory(versions=("1.0", "1.0+cpu")), "demo", "1.0+cpu") is AFFECTED
    assert evaluate(advisory(versions=("1.0+cpu",)), "demo", "1.0") is NOT_AFFECTED
    assert evaluate(advisory(versions=("1.0+cpu",)), "demo", "1.0+cuda") is NOT_AFFECTED
    assert evaluate(advisory(versions=("1.0",)), "demo", "1.0.post1+cpu") is NOT_AFFECTED
    assert said(INCLUSIVE, "2.0+cpu") is UNDECIDABLE
    assert said(INCLUSIVE, "2.0.1+cpu") is NOT_AFFECTED
    assert said([{"introduced": "1.0"}, {"last_affected": "2.0+cpu"}], "2.0+cpu") is AFFECTED
    assert said([{"introduced": "1.0"}, {"last_affected": "2.0+cpu"}], "2.0+cuda") is UNDECIDABLE
    assert said(HALF_OPEN, "2.0+cpu") is NOT_AFFECTED
    assert said(HALF_OPEN, "1.0+cpu") is AFFECTED


@pytest.mark.parametrize(
    ("version", "verdict"),
    [
        ("7.1.9", AFFECTED),
        ("7.2.0.dev0", UNDECIDABLE),
        ("7.2.0", UNDECIDABLE),
        ("7.2.0.post12", UNDECIDABLE),
        ("7.2.1", NOT_AFFECTED),
        ("28.0.1", NOT_AFFECTED),
    ],
)
@pytest.mark.parametrize("text", ["7.2.0-12.1", "v7.2.0-NA", "7.2.0ubuntu0.1", r"7.2.0-alpha\.33", "7.2.0-n653"])
@pytest.mark.parametrize("kind", ["fixed", "last_affected"])
def test_an_end_that_is_not_pep_440_lies_within_its_release(
    kind: str, text: str, version: str, verdict: Verdict
) -> None:
    assert said([{"introduced": "0"}, {kind: text}], version) is verdict


@pytest.mark.parametrize(
    "text", ["2019-09-12", "7f283ff806b2031f407db64c4d3edcda8fb9f9f5", "unknown", "9.x or so", "1:2.3", "-", "9" * 5000]
)
def test_an_end_without_a_release_leaves_only_what_it_cannot_change(text: str) -> None:
    events = [{"introduced": "2.0"}, {"fixed": text}]
    assert said(events, "1.9") is NOT_AFFECTED
    assert said(events, "2.0") is UNDECIDABLE
    assert said([*events, {"introduced": "3.0"}, {"fixed": "4.0"}], "4.0") is NOT_AFFECTED


def test_a_start_that_is_not_pep_440() -> None:
    events = [{"introduced": "2.0-NA"}, {"fixed": "3.0"}]
    verdicts = [said(events, version) for version in ("1.9", "2.0", "2.5", "3.0", "3.1")]
    assert verdicts == [NOT_AFFECTED, UNDECIDABLE, AFFECTED, NOT_AFFECTED, NOT_AFFECTED]


def test_several_odd_events_each_count_where_they_can_lie() -> None:
    both = [{"introduced": "1.0-NA"}, {"fixed": "7.2.0-NA"}]
    verdicts = [said(both, version) for version in ("0.9", "1.0", "3.0", "7.2.0", "8.0")]
    assert verdicts == [NOT_AFFECTED, UNDECIDABLE, AFFECTED, UNDECIDABLE, NOT_AFFECTED]


def test_an_odd_event_above_the_version_says_nothing_about_it() -> None:
    single = [{"introduced": "1.0"}, {"last_affected": "1.0"}, {"fixed": "9.0-NA"}]
    assert [said(single, version) for version in ("1.0", "2.0")] == [AFFECTED, NOT_AFFECTED]


def test_a_local_build_beside_an_odd_event() -> None:
    events = [{"fixed": "1.0-NA"}, {"introduced": "1.5"}, {"last_affected": "2.0"}]
    verdicts = [said(events, version) for version in ("2.0", "2.0+cpu", "2.0.1+cpu")]
    assert verdicts == [AFFECTED, UNDECIDABLE, NOT_AFFECTED]


def test_an_odd_event_beside_a_start_and_an_end_at_one_version() -> None:
    """Were the odd start 2.1, it would join what "introduced 2.1.1, fixed 2.1.1" leaves empty."""
    events = [{"introduced": "2.1.1"}, {"fixed": "2.1.1"}, {"introduced": "2.1-NA"}]
    assert [said(events, version) for version in ("2.0", "2.1.1", "3")] == [NOT_AFFECTED, UNDECIDABLE, UNDECIDABLE]
    meant = [*events[:2], {"introduced": "2.1"}]
    assert [said(meant, version) for version in ("2.0", "2.1.1", "3")] == [NOT_AFFECTED, AFFECTED, AFFECTED]


def test_another_range_or_the_list_decides_where_an_odd_event_cannot() -> None:
    odd = [{"introduced": "0"}, {"fixed": "7.2.0-12.1"}]
    assert evaluate(advisory(odd), "demo", "7.2.0") is UNDECIDABLE
    assert evaluate(advisory(odd, HALF_OPEN, [{"introduced": "7"}]), "demo", "7.2.0") is AFFECTED
    assert evaluate(advisory(odd, versions=("7.2.0",)), "demo", "7.2.0") is AFFECTED


def test_a_range_without_a_start_never_reads_as_safe() -> None:
    assert said([{"fixed": "2.0"}], "1.0") is UNDECIDABLE
    assert said([], "1.0") is UNDECIDABLE


def test_a_version_that_is_not_pep_440_is_affected_if_listed_or_if_all_are() -> None:
    listed = advisory(versions=("0.9-stable", "1.0"))
    assert evaluate(listed, "demo", "0.9-stable") is AFFECTED
    assert evaluate(listed, "demo", "0.9-Stable") is UNDECIDABLE
    assert said(HALF_OPEN, "0.9-stable") is UNDECIDABLE
    assert said([{"introduced": "0"}], "0.9-stable") is AFFECTED
    assert said([{"introduced": "0"}, {"limit": "2"}], "0.9-stable") is UNDECIDABLE
    assert said([{"introduced": "0"}, {"fixed": "0.9-stable"}], "0.9-stable") is UNDECIDABLE
    assert evaluate(listed, "other", "0.9-stable") is NOT_AFFECTED


def test_a_version_of_absurd_length_is_not_read() -> None:
    assert said(HALF_OPEN, "1.0" + ".0" * 90) is AFFECTED
    assert said(HALF_OPEN, "1.0" + ".0" * 100) is UNDECIDABLE
