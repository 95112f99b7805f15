"""How old the answers are that a scan rests on: kept ones of earlier runs, or those of the last sync."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from tasks.review.enrichment import Enrichment
from tasks.review.model import PackageReview, SourceName

__all__ = ["age_sentences", "oldest_answers"]

_DAY = timedelta(days=1)


def oldest_answers(reviews: Iterable[PackageReview], told: Enrichment) -> dict[str, datetime]:
    """When the oldest answer of each source was got, naive UTC, by the source's name; only where that is known."""
    answers = (review.sources.get(SourceName.OSV) for review in reviews)
    asked = [answer.checked_at for answer in answers if answer is not None and answer.checked_at is not None]
    return {**({"OSV": min(asked)} if asked else {}), **told.asked_at}


def age_sentences(oldest: Mapping[str, datetime], now: datetime) -> Iterator[str]:
    """A sentence for each source of which an answer is a day old or older; now is naive UTC."""
    for name, asked_at in oldest.items():
        days = (now - asked_at) // _DAY
        if days >= 1:
            old = "1 day" if days == 1 else f"{days:,} days"
            yield f"{name}: kept answers, up to {old} old"
