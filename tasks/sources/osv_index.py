"""Which advisories name which projects: OSV's querybatch.

Source: https://google.github.io/osv.dev/post-v1-querybatch/ (at most 1,000 queries; a result with next_page_token
is not complete until the same query with that page_token has none).
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from tasks.errors import SourceAnswerInvalid
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName
from tasks.sources.interface import AdvisoryRef

__all__ = ["all_or_first_error", "query_index"]

T = TypeVar("T")

MAX_QUERIES = 1000
MAX_PAGES = 1000
"""Pages of one query; far above any project, it ends an answer that never ends."""


async def query_index(client: HttpClient, names: Sequence[str]) -> dict[str, tuple[AdvisoryRef, ...]]:
    """Every advisory of every PyPI project, whatever the version; raises SourceError where any part is missing."""
    distinct = list(dict.fromkeys(names))
    chunks = [distinct[at : at + MAX_QUERIES] for at in range(0, len(distinct), MAX_QUERIES)]
    found: dict[str, tuple[AdvisoryRef, ...]] = {}
    for part in await all_or_first_error([_chunk(client, chunk) for chunk in chunks]):
        found.update(part)
    return found


async def all_or_first_error(work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """The results in order; at the first error the rest is cancelled and that error raised by itself."""
    running = [asyncio.create_task(one) for one in work]
    try:
        return list(await asyncio.gather(*running))
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _chunk(client: HttpClient, names: Sequence[str]) -> dict[str, tuple[AdvisoryRef, ...]]:
    found: dict[str, dict[str, AdvisoryRef]] = {name: {} for name in names}
    tokens: dict[str, str | None] = dict.fromkeys(names)
    for _ in range(MAX_PAGES):
        payload = {"queries": [_query(name, token) for name, token in tokens.items()]}
        answer = await client.post_json(ServiceName.OSV, "/v1/querybatch", payload)
        tokens = _take_in(found, tokens, _results(answer, len(tokens)))
        if not tokens:
            return {name: tuple(refs.values()) for name, refs in found.items()}
    raise _invalid(f"more than {MAX_PAGES} pages for {next(iter(tokens))}")


def _query(name: str, token: str | None) -> dict[str, Any]:
    query: dict[str, Any] = {"package": {"ecosystem": "PyPI", "name": name}}
    if token is not None:
        query["page_token"] = token
    return query


def _take_in(
    found: Mapping[str, dict[str, AdvisoryRef]], asked: Mapping[str, str | None], results: Sequence[Mapping[str, Any]]
) -> dict[str, str | None]:
    """Add each result's references to found; the queries that go on, with their page tokens."""
    going_on: dict[str, str | None] = {}
    for (name, token), result in zip(asked.items(), results, strict=True):
        for ref in _refs(name, result.get("vulns")):
            found[name][ref.id] = ref
        following = result.get("next_page_token")
        if following:
            if not isinstance(following, str) or following == token:
                raise _invalid(f"its page token for {name} does not lead on")
            going_on[name] = following
    return going_on


def _results(answer: Any, expected: int) -> list[Mapping[str, Any]]:
    results = answer.get("results") if isinstance(answer, Mapping) else None
    if not isinstance(results, list) or len(results) != expected:
        raise _invalid(f"it does not hold {expected} results")
    if not all(isinstance(result, Mapping) for result in results):
        raise _invalid("a result is not an object")
    return results


def _refs(name: str, vulns: object) -> list[AdvisoryRef]:
    if vulns is None:
        return []
    if not isinstance(vulns, list):
        raise _invalid(f"the advisories of {name} are not a list")
    return [_ref(name, entry) for entry in vulns]


def _ref(name: str, entry: object) -> AdvisoryRef:
    identifier = entry.get("id") if isinstance(entry, Mapping) else None
    modified = entry.get("modified") if isinstance(entry, Mapping) else None
    if not isinstance(identifier, str) or not identifier or not isinstance(modified, str):
        raise _invalid(f"an advisory of {name} has no id or no modified")
    return AdvisoryRef(id=identifier, modified=modified)


def _invalid(what: str) -> SourceAnswerInvalid:
    return SourceAnswerInvalid(f"osv: the answer to querybatch is not complete: {what}; run again later.")
