"""Reading large arrays piece by piece, and advisories as bytes."""

import dataclasses
import io
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.advisories.evaluate import evaluate
from tasks.advisories.model import Verdict
from tasks.advisories.parse import parse_advisory
from tasks.http.message import InvalidAnswer
from tasks.store.codec import decoded, encoded
from tasks.store.json_stream import array_elements

VERSIONS = st.sampled_from(["1", "1.0", "v1.0.0", "1.0rc1", "2.0+local", "1!3", "odd", "2004-05", "10", "a b", ""])
EVENTS = st.lists(
    st.one_of(*(st.builds(lambda v, k=k: {k: v}, VERSIONS) for k in ("introduced", "fixed", "last_affected", "limit"))),
    max_size=4,
)
ENTRIES = st.fixed_dictionaries(
    {
        "package": st.fixed_dictionaries({"ecosystem": st.sampled_from(["PyPI", "npm"]), "name": st.just("demo")}),
        "versions": st.lists(VERSIONS, max_size=5),
        "ranges": st.lists(st.fixed_dictionaries({"type": st.just("ECOSYSTEM"), "events": EVENTS}), max_size=2),
        "severity": st.just([{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N"}]),
    }
)
RECORDS = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["GHSA-1", "PYSEC-1"]),
        "modified": st.just("2024-05-01T00:00:00Z"),
        "aliases": st.lists(st.sampled_from(["CVE-2024-1", "X-1"]), max_size=2),
        "summary": st.text(max_size=20),
        "withdrawn": st.sampled_from([None, "2024-06-01T00:00:00Z"]),
        "database_specific": st.just({"severity": "HIGH"}),
        "affected": st.lists(ENTRIES, max_size=3),
    }
)


@given(RECORDS, VERSIONS)
def test_an_advisory_read_back_decides_as_before(record: dict[str, object], version: str) -> None:
    before = parse_advisory(record)
    after = decoded(before.id, encoded(before))
    assert after is not None
    assert evaluate(after, "demo", version) is evaluate(before, "demo", version)
    bare = [dataclasses.replace(a, affected=()) for a in (before, after)]
    assert bare[0] == bare[1]
    for old, new in zip(before.affected, after.affected, strict=True):
        assert (new.ecosystem, new.name, new.ranges, new.vectors) == (old.ecosystem, old.name, old.ranges, old.vectors)


def test_an_advisory_of_a_store_of_schema_1_is_read() -> None:
    ranges = [[["introduced", "0"], ["fixed", "2"]]]
    value = ["GHSA-1", "m", [], False, "", [], "HIGH", [["PyPI", "demo", ["3"], ranges, []]]]
    found = decoded("GHSA-1", zlib.compress(json.dumps(value).encode()))
    assert found is not None
    assert [evaluate(found, "demo", version) for version in ("1", "2", "3.0")] == [
        Verdict.AFFECTED,
        Verdict.NOT_AFFECTED,
        Verdict.AFFECTED,
    ]


@pytest.mark.parametrize("body", [None, b"", b"x", encoded(parse_advisory({"id": "GHSA-2", "modified": ""}))])
def test_bytes_of_no_or_another_advisory_are_none(body: bytes | None) -> None:
    assert decoded("GHSA-1", body) is None


class Dripping(io.StringIO):
    """A file that gives three characters at a time."""

    def read(self, size: int | None = -1) -> str:
        return super().read(3 if size is not None and size > 0 else size)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=9,
)


@given(st.lists(st.dictionaries(st.text(max_size=3), JSON), max_size=6), st.sampled_from([None, 1]), st.booleans())
def test_elements_come_as_the_whole_would_have_them(elements: list[object], indent: int | None, more: bool) -> None:
    document = {"format": "x", "vulnerabilities": elements, **({"after": [1]} if more else {})}
    text = json.dumps(document, indent=indent)
    assert list(array_elements(Dripping(text), "vulnerabilities")) == elements


@given(st.lists(st.dictionaries(st.text(max_size=3), st.integers(), min_size=1), min_size=1, max_size=4), st.data())
def test_a_document_that_ends_early_is_an_error(elements: list[object], data: st.DataObject) -> None:
    text = json.dumps({"vulnerabilities": elements})
    cut = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(InvalidAnswer):
        list(array_elements(Dripping(text[:cut]), "vulnerabilities"))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"vulnerabilities": {}}', '{"vulnerabilities": [1 2]}'])
def test_what_has_no_such_array_is_an_error(text: str) -> None:
    with pytest.raises(InvalidAnswer):
        list(array_elements(io.StringIO(text), "vulnerabilities"))
