"""Asking a model about the rows of a batch that the records leave open, and putting what it says beside the review.

Nothing here raises for what the model or its server does, and nothing but `opinion`, `opinion_problem` and the
sentence of the recommendation differs between the reviews that go in and those that come out.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from tasks.advisories.model import Advisory
from tasks.errors import SourceError
from tasks.http.metrics import Ledger, ServiceCounters, charge, measured
from tasks.http.policy import ServiceName
from tasks.opinion.answer import read_answer
from tasks.opinion.at_hand import NOTHING_AT_HAND, AtHand
from tasks.opinion.budget import Budget
from tasks.opinion.choice import AskedModel
from tasks.opinion.evidence import PackageEvidence, evidence_of, open_ids
from tasks.opinion.interface import Adviser, NoOpinion, Prompt, Reply
from tasks.opinion.kept import KeptOpinions
from tasks.opinion.prompt import labelled, prompt_for
from tasks.review.model import Opinion, PackageReview, ReviewStatus, SourceName
from tasks.review.recommendation import recommend
from tasks.review.reviewer import Refs, utc_now
from tasks.sources.interface import AdvisoryRef, AdvisorySource

__all__ = ["Consultant", "with_opinion"]

LONGEST_QUESTION = 40_000
"""Characters of evidence in one question."""
OFFLINE = "--offline forbids asking it"
NO_ANSWER = "the answer leaves the package out"
CHARACTERS_PER_TOKEN = 3
"""Fewer than in English prose: ids and versions take many tokens. Only for servers that do not count."""
ANSWER_TOKENS = 120
"""An opinion's share of an answer, about."""

_log = logging.getLogger(__name__)

Heard = Opinion | str
"""An opinion, or why there is none."""


@dataclass(frozen=True, slots=True)
class Consultant:
    """What a model is asked through; one instance serves all batches of a process.

    adviser None: nobody may be asked, kept opinions are used. at_hand is what no source need be asked for.
    clock is naive UTC.
    """

    model: AskedModel
    adviser: Adviser | None
    advisories: AdvisorySource
    kept: KeptOpinions
    budget: Budget
    at_hand: AtHand = NOTHING_AT_HAND
    clock: Callable[[], datetime] = utc_now

    async def consult(self, reviews: Sequence[PackageReview], refs: Refs) -> tuple[PackageReview, ...]:
        """The same reviews in the same order, those that are open with an opinion or with why there is none."""
        try:
            heard = await self._opinions(reviews, refs)
        except Exception as error:  # noqa: BLE001  no fault in asking a model may cost a batch its reviews; it is told
            _log.exception("The model could not be asked about a batch")
            why = f"{type(error).__name__} while it was asked"
            heard = {place: why for place, r in enumerate(reviews) if open_ids(r, refs.get(r.project, ()))}
        return tuple(with_opinion(r, heard[place]) if place in heard else r for place, r in enumerate(reviews))

    async def _opinions(self, reviews: Sequence[PackageReview], refs: Refs) -> dict[int, Heard]:
        asked = await self._evidence(reviews, refs)
        heard = await self._heard({package.digest: package for package in asked.values()}) if asked else {}
        return {place: heard[package.digest] for place, package in asked.items()}

    async def _evidence(self, reviews: Sequence[PackageReview], refs: Refs) -> dict[int, PackageEvidence]:
        """What is to be shown, by the place of its review."""
        found: dict[int, PackageEvidence] = {}
        known = self._known(reviews, refs)
        for place, review in enumerate(reviews):
            own = known.get(review.project, ())
            ids = open_ids(review, own)
            if ids:
                found[place] = evidence_of(review, ids, await self._records(review, [r for r in own if r.id in ids]))
        return found

    def _known(self, reviews: Sequence[PackageReview], refs: Refs) -> Refs:
        """The advisories of each project, of an earlier run where this one could not learn them."""
        failed = {r.project for r in reviews if r.status is ReviewStatus.FAILED and r.project not in refs}
        return {**self.at_hand.refs(sorted(failed)), **refs}

    async def _records(self, review: PackageReview, refs: Sequence[AdvisoryRef]) -> Mapping[str, Advisory]:
        """Those that can be had without asking a source again that has just failed."""
        if review.sources[SourceName.OSV].undecidable:
            try:
                return await self.advisories.advisories(refs)
            except SourceError as error:
                _log.warning("Advisories of %s could not be read again for the model: %s", review.project, error)
        return self.at_hand.records(refs)

    async def _heard(self, packages: Mapping[str, PackageEvidence]) -> dict[str, Heard]:
        """What was kept or is now answered, by the evidence's digest; every digest has one."""
        heard: dict[str, Heard] = {**self.kept.get(list(packages.values()))}
        missing = [package for digest, package in packages.items() if digest not in heard]
        answers = await asyncio.gather(*(self._ask(some) for some in _cut(missing, self.model.packages_per_request)))
        for answer in answers:
            heard |= answer
        return heard

    async def _ask(self, packages: tuple[PackageEvidence, ...]) -> dict[str, Heard]:
        keyed = labelled(packages)
        try:
            reply = await self._reply(prompt_for(keyed), len(packages))
            found = read_answer(reply.text, keyed, self.model.model, self.clock())
        except (NoOpinion, SourceError) as error:
            return {package.digest: str(error) for package in packages}
        self.kept.put({key: (keyed[key], opinion) for key, opinion in found.items()})
        return {package.digest: found.get(key, NO_ANSWER) for key, package in keyed.items()}

    async def _reply(self, prompt: Prompt, packages: int) -> Reply:
        """The model's answer within the budget; SourceError or NoOpinion where there is none."""
        if self.adviser is None:
            raise NoOpinion(OFFLINE)
        about = (len(prompt.rules) + len(prompt.data)) // CHARACTERS_PER_TOKEN + packages * ANSWER_TOKENS
        sent = ServiceCounters()
        try:
            with self.budget.question(about) as left, self._counted() as cost:
                sent = cost.of(ServiceName.AI)
                return await self._answer(self.adviser, prompt, about, left)
        except SourceError:
            if sent.not_asked:
                # Turned down by the client, whose limit is the scan's: that is the better reason.
                self.budget.check()
            raise

    async def _answer(self, adviser: Adviser, prompt: Prompt, about: int, seconds: float) -> Reply:
        try:
            async with asyncio.timeout(seconds):
                reply = await adviser.ask(prompt)
        except TimeoutError as error:
            # It may have been answered, and paid for, all the same.
            self.budget.count(tokens=about)
            raise self.budget.too_slow() from error
        self.budget.count(tokens=about if reply.tokens is None else reply.tokens)
        return reply

    @contextmanager
    def _counted(self) -> Iterator[Ledger]:
        """What one question costs on the wire, taken over into the budget and into the batch's figures."""
        cost = Ledger()
        try:
            with measured() as cost:
                yield cost
        finally:
            charge(cost)
            sent = cost.of(ServiceName.AI)
            if sent.requests or sent.not_asked:
                # The budget has counted the first already.
                self.budget.count(requests=sent.requests - 1)


def with_opinion(review: PackageReview, heard: Heard) -> PackageReview:
    """The review with what was heard of the model; a recommendation of the same tier, that says so."""
    update = {"opinion": heard} if isinstance(heard, Opinion) else {"opinion_problem": heard}
    fuller = review.model_copy(update=update)
    return fuller.model_copy(update={"recommendation": recommend(fuller)})


def _cut(packages: Sequence[PackageEvidence], at_once: int) -> Iterator[tuple[PackageEvidence, ...]]:
    """Questions of at most so many packages, and of bounded length."""
    some: list[PackageEvidence] = []
    size = 0
    for package in packages:
        length = len(package.model_dump_json())
        if some and (len(some) == at_once or size + length > LONGEST_QUESTION):
            yield tuple(some)
            some, size = [], 0
        some.append(package)
        size += length
    if some:
        yield tuple(some)
