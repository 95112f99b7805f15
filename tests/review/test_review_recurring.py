"""Projects that come up again: looked up once more at most, never with other advisories than asked for."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

from tasks.advisories.assess import ProjectAdvisories
from tasks.advisories.model import Advisory
from tasks.review.recurring import Known, Recurring
from tasks.review.reviewer import Reviewer
from tasks.sources.interface import AdvisoryRef
from tests.review.review_samples import Advisories, Projects, advisory, key


def _refs(*ids: str) -> tuple[AdvisoryRef, ...]:
    return tuple(AdvisoryRef(id=identifier, modified="1") for identifier in ids)


def _known(refs: Sequence[AdvisoryRef]) -> Known:
    records = {ref.id: advisory(ref.id) for ref in refs}
    return Known(refs, records, ProjectAdvisories.of(records.values(), "demo"))


def test_a_project_is_held_from_its_second_time_on() -> None:
    recurring, known = Recurring(), _known(_refs("A-1"))
    recurring.put("demo", known)
    assert recurring.get("demo", known.refs) is None
    recurring.put("demo", known)
    assert recurring.get("demo", _refs("A-1")) is known


def test_other_advisories_of_the_project_are_not_what_is_held() -> None:
    recurring, known = Recurring(), _known(_refs("A-1"))
    for _ in range(2):
        recurring.put("demo", known)
    assert recurring.get("demo", _refs("A-1", "A-2")) is None
    assert recurring.get("demo", (AdvisoryRef(id="A-1", modified="2"),)) is None


def test_what_is_forgotten_is_gone_and_held_again_when_it_comes_up_again() -> None:
    recurring, known = Recurring(most_records=2), _known(_refs("A-1", "A-2"))
    for _ in range(2):
        recurring.put("demo", known)
    recurring.forget()
    assert recurring.get("demo", known.refs) is None
    recurring.put("demo", known)
    assert recurring.get("demo", known.refs) is known, "what was forgotten takes no room"


def test_what_was_not_used_for_longest_goes_first_and_the_bound_holds() -> None:
    recurring = Recurring(most_records=5)
    known = {name: _known(_refs(f"{name}-1", f"{name}-2")) for name in "abc"}
    for name in "aabb":
        recurring.put(name, known[name])
    assert recurring.get("a", known["a"].refs) is known["a"]
    for _ in range(2):
        recurring.put("c", known["c"])
    assert [name for name in "abc" if recurring.get(name, known[name].refs)] == ["a", "c"]
    for _ in range(9):
        recurring.put("a", known["a"])
    assert recurring.get("c", known["c"].refs) is known["c"], "putting the same again takes no room"


class _Counting(Advisories):
    def __init__(self, *records: Advisory) -> None:
        super().__init__(records)
        self.asked: Counter[str] = Counter()

    async def advisories(self, refs: Sequence[AdvisoryRef]) -> Mapping[str, Advisory]:
        self.asked["advisories"] += 1
        return await super().advisories(refs)


def test_a_thousand_versions_of_a_project_read_its_advisories_twice_and_are_told_apart() -> None:
    source = _Counting(advisory("GHSA-1", fixed="500"))

    async def run() -> list[int]:
        refs = await source.index(["demo"])
        reviewer = Reviewer(Projects(), source)
        reviews = [await reviewer.review_batch([key(str(n))], refs) for n in range(1000)]
        return [len(review.vulnerabilities) for (review,) in reviews]

    assert asyncio.run(run()) == [1] * 500 + [0] * 500
    assert source.asked["advisories"] == 2
