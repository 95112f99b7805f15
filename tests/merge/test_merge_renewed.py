"""Which packages count as renewed lately, by workbook and version."""

from pathlib import Path

from tasks.merge.renewed import DAY_S, Renewals


def test_a_package_is_young_for_the_days_asked_and_in_its_own_workbook(tmp_path: Path) -> None:
    now = [1_000_000.0]
    file = tmp_path / "renewed.sqlite"
    with Renewals(file, tmp_path / "a.xlsx", lambda: now[0]) as mine:
        mine.note([("demo", "1.0")])
        now[0] += 6 * DAY_S
        mine.note([("other", "2.0")])
        assert mine.younger_than(7) == {("demo", "1.0"), ("other", "2.0")}
        now[0] += 2 * DAY_S
        assert mine.younger_than(7) == {("other", "2.0")}
        now[0] -= 30 * DAY_S
        assert mine.younger_than(7) == frozenset()
    with Renewals(file, tmp_path / "b.xlsx", lambda: now[0]) as other:
        assert other.younger_than(10_000) == frozenset()
