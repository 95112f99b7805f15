"""All indicators, ready to be asked about thousands of packages."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tasks.indicators.interface import Indicator, Match
from tasks.indicators.names import ecosystem_of, package_key
from tasks.indicators.order import same_key
from tasks.indicators.ranges import interval_match
from tasks.indicators.stored import StoredIndicators

__all__ = ["IndicatorIndex", "says"]

Key = tuple[str, str]


def says(indicator: Indicator, version: str | None) -> Match:
    """What an indicator says of a version; without a version only one of every version can be certain."""
    if indicator.is_any:
        return Match.YES
    if version is None or indicator.is_vague:
        return Match.POSSIBLE
    ecosystem = indicator.ecosystem
    wanted = same_key(ecosystem, version)
    if any(same_key(ecosystem, listed) == wanted for listed in indicator.versions):
        return Match.YES
    answers = {interval_match(ecosystem, version, interval) for interval in indicator.intervals}
    return next((answer for answer in (Match.YES, Match.POSSIBLE) if answer in answers), Match.NO)


@dataclass(frozen=True, slots=True)
class IndicatorIndex:
    """Indicators and allowed packages by package, and the stores that are asked besides."""

    indicators: Mapping[Key, tuple[Indicator, ...]]
    allowed: Mapping[Key, tuple[Indicator, ...]]
    stores: tuple[StoredIndicators, ...] = ()

    @classmethod
    def of(
        cls,
        indicators: Iterable[Indicator],
        allowed: Iterable[Indicator] = (),
        stores: Iterable[StoredIndicators] = (),
    ) -> "IndicatorIndex":
        """Index them; equal claims count once."""
        return cls(_by_package(indicators), _by_package(allowed), tuple(stores))

    def matches(self, ecosystem: str, name: str, version: str | None) -> Iterator[tuple[Indicator, Match]]:
        """The indicators that name this package version, certainly or possibly; none for an allowed one."""
        key = package_key(ecosystem_of(ecosystem), name)
        named = dict.fromkeys(self._named(key))
        if not named or self._is_allowed(key, version):
            return
        for indicator in named:
            answer = says(indicator, version)
            if answer is not Match.NO:
                yield indicator, answer

    def _named(self, key: Key) -> Iterator[Indicator]:
        yield from self.indicators.get(key, ())
        for store in self.stores:
            yield from store.named(key)

    def _is_allowed(self, key: Key, version: str | None) -> bool:
        return any(says(indicator, version) is Match.YES for indicator in self.allowed.get(key, ()))


def _by_package(indicators: Iterable[Indicator]) -> dict[Key, tuple[Indicator, ...]]:
    found: defaultdict[Key, dict[Indicator, None]] = defaultdict(dict)
    for indicator in indicators:
        found[package_key(indicator.ecosystem, indicator.name)][indicator] = None
    return {key: tuple(items) for key, items in found.items()}
