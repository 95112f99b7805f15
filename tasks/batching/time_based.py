"""Batches are as large as can be done within an interval."""

from dataclasses import dataclass

from tasks.batching.interface import Conditions

_NEARLY = 0.8
"""Share of the interval that is planned: the rest is for what turns out slower."""

_LAST = 5
"""How many of the last batches the rate is measured from."""

_GROWTH = 4


@dataclass(frozen=True, slots=True)
class TimeBased:
    """The strategy `time-based`: as many items as the measured rate does in most of `interval_s` seconds.

    The first batch has `start` items; later ones are at most four times the largest so far, within `smallest`
    and `largest`. That a batch which is slower than planned ends in time is the business of whoever runs it
    (`tasks.batching.timebox`).
    """

    start: int
    smallest: int
    largest: int
    interval_s: float

    def next_size(self, conditions: Conditions) -> int:
        """The size by the rate of the last batches, that are those of more than no time."""
        last = [timing for timing in conditions.finished[-_LAST:] if timing.items]
        size = self.start
        if last:
            seconds = max(sum(timing.seconds for timing in last), 0.001)
            planned = self.interval_s * _NEARLY * sum(timing.items for timing in last) / seconds
            size = int(min(planned, _GROWTH * max(timing.items for timing in last)))
        return max(self.smallest, min(self.largest, size))
