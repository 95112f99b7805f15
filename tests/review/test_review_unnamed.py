"""Rows whose name no package can have: never asked about, never silent."""

from tasks.review.cells import proposals
from tasks.review.meaning import Meaning
from tasks.review.model import PackageKey, ReviewStatus, SourceName, SourceStatus, Tier
from tasks.review.unnamed import is_unnamed, unnamed_review
from tasks.workbook.model import Field
from tests.review.review_samples import advisory, key, reviewed

KEY = PackageKey(name="a b", project="a b", version=None, version_text="1.0", problem='"a b" is not a package name')


def test_only_the_recommendation_is_written_and_says_what_to_do() -> None:
    review = unnamed_review(KEY)
    (cell,) = proposals(review)
    assert (cell.field, cell.meaning) == (Field.RECOMMENDATION, Meaning.MANUAL_REVIEW)
    assert cell.value == '🔍 MANUAL REVIEW | "a b" is not a package name | 📋 Correct the name and run again'


def test_it_is_skipped_with_its_reason_and_no_source_has_an_answer() -> None:
    review = unnamed_review(KEY)
    assert (review.status, review.reason, review.version) == (ReviewStatus.SKIPPED, KEY.problem, "1.0")
    assert review.recommendation is not None
    assert review.recommendation.tier is Tier.MANUAL_REVIEW
    assert {answer.status for answer in review.sources.values()} == {SourceStatus.NOT_APPLICABLE}
    assert set(review.sources) == set(SourceName)
    assert is_unnamed(review)
    assert not is_unnamed(reviewed(key(), advisory("GHSA-1")))
