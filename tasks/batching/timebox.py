"""Doing as much of a batch as fits into a time, and letting one bad item spoil no other."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from tasks.batching.interface import Item

Answer = TypeVar("Answer")

_FIRST_SLICE = 8
_SHARE = 0.25
"""Share of the time left that a slice is planned to take."""


def work_within(
    items: Sequence[Item],
    work: Callable[[Sequence[Item]], Sequence[Answer]],
    seconds: float | None,
    clock: Callable[[], float],
) -> tuple[Answer, ...]:
    """The answers to the first items, as many as could be had in `seconds` (None: all of them), at least some.

    `work` answers a slice of items, in order. Slices are sized by the rate of those before, so that the last one
    ends near the time; a slice that hangs is not interrupted. With items, at least one slice is always done.
    """
    if seconds is None:
        return tuple(work(items))
    began, done, size = clock(), list[Answer](), _FIRST_SLICE
    while len(done) < len(items) and (not done or clock() - began < seconds):
        done.extend(work(items[len(done) : len(done) + size]))
        spent = max(clock() - began, 0.001)
        size = max(1, min(4 * size, int((seconds - spent) * _SHARE * len(done) / spent)))
    return tuple(done)


def work_apart(
    items: Sequence[Item],
    work: Callable[[Sequence[Item]], Sequence[Answer]],
    give_up: Callable[[Item, Exception], Answer],
    through: tuple[type[Exception], ...] = (),
) -> tuple[Answer, ...]:
    """All answers, from one call for all items or, where that fails, from halves of them.

    `give_up` answers for an item that fails by itself. Errors of `through`, and what is no Exception (an
    interrupt), pass through.
    """
    try:
        return tuple(work(items))
    except through:
        raise
    except Exception as error:  # noqa: BLE001  whatever one item's data makes fail, the others have their answers
        if len(items) == 1:
            return (give_up(items[0], error),)
    half = len(items) // 2
    return work_apart(items[:half], work, give_up, through) + work_apart(items[half:], work, give_up, through)
