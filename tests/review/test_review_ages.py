"""How old answers are is said in days, of each source that knows it."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tasks.review.ages import age_sentences, oldest_answers
from tasks.review.enrich import enriched
from tasks.review.enrichment import Enrichment, Told
from tasks.review.model import SourceName
from tests.review.review_samples import CRITICAL, NOW, advisory, key, reviewed

CVE = "CVE-2020-1001"
LAST_WEEK = NOW - timedelta(days=7, hours=5)


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (timedelta(hours=23), []),
        (timedelta(hours=25), ["KEV: kept answers, up to 1 day old"]),
        (timedelta(days=12, hours=1), ["KEV: kept answers, up to 12 days old"]),
    ],
)
def test_ages_are_said_in_whole_days_from_the_first_on(age: timedelta, said: list[str]) -> None:
    assert list(age_sentences({"KEV": NOW - age}, NOW)) == said


def test_the_oldest_answer_of_each_source_counts() -> None:
    def dated(at: datetime | None) -> Told[Any]:
        return Told({}, frozenset({CVE}), None, asked_at=at)

    told = Enrichment(kev=dated(LAST_WEEK), epss=dated(None), exploits=dated(NOW))
    assert oldest_answers([reviewed(key())], told) == {"OSV": NOW, "KEV": LAST_WEEK, "Exploit-DB": NOW}
    assert oldest_answers([], Enrichment()) == {}


def test_what_a_kept_list_of_exploits_says_was_checked_when_it_was_got() -> None:
    told = Enrichment(exploits=Told({CVE: ("12",)}, frozenset({CVE}), None, bulk=True, asked_at=LAST_WEEK))
    review = enriched(reviewed(key(), advisory("GHSA-1", aliases=(CVE,), vector=CRITICAL)), told, NOW)
    assert review.sources[SourceName.EXPLOITDB].checked_at == LAST_WEEK
