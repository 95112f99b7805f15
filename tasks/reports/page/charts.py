"""The geometry of the charts: plain numbers that the templates draw as inline SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.history.model import BatchSpan

__all__ = ["Bar", "Block", "Timeline", "bars", "timeline"]

_WIDTH = 1000.0
_LANES = 24
_NARROWEST = 1.5
_MOST_BLOCKS = 2_000


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its label, its number, its length as a share of the longest (0 to 100), its class in the style sheet."""

    label: str
    value: int
    length: float
    tone: str


def bars(values: Sequence[tuple[str, int, str]]) -> tuple[Bar, ...]:
    """Bars of (label, number, tone)."""
    most = max((value for _, value, _ in values), default=0) or 1
    return tuple(Bar(label, value, round(100 * value / most, 2), tone) for label, value, tone in values)


@dataclass(frozen=True, slots=True)
class Block:
    """One batch in the timeline: place and width on a width of 1000, lane from 0, class, and what it says."""

    x: float
    width: float
    lane: int
    tone: str
    title: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """The batches of a run side by side in time; ticks are (place on a width of 1000, seconds)."""

    blocks: tuple[Block, ...]
    lanes: int
    ticks: tuple[tuple[float, str], ...]
    left_out: int = 0


def timeline(spans: Sequence[BatchSpan], unit: str = "packages") -> Timeline | None:
    """The timeline of a run; None where nothing is known of its batches. unit is what batches hold."""
    shown = sorted(spans, key=lambda span: (span.start_s, span.number))[:_MOST_BLOCKS]
    if not shown:
        return None
    whole = max(span.start_s + span.seconds for span in shown) or 1.0
    ends: list[float] = []
    blocks = tuple(_block(span, whole, _lane(span, ends), unit) for span in shown)
    ticks = tuple((round(_WIDTH * part / 4, 1), f"{whole * part / 4:.1f}") for part in range(5))
    return Timeline(blocks, len(ends), ticks, len(spans) - len(shown))


def _lane(span: BatchSpan, ends: list[float]) -> int:
    """The first lane that is free when the batch begins; `ends` says until when each is taken."""
    free = [lane for lane, end in enumerate(ends) if end <= span.start_s + 1e-6]
    if free:
        lane = free[0]
    elif len(ends) < _LANES:
        lane = len(ends)
        ends.append(0.0)
    else:
        lane = min(range(len(ends)), key=ends.__getitem__)
    ends[lane] = max(ends[lane], span.start_s + span.seconds)
    return lane


def _block(span: BatchSpan, whole: float, lane: int, unit: str) -> Block:
    again = f", try {span.round + 1}" if span.round else ""
    took = "stored by an earlier run" if span.cached else f"{span.seconds:.2f} s"
    failed = f", {span.failed} could not be checked" if span.failed else ""
    x, width = _WIDTH * span.start_s / whole, max(_NARROWEST, _WIDTH * span.seconds / whole)
    tone = "failed" if span.failed else "cached" if span.cached else "done"
    title = f"Batch {span.number}{again}: {span.packages} {unit}, {took}{failed}"
    return Block(round(min(x, _WIDTH - _NARROWEST), 1), round(width, 1), lane, tone, title)
