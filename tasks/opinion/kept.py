"""Opinions kept between runs: by what was shown, which model was asked, and how."""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence

from pydantic import ValidationError

from tasks.http.policy import ServiceName
from tasks.opinion.choice import AskedModel
from tasks.opinion.evidence import PackageEvidence
from tasks.opinion.prompt import PROMPT_VERSION
from tasks.review.model import Opinion
from tasks.sources.answer_store import DAY_S, AnswerStore, KeptAnswer

__all__ = ["KeptOpinions"]


class KeptOpinions:
    """The opinions of one model in the answer store; store None: nothing is kept. No key of a service is in a key."""

    def __init__(self, store: AnswerStore | None, model: AskedModel, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._model = model
        self._clock = clock

    def get(self, evidence: Sequence[PackageEvidence]) -> dict[str, Opinion]:
        """Those kept, by the evidence's digest; one that cannot be read any more is asked for again."""
        keys = {self._key(package): package for package in evidence}
        kept = self._store.get_many(ServiceName.AI, list(keys)) if self._store is not None else {}
        oldest = self._clock() - self._model.kept_days * DAY_S
        found = ((keys[key], _read(answer)) for key, answer in kept.items() if answer.fetched_at >= oldest)
        # What was kept is checked against the question as a new answer is.
        return {p.digest: o for p, o in found if o is not None and set(o.ids) <= p.names}

    def put(self, opinions: Mapping[str, tuple[PackageEvidence, Opinion]]) -> None:
        """Keep them; keys do not matter."""
        if self._store is None or not opinions:
            return
        now, address = self._clock(), self._model.base_url
        rows = {self._key(p): KeptAnswer(o.model_dump(mode="json"), address, now) for p, o in opinions.values()}
        self._store.put_many(ServiceName.AI, rows)

    def _key(self, package: PackageEvidence) -> str:
        parts = (PROMPT_VERSION, self._model.identity, package.digest)
        return hashlib.sha256(repr(parts).encode()).hexdigest()


def _read(answer: KeptAnswer) -> Opinion | None:
    try:
        return Opinion.model_validate(answer.value)
    except ValidationError:
        return None
