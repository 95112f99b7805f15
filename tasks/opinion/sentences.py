"""What a report says of the model in a line or two: whom it is concerned about, and why it was not heard."""

from collections.abc import Iterator, Sequence

from tasks.review.model import Concern, PackageReview
from tasks.text.plain import counted, one_line

__all__ = ["opinion_sentences"]

_SHOWN = 5


def opinion_sentences(reviews: Sequence[PackageReview]) -> Iterator[str]:
    """Sentences for the notes of a scan; none where no model is set up or nothing was left open."""
    for model in sorted({r.opinion.model for r in reviews if r.opinion is not None}):
        yield _asked(model, [r for r in reviews if r.opinion is not None and r.opinion.model == model])
    problems = dict.fromkeys(r.opinion_problem for r in reviews if r.opinion_problem is not None)
    for problem in problems:
        names = [_named(r) for r in reviews if r.opinion_problem == problem]
        yield one_line(f"Model not consulted for {counted(len(names), 'package')} ({_some(names)}): {problem}")


def _asked(model: str, reviews: Sequence[PackageReview]) -> str:
    raised = [r for r in reviews if r.opinion is not None and r.opinion.concern is Concern.RAISE]
    first = f"; check first: {_some([_named(r) for r in raised])}" if raised else "; none is known to be safe"
    about = f"{counted(len(reviews), 'package')} left open"
    return one_line(f"Model {model} gave a second opinion on {about}, {len(raised)} of them likely affected{first}")


def _named(review: PackageReview) -> str:
    return f"{review.name} {review.version}"


def _some(names: Sequence[str]) -> str:
    found = list(dict.fromkeys(names))
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"{', '.join(found[:_SHOWN])}{more}"
