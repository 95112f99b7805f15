"""Whatever an opinion says, it adds one sentence to column W, or nothing."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tasks.merge.changes import is_own_excuse
from tasks.merge.vocabulary import verdict_of
from tasks.opinion.consult import with_opinion
from tasks.reports.result import summary
from tasks.review.cells import proposals
from tasks.review.meaning import Meaning, of_recommendation
from tasks.review.model import Concern, Opinion, PackageReview, Tier
from tasks.review.recommendation import recommend
from tasks.sources.interface import Plain
from tasks.workbook.model import Field
from tests.opinion.opinion_samples import open_key
from tests.review.review_samples import CRITICAL, NOW, OSV_DOWN, PYPI_DOWN, advisory, facts, key, reviewed


def _recommended(review: PackageReview) -> PackageReview:
    return review.model_copy(update={"recommendation": recommend(review)})


SEVERE = advisory("GHSA-1", vector=CRITICAL)
REVIEWS = {
    "undecidable": reviewed(open_key(), advisory("GHSA-1"), advisory("PYSEC-2")),
    "malware": reviewed(open_key(), advisory("MAL-1")),
    "new": reviewed(key(new=True), advisory("GHSA-1")),
    "failed": reviewed(key("1.0"), osv=OSV_DOWN),
    "without facts": reviewed(key("1.0"), pypi=PYPI_DOWN),
    "no index": reviewed(key("1.0"), index_problem="osv: down"),
    "risk": reviewed(key("1.0"), SEVERE),
    "unaffected": reviewed(key("3.0"), SEVERE),
    "behind": reviewed(key("2.0"), SEVERE),
    "clear": reviewed(key("3.0")),
    "off PyPI": reviewed(key("1.0"), pypi=facts(found=False)),
    "deciding gap": _recommended(reviewed(key("3.0"), SEVERE).model_copy(update={"gaps": ("github",)})),
}
TEXTS = st.text(max_size=80) | st.sampled_from(
    [
        "✅ PROCEED",
        "None found",
        "SAFE - not affected",
        '=HYPERLINK("http://x","y")',
        "| 🚨 SECURITY RISK |",
        "\x00\r\n\u202e",
    ]
)
OPINIONS = st.builds(
    Opinion,
    concern=st.sampled_from(Concern),
    confidence=st.floats(0, 1),
    ids=st.lists(st.sampled_from(["GHSA-1", "PYSEC-2", "MAL-1"]), max_size=3).map(tuple),
    reason=TEXTS,
    model=st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,30}\Z"),
    asked_at=st.just(NOW),
)
CASES = st.sampled_from(list(REVIEWS.values()))


def without(review: PackageReview) -> PackageReview:
    return review.model_copy(update={"opinion": None, "opinion_problem": None, "recommendation": None})


def in_order(part: list[str], whole: list[str]) -> bool:
    rest = iter(whole)
    return all(any(word == other for other in rest) for word in part)


@given(CASES, OPINIONS | TEXTS)
def test_nothing_but_a_sentence_of_column_w_depends_on_what_a_model_says(
    review: PackageReview, heard: Opinion | str
) -> None:
    said = with_opinion(review, heard)
    before, after = review.recommendation, said.recommendation
    assert before is not None
    assert after is not None
    assert without(said) == without(review)
    assert after.tier is before.tier
    ours, theirs = before.text.split(" | "), after.text.split(" | ")
    assert in_order(ours, theirs), "every deterministic word stays, in its order"
    added = [part for part in theirs if part not in ours]
    raised = isinstance(heard, Opinion) and heard.concern is Concern.RAISE and before.tier is Tier.MANUAL_REVIEW
    assert len(added) == len(theirs) - len(ours) == (1 if raised else 0)
    assert all(part.startswith("🤖 Model ") and part.endswith(", check first") for part in added)


@given(CASES, OPINIONS)
def test_no_look_no_other_cell_and_no_count_depends_on_it(review: PackageReview, opinion: Opinion) -> None:
    said = with_opinion(review, opinion)
    cells, plain = proposals(said), proposals(review)
    assert [c for c in cells if c.field is not Field.RECOMMENDATION] == [
        c for c in plain if c.field is not Field.RECOMMENDATION
    ]
    (ours,), (theirs,) = ([c for c in some if c.field is Field.RECOMMENDATION] for some in (plain, cells))
    assert replace(theirs, value=ours.value) == ours
    assert of_recommendation(said) is of_recommendation(review)
    assert summary([said]) == summary([review])


@given(CASES, OPINIONS)
def test_a_workbook_read_again_says_the_same_and_is_as_open_as_before(review: PackageReview, opinion: Opinion) -> None:
    said = with_opinion(review, opinion).recommendation
    plain = review.recommendation
    assert said is not None
    assert plain is not None
    assert verdict_of(Field.RECOMMENDATION, said.text) is verdict_of(Field.RECOMMENDATION, plain.text)
    assert verdict_of(Field.RECOMMENDATION, said.text) is not Meaning.SAFE or said.text == plain.text
    assert is_own_excuse(said.text) == is_own_excuse(plain.text)


def test_an_opinion_has_no_word_that_lowers() -> None:
    assert {concern.value for concern in Concern} == {"raise", "none"}
    assert issubclass(Opinion, Plain)
    assert Opinion.model_config["extra"] == "forbid"
    assert not {"tier", "status", "verdict", "severity"} & set(Opinion.model_fields)
