"""REST listings page by page (docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api)."""

import re
from collections.abc import AsyncIterator
from typing import Any

from tasks.github.api import GitHubApi
from tasks.http.message import Answer, InvalidAnswer, read_json

__all__ = ["PAGE", "pages"]

PAGE = 100
"""Items a page: the most GitHub gives, by REST and by GraphQL."""

_NEXT = re.compile(r'<[^>]*>\s*;[^,]*rel="next"')


async def pages(api: GitHubApi, path: str, what: str) -> AsyncIterator[list[Any]]:
    """Each page's items, until no next one is announced."""
    number = 1
    while True:
        answer = await api.get(f"{path}?per_page={PAGE}&page={number}", _page, what=what)
        items, more = answer if answer is not None else ([], False)
        yield items
        if not more or not items:
            return
        number += 1


def _page(answer: Answer) -> tuple[list[Any], bool]:
    items = read_json(answer)
    if not isinstance(items, list):
        raise InvalidAnswer("a page of the listing is not a list")
    return items, _NEXT.search(answer.headers.get("link", "")) is not None
