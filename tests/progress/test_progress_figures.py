"""Progress: true figures from an injected clock, and displays that say them."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.progress.display import Display, DisplayKind, Narrator, make_display
from tasks.progress.tally import Figures, Tally, duration
from tests.clocks import Clock


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_rate_and_estimate() -> None:
    clock = Clock()
    tally = Tally(486, clock)
    clock.now += 4
    tally.batch_done(10)
    tally.batch_done(10, failed=3)
    figures = tally.figures
    assert (figures.batches, figures.packages, figures.failed, figures.rate) == (2, 20, 3, 5.0)
    assert figures.eta_s == pytest.approx(466 / 5)
    assert str(figures) == "2 batches, 20/486 packages, 5.0 packages/s, 1 min 33 s left, 3 could not be checked"


def test_one_batch_is_singular() -> None:
    clock = Clock()
    tally = Tally(10, clock)
    clock.now += 2
    tally.batch_done(10)
    assert str(tally.figures) == "1 batch, 10/10 packages, 5.0 packages/s, 0 s left"


def test_no_estimate_before_the_first_looked_up_package() -> None:
    clock = Clock()
    tally = Tally(486, clock)
    clock.now += 60
    assert (tally.figures.rate, tally.figures.eta_s) == (0.0, None)
    assert "left" not in str(tally.figures)


def test_batches_from_checkpoints_do_not_count_for_the_rate() -> None:
    clock = Clock()
    tally = Tally(100, clock)
    for _ in range(4):
        tally.batch_done(10, cached=True)
    clock.now += 2
    assert (tally.figures.packages, tally.figures.cached_batches, tally.figures.eta_s) == (40, 4, None)
    tally.batch_done(10)
    assert tally.figures.rate == 5.0
    assert tally.figures.eta_s == pytest.approx(50 / 5)


def test_no_time_gone_is_no_rate_rather_than_an_absurd_one() -> None:
    tally = Tally(100, Clock())
    tally.batch_done(10)
    assert (tally.figures.rate, tally.figures.eta_s) == (0.0, None)


def test_packages_tried_again_are_not_counted_twice_and_healed_ones_not_as_failed() -> None:
    clock = Clock()
    tally = Tally(20, clock)
    clock.now += 1
    tally.batch_done(10, failed=4)
    tally.batch_done(10, failed=2)
    tally.batch_done(6, failed=1, again=True)
    assert (tally.figures.packages, tally.figures.failed) == (20, 1)
    tally.batch_done(1, failed=0, again=True)
    assert tally.figures.failed == 0


@given(
    st.integers(0, 50),
    st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 5), st.booleans(), st.booleans(), st.floats(0, 100)), max_size=20
    ),
)
def test_never_more_than_all_and_never_a_negative_figure(
    total: int, batches: list[tuple[int, int, bool, bool, float]]
) -> None:
    clock = Clock()
    tally = Tally(total, clock)
    for packages, failed, cached, again, seconds in batches:
        clock.now += seconds
        tally.batch_done(packages, failed=min(failed, packages), cached=cached, again=again)
        figures = tally.figures
        assert 0 <= figures.packages <= total
        assert figures.failed >= 0
        assert figures.rate >= 0
        assert figures.eta_s is None or figures.eta_s >= 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (8.4, "8 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3599.6, "1 h 0 min"),
        (3900, "1 h 5 min"),
        (7199, "1 h 59 min"),
        (90_061, "25 h 1 min"),
    ],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def _figures(packages: int) -> Figures:
    return Figures(1, packages, 486, 0, 0, 5.0, None)


def test_lines_come_at_once_then_every_five_seconds_and_at_the_end() -> None:
    clock, lines = Clock(), list[str]()
    display = make_display(DisplayKind.LINES, 486, lines.append, clock=clock)
    for seconds in (0, 1, 2, 3, 1):
        clock.now += seconds
        display.show(_figures(int(clock.now)))
    display.show(_figures(486), last=True)
    display.close()
    assert lines == [f"Progress: 1 batch, {packages}/486 packages, 5.0 packages/s" for packages in (1000, 1006, 486)]


def test_auto_is_a_bar_on_a_terminal_and_lines_elsewhere() -> None:
    lines = list[str]()
    make_display(DisplayKind.AUTO, 486, lines.append, io.StringIO(), Clock()).show(_figures(10))
    assert len(lines) == 1
    terminal = Terminal()
    bar = make_display(DisplayKind.AUTO, 486, lines.append, terminal, Clock())
    bar.show(_figures(10))
    bar.close()
    assert len(lines) == 1
    assert "Reviewing" in terminal.getvalue()


def test_none_shows_nothing() -> None:
    lines, stream = list[str](), Terminal()
    display = make_display(DisplayKind.NONE, 486, lines.append, stream, Clock())
    display.show(_figures(10), last=True)
    display.close()
    assert (lines, stream.getvalue()) == ([], "")


@pytest.mark.parametrize("total", [0, 5])
def test_a_bar_of_nothing_is_no_fault(total: int) -> None:
    bar = make_display(DisplayKind.BAR, total, print, Terminal(), Clock())
    bar.show(_figures(0), last=True)
    bar.close()


class Broken:
    closed = False

    def show(self, figures: Figures, *, last: bool = False) -> None:
        raise OSError("the pipe is closed")

    def close(self) -> None:
        self.closed = True


def test_the_narrator_counts_shows_and_ends() -> None:
    clock, lines = Clock(), list[str]()
    with Narrator(Tally(20, clock), make_display(DisplayKind.LINES, 20, lines.append, clock=clock)) as narrator:
        clock.now += 2
        narrator.batch_done(10)
        narrator.batch_done(10, failed=1)
        narrator.batch_done(1, again=True)
    assert lines[0] == "Progress: 1 batch, 10/20 packages, 5.0 packages/s, 2 s left"
    assert lines[-1] == "Progress: 3 batches, 20/20 packages, 10.5 packages/s, 0 s left"


def test_the_terminal_is_left_as_it_was_even_if_showing_fails() -> None:
    broken = Broken()
    display: Display = broken
    with pytest.raises(OSError, match="pipe"), Narrator(Tally(1, Clock()), display):
        pass
    assert broken.closed
