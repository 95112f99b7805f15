"""Which versions an indicator means."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.indicators.index import IndicatorIndex, says
from tasks.indicators.interface import Indicator, Match
from tasks.indicators.names import package_key
from tasks.indicators.order import order_key
from tasks.indicators.ranges import intervals_of_events, intervals_of_text


def indicator(ecosystem: str, name: str, *versions: str, text: str = "", is_any: bool = False) -> Indicator:
    intervals = intervals_of_text(text) if text else ()
    return Indicator(ecosystem, name, "X-1", "list", versions, intervals, is_any)


@pytest.mark.parametrize(
    ("ecosystem", "listed", "spelled"),
    [
        ("PyPI", "1.0", "1.0.0"),
        ("PyPI", "0.5.15", "v0.5.15"),
        ("Go", "1.2.3", "v1.2.3"),
        ("NuGet", "1.2.3", "1.2.3.0"),
        ("NuGet", "1.2.3-Beta", "1.2.3-beta"),
        ("npm", "1.2.3", "v1.2.3"),
        ("Packagist", "1.0", "v1.0"),
        ("Packagist", "v1.0", "1.0.0"),
        ("Packagist", "1.0.0.0-beta1", "1.0-b1"),
        ("Packagist", "2.0-RC1", "2.0.0RC1"),
        ("RubyGems", "1.0", "1.0.0"),
    ],
)
def test_spellings_of_one_version_match(ecosystem: str, listed: str, spelled: str) -> None:
    assert says(indicator(ecosystem, "x", listed), spelled) is Match.YES


@pytest.mark.parametrize(
    ("ecosystem", "listed", "other"),
    [
        ("Packagist", "1.0", "1.0.1"),
        ("Packagist", "1.0-beta1", "1.0-beta2"),
        ("Packagist", "1.0", "1.0-beta1"),
        ("Packagist", "dev-main", "dev-master"),
        ("RubyGems", "1.0", "1.0.pre"),
        ("RubyGems", "1.0-java", "1.0"),
    ],
)
def test_versions_that_only_look_alike_do_not_match(ecosystem: str, listed: str, other: str) -> None:
    assert says(indicator(ecosystem, "x", listed), other) is Match.NO


def test_another_version_does_not_match() -> None:
    assert says(indicator("npm", "x", "1.0.0", "2.0.0"), "1.0.1") is Match.NO


@pytest.mark.parametrize(
    ("ecosystem", "ascending"),
    [
        ("npm", ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.10.0"]),
        ("PyPI", ["1.0.dev1", "1.0a1", "1.0rc1", "1.0", "1.0.post1", "1.1"]),
        ("Maven", ["1.0-alpha-1", "1.0-beta", "1.0-rc1", "1.0-SNAPSHOT", "1.0", "1.0-sp", "1.0.1", "1.10"]),
        ("RubyGems", ["1.0.0.beta", "1.0.0.rc1", "1.0.0", "1.0.1.pre", "1.0.1"]),
        ("Packagist", ["1.0.0-dev", "1.0.0-alpha1", "1.0.0-RC1", "v1.0.0", "1.0.0-patch1", "1.0.1"]),
    ],
)
def test_versions_are_in_their_registrys_order(ecosystem: str, ascending: list[str]) -> None:
    keys = [order_key(ecosystem, text) for text in ascending]
    assert None not in keys
    assert keys == sorted(keys)
    assert all(a != b for a, b in itertools.pairwise(keys))


@pytest.mark.parametrize("text", [">=1.0.0, <2.0.0", ">=1.0.0 <2.0.0", ">= 1.0.0,< 2.0.0", "=3.0.0 || >=1.0.0,<2.0.0"])
def test_written_ranges(text: str) -> None:
    claim = indicator("npm", "x", text=text)
    answers = [says(claim, version) for version in ("0.9.0", "1.0.0", "1.5.0", "2.0.0")]
    assert answers == [Match.NO, Match.YES, Match.YES, Match.NO]


def test_exclusive_and_inclusive_ends() -> None:
    claim = indicator("npm", "x", text=">1.0.0, <=2.0.0")
    assert [says(claim, version) for version in ("1.0.0", "1.0.1", "2.0.0")] == [Match.NO, Match.YES, Match.YES]


def test_a_range_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="not understood"):
        intervals_of_text("~> )")


def test_a_version_that_cannot_be_compared_is_possible_and_never_safe() -> None:
    assert says(indicator("npm", "x", text=">=1.0.0"), "not-a-version") is Match.POSSIBLE


def test_osv_events_in_any_order() -> None:
    events = [{"fixed": "1.2.0"}, {"introduced": "2.0.0"}, {"introduced": "1.0.0"}, {"last_affected": "2.1.0"}]
    claim = Indicator("npm", "x", "X", "l", (), intervals_of_events("npm", events))
    answers = {version: says(claim, version) for version in ("0.1.0", "1.1.9", "1.2.0", "2.0.0", "2.1.0", "2.1.1")}
    assert [version for version, answer in answers.items() if answer is Match.YES] == ["1.1.9", "2.0.0", "2.1.0"]


def test_another_ecosystem_never_matches() -> None:
    index = IndicatorIndex.of([indicator("PyPI", "reqeusts", is_any=True)])
    assert list(index.matches("npm", "reqeusts", "1.0.0")) == []
    assert len(list(index.matches("PyPI", "Reqeusts", "1.0.0"))) == 1


def test_names_follow_each_registry() -> None:
    assert package_key("PyPI", "Num2Words_x") == package_key("PyPI", "num2words-x")
    assert package_key("npm", "A_b") != package_key("npm", "a-b")
    assert package_key("crates.io", "a_b") == package_key("crates.io", "a-b")
    assert package_key("SwiftURL", "https://github.com/A/b.git") == package_key("SwiftURL", "github.com/a/b")


def test_what_is_allowed_is_not_reported() -> None:
    index = IndicatorIndex.of([indicator("npm", "x", is_any=True)], [indicator("npm", "x", "1.0.0")])
    assert list(index.matches("npm", "x", "1.0.0")) == []
    assert len(list(index.matches("npm", "x", "1.0.1"))) == 1


def test_equal_claims_count_once() -> None:
    index = IndicatorIndex.of([indicator("npm", "x", "1.0.0")] * 2)
    assert len(list(index.matches("npm", "x", "1.0.0"))) == 1


def test_a_package_without_version_matches_every_version_claims_certainly() -> None:
    assert says(indicator("npm", "x", is_any=True), None) is Match.YES
    assert says(indicator("npm", "x", "1.0.0"), None) is Match.POSSIBLE


@given(st.lists(st.integers(0, 30), min_size=1, max_size=4), st.lists(st.integers(0, 30), min_size=1, max_size=4))
def test_plain_numbers_are_ordered_alike_everywhere(a: list[int], b: list[int]) -> None:
    first, second = (".".join(map(str, numbers)) for numbers in (a, b))
    answers = {
        (order_key(name, first) > order_key(name, second), order_key(name, first) == order_key(name, second))
        for name in ("npm", "PyPI", "Maven", "RubyGems", "Packagist")
    }
    assert len(answers) == 1


@given(st.text(max_size=30), st.sampled_from(["npm", "PyPI", "Maven", "RubyGems", "Packagist", "NuGet", "Go", "Hex"]))
def test_no_text_makes_ordering_fail(text: str, ecosystem: str) -> None:
    order_key(ecosystem, text)
    assert says(indicator(ecosystem, "x", text=">=1.0"), text) in Match
