"""Ranges as intervals: OSV's events, and ranges as people write them in lists (">=1.0, <2.0 || 3.1")."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tasks.indicators.interface import Bound, Interval, Match
from tasks.indicators.order import order_key, same_key

__all__ = ["interval_match", "intervals_of_events", "intervals_of_text"]

_PART = re.compile(r"\s*(<=|>=|==|=|<|>)?\s*([0-9A-Za-z][^\s,<>=|]*)\s*,?")
ANY = Interval()


def intervals_of_events(ecosystem: str, events: Iterable[Mapping[str, Any]]) -> tuple[Interval, ...]:
    """The intervals of one OSV range (https://ossf.github.io/osv-schema/#evaluation).

    Events are taken in version order; where one cannot be ordered, in the order in which they are written.
    """
    found: list[Interval] = []
    low: Bound | None = None
    inside = False
    for kind, version in _ordered(ecosystem, [_event(event) for event in events]):
        if kind == "introduced" and not inside:
            low, inside = None if version == "0" else Bound(version, included=True), True
        elif kind in ("fixed", "limit", "last_affected") and inside:
            found.append(Interval(low, Bound(version, included=kind == "last_affected")))
            inside = False
    return (*found, Interval(low)) if inside else tuple(found)


def _event(event: Mapping[str, Any]) -> tuple[str, str]:
    return next(((kind, str(version)) for kind, version in event.items()), ("", ""))


def _ordered(ecosystem: str, events: list[tuple[str, str]]) -> list[tuple[str, str]]:
    events = [event for event in events if event[0] and event != ("limit", "*")]
    first = [event for event in events if event == ("introduced", "0")]
    rest = [event for event in events if event != ("introduced", "0")]
    keys = [order_key(ecosystem, version) for _, version in rest]
    if all(key is not None for key in keys):
        order = sorted(range(len(rest)), key=lambda place: (keys[place], rest[place][0] == "last_affected"))
        rest = [rest[place] for place in order]
    return first + rest


def intervals_of_text(text: str) -> tuple[Interval, ...]:
    """The intervals of a written range: comparisons joined by "," or spaces, alternatives by "||". ValueError."""
    return tuple(_alternative(part) for part in text.split("||"))


def _alternative(text: str) -> Interval:
    if text.strip() in ("*", ""):
        return ANY
    low: Bound | None = None
    high: Bound | None = None
    place = 0
    while place < len(text):
        found = _PART.match(text, place)
        sign, version = (found[1] or "=", found[2]) if found else ("", "")
        from_here, up_to_here = sign in (">", ">=", "=", "=="), sign in ("<", "<=", "=", "==")
        # A second bound on one side, or a word, says something else than an interval.
        if found is None or not any(map(str.isdigit, version)) or (from_here and low) or (up_to_here and high):
            raise ValueError(f"range {text.strip()[:60]!r} is not understood; write for example >=1.0, <2.0")
        place = found.end()
        low = Bound(version, included=sign != ">") if from_here else low
        high = Bound(version, included=sign != "<") if up_to_here else high
    return Interval(low, high)


def interval_match(ecosystem: str, version: str, interval: Interval) -> Match:
    """Whether a version lies in an interval; POSSIBLE where one of the texts cannot be compared."""
    answers = (_above(ecosystem, version, interval.low), _below(ecosystem, version, interval.high))
    if Match.NO in answers:
        return Match.NO
    return Match.POSSIBLE if Match.POSSIBLE in answers else Match.YES


def _above(ecosystem: str, version: str, bound: Bound | None) -> Match:
    return Match.YES if bound is None else _compared(ecosystem, version, bound, above=True)


def _below(ecosystem: str, version: str, bound: Bound | None) -> Match:
    return Match.YES if bound is None else _compared(ecosystem, version, bound, above=False)


def _compared(ecosystem: str, version: str, bound: Bound, *, above: bool) -> Match:
    if same_key(ecosystem, version) == same_key(ecosystem, bound.version):
        return Match.YES if bound.included else Match.NO
    mine, other = order_key(ecosystem, version), order_key(ecosystem, bound.version)
    if mine is None or other is None:
        return Match.POSSIBLE
    if mine == other:
        return Match.YES if bound.included else Match.NO
    return Match.YES if (mine > other) is above else Match.NO
