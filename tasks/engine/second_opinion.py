"""The language model in an engine: who is asked, within what budget, and what is kept of it."""

from tasks.engine.lookup import LookupSettings
from tasks.engine.stores import Stores
from tasks.engine.terms import fresh_for
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName
from tasks.opinion.at_hand import NOTHING_AT_HAND, AtHand
from tasks.opinion.budget import Budget
from tasks.opinion.chat import ChatModel
from tasks.opinion.consult import Consultant
from tasks.opinion.kept import KeptOpinions
from tasks.sources.interface import AdvisorySource
from tasks.sources.kept_index import KeptIndex

__all__ = ["consultant"]


def consultant(
    lookup: LookupSettings, client: HttpClient, stores: Stores | None, advisories: AdvisorySource
) -> Consultant | None:
    """What asks the model of these settings, with a budget of its own; None where there is no model."""
    model = lookup.ai
    if model is None:
        return None
    return Consultant(
        model,
        None if lookup.offline else ChatModel(client, model),
        advisories,
        KeptOpinions(stores.answers if stores is not None else None, model),
        Budget(model.max_requests, model.max_tokens, model.max_seconds),
        at_hand=_at_hand(lookup, client, stores),
    )


def _at_hand(lookup: LookupSettings, client: HttpClient, stores: Stores | None) -> AtHand:
    if stores is None:
        return NOTHING_AT_HAND
    osv = ServiceName.OSV
    return AtHand(KeptIndex(stores.answers, fresh_for(lookup, osv), client.address(osv)), stores.records)
