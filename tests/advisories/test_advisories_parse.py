"""Reading OSV records (https://ossf.github.io/osv-schema/), and storing them."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.advisories.model import Advisory, Affected, Event, EventKind, Severity
from tasks.advisories.parse import from_plain, parse_advisory, to_plain
from tasks.errors import SourceAnswerInvalid

V3 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
V4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"

RECORD: dict[str, Any] = {
    "schema_version": "1.7.5",
    "id": "GHSA-aaaa-bbbb-cccc",
    "modified": "2026-02-03T04:05:06.789Z",
    "aliases": ["CVE-2026-0001", " PYSEC-2026-1 ", "CVE-2026-0001", "", "GHSA-aaaa-bbbb-cccc"],
    "related": ["CVE-2026-9999"],
    "summary": " A flaw \nin two lines",
    "details": "Long.",
    "severity": [{"type": "CVSS_V3", "score": V3 + " "}, {"type": "CVSS_V2", "score": "AV:N/AC:L/Au:N/C:P/I:P/A:P"}],
    "database_specific": {"severity": "Moderate"},
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "Demo", "purl": "pkg:pypi/demo"},
            "severity": [{"type": "CVSS_V4", "score": V4}],
            "versions": ["1.0", "1.1"],
            "ranges": [
                {"type": "GIT", "repo": "https://example.org", "events": [{"introduced": "0"}, {"fixed": "abc"}]},
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2"}, {"new kind": "9"}]},
                {"type": "SEMVER", "events": [{"introduced": "2.0", "last_affected": "2.1"}, {"limit": "*"}]},
            ],
        },
        {"package": {"ecosystem": "Debian:11", "name": "python-demo"}, "versions": None, "ranges": None},
        {"ranges": [{"type": "GIT", "repo": "https://example.org", "events": [{"introduced": "0"}]}]},
    ],
}


def test_a_record_is_read_with_what_deciding_needs() -> None:
    assert parse_advisory(RECORD) == Advisory(
        id="GHSA-aaaa-bbbb-cccc",
        modified="2026-02-03T04:05:06.789Z",
        aliases=("CVE-2026-0001", "PYSEC-2026-1"),
        withdrawn=False,
        summary="A flaw",
        affected=(
            Affected(
                "PyPI",
                "Demo",
                ("1.0", "1.1"),
                (
                    (Event(EventKind.INTRODUCED, "0"), Event(EventKind.FIXED, "1.2")),
                    (
                        Event(EventKind.INTRODUCED, "2.0"),
                        Event(EventKind.LAST_AFFECTED, "2.1"),
                        Event(EventKind.LIMIT, "*"),
                    ),
                ),
                (V4,),
            ),
            Affected("Debian:11", "python-demo", (), ()),
        ),
        vectors=(V3,),
        label=Severity.MEDIUM,
    )


def test_the_smallest_record_is_enough() -> None:
    assert parse_advisory({"id": "PYSEC-1"}) == Advisory("PYSEC-1", "", (), False, "", (), (), Severity.UNKNOWN)


@pytest.mark.parametrize("key", [key for key in RECORD if key != "id"])
def test_null_is_the_same_as_absent(key: str) -> None:
    without = {name: value for name, value in RECORD.items() if name != key}
    assert parse_advisory(RECORD | {key: None}) == parse_advisory(without)


def test_nulls_in_lists_are_left_out() -> None:
    odd = with_entry(versions=[None, "1.0"], ranges=[None], severity=[None]) | {"aliases": [None], "severity": [None]}
    (entry,) = parse_advisory(odd).affected
    assert entry == Affected("PyPI", "Demo", ("1.0",), ())


@pytest.mark.parametrize(
    ("withdrawn", "expected"),
    [("2026-01-01T00:00:00Z", True), (True, True), (False, False), (None, False), ("", False)],
)
def test_a_withdrawal_time_withdraws(withdrawn: object, expected: bool) -> None:
    assert parse_advisory(RECORD | {"withdrawn": withdrawn}).withdrawn is expected


@pytest.mark.parametrize(
    ("label", "severity"),
    [
        ("LOW", Severity.LOW),
        ("MODERATE", Severity.MEDIUM),
        ("medium", Severity.MEDIUM),
        ("HIGH", Severity.HIGH),
        ("CRITICAL", Severity.CRITICAL),
        ("SPICY", Severity.UNKNOWN),
        (7, Severity.UNKNOWN),
        (None, Severity.UNKNOWN),
    ],
)
def test_database_labels(label: object, severity: Severity) -> None:
    assert parse_advisory(RECORD | {"database_specific": {"severity": label}}).label is severity
    assert parse_advisory(RECORD | {"database_specific": [label]}).label is Severity.UNKNOWN


def test_the_summary_is_one_short_line() -> None:
    assert parse_advisory(RECORD | {"summary": None, "details": "x" * 999 + "\ny"}).summary == "x" * 200
    assert parse_advisory(RECORD | {"summary": "\r\n", "details": "y"}).summary == ""


def with_entry(**changes: Any) -> dict[str, Any]:
    return RECORD | {"affected": [RECORD["affected"][0] | changes]}


@pytest.mark.parametrize(
    ("record", "place"),
    [
        (RECORD | {"aliases": "CVE-2026-1"}, "aliases must be a list"),
        (RECORD | {"aliases": [1]}, "aliases must be a list of texts"),
        (RECORD | {"modified": 1}, "modified must be text"),
        (RECORD | {"withdrawn": 1}, "withdrawn must be text"),
        (RECORD | {"severity": [{"type": "CVSS_V3", "score": 9.8}]}, "severity[0].score must be text"),
        (RECORD | {"affected": {}}, "affected must be a list"),
        (RECORD | {"affected": [None, 3]}, "affected[1] must be an object"),
        (with_entry(versions=["1", 2]), "affected[0].versions must be a list of texts"),
        (with_entry(package="demo"), "affected[0].package must be an object"),
        (with_entry(package={"ecosystem": "PyPI"}), "affected[0].package.name must be text, found nothing"),
        (with_entry(ranges=[{"events": [{"fixed": 1.0}]}]), "affected[0].ranges[0].events[0].fixed must be text"),
        (with_entry(ranges=["0"]), "affected[0].ranges[0] must be an object"),
    ],
)
def test_a_wrong_shape_is_refused_by_name_and_place(record: dict[str, Any], place: str) -> None:
    with pytest.raises(SourceAnswerInvalid) as caught:
        parse_advisory(record)
    assert str(caught.value).startswith(f"advisory GHSA-aaaa-bbbb-cccc: {place}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "record", [{}, {"id": None}, {"id": 5}, {"id": ""}, {"id": "a b"}, {"id": "a\n"}, {"id": "a" * 101}, [], "x", None]
)
def test_a_record_needs_an_id(record: Any) -> None:
    with pytest.raises(SourceAnswerInvalid, match=r"^record without id: "):
        parse_advisory(record)


def test_a_stored_advisory_is_a_small_osv_record() -> None:
    plain = to_plain(parse_advisory(RECORD | {"withdrawn": "2026-01-01T00:00:00Z"}))
    assert plain["withdrawn"] is True
    assert plain["affected"][0]["ranges"][0]["events"] == [{"introduced": "0"}, {"fixed": "1.2"}]
    assert "versions" not in plain["affected"][1]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
WORDS = st.text(max_size=12)
EVENT = st.dictionaries(st.sampled_from(["introduced", "fixed", "last_affected", "limit", "other"]), WORDS, max_size=2)
RANGE = st.fixed_dictionaries({"type": st.sampled_from(["GIT", "ECOSYSTEM", "SEMVER"]), "events": st.lists(EVENT)})
SCORE = st.sampled_from([V3, V4]) | WORDS
VECTORS = st.lists(st.fixed_dictionaries({"type": st.sampled_from(["CVSS_V3", "CVSS_V4"]), "score": SCORE}), max_size=2)
NAME = st.text("ab-._ é", min_size=1).filter(str.strip)
ENTRY = st.fixed_dictionaries(
    {"package": st.fixed_dictionaries({"ecosystem": st.sampled_from(["PyPI", "npm", "Debian:11"]), "name": NAME})},
    optional={"versions": st.lists(WORDS, max_size=3), "ranges": st.lists(RANGE, max_size=2), "severity": VECTORS},
)
RECORDS = st.fixed_dictionaries(
    {"id": st.from_regex(r"[A-Z]{3,5}-[0-9]{4}-[0-9]{1,4}", fullmatch=True)},
    optional={
        "modified": WORDS,
        "aliases": st.lists(WORDS, max_size=3),
        "withdrawn": WORDS,
        "summary": WORDS,
        "details": WORDS,
        "severity": VECTORS,
        "affected": st.lists(ENTRY, max_size=3),
        "database_specific": st.fixed_dictionaries({"severity": st.sampled_from(["LOW", "MODERATE", "?"])}),
    },
)


@settings(deadline=None)
@given(RECORDS)
def test_storing_and_reading_back_changes_nothing(record: dict[str, Any]) -> None:
    advisory = parse_advisory(record)
    assert from_plain(json.loads(json.dumps(to_plain(advisory)))) == advisory


def refusal(record: dict[str, Any]) -> str | None:
    try:
        parse_advisory(record)
    except SourceAnswerInvalid as error:
        return str(error)
    return None


@settings(deadline=None)
@given(RECORDS, st.sampled_from(["id", "aliases", "withdrawn", "severity", "affected", "database_specific"]), JSON)
def test_any_json_is_read_or_refused_in_one_line(record: dict[str, Any], key: str, value: Any) -> None:
    entry = {"package": {key: value}, "ranges": [{"events": value}]}
    for odd in (record | {key: value}, record | {"affected": [entry]}):
        assert len((refusal(odd) or "read").splitlines()) == 1
