"""Reading files: many at once by GraphQL, in halves where that is too much, and one by one as raw content.

Large GraphQL answers fail with 500, 502, 504 or "Resource limits for this query exceeded", now and then at some 30
files (github.com/cli/cli/issues/12715); a smaller query then succeeds.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import SourceError, SourceUnavailable
from tasks.github.api import RAW, GitHubApi
from tasks.github.concurrently import all_of
from tasks.github.errors import AuthenticationFailed, BudgetExhausted, RepositoryInaccessible
from tasks.github.query import TEXT_BYTES, FileQuestion, Need, blob_id, build, packed, read
from tasks.github.text import segment, sendable
from tasks.http.message import Answer, InvalidAnswer

__all__ = ["BlobLimits", "Blobs", "Content", "raw_path"]

Content = bytes | SourceError

LARGE_AT_ONCE = 4
"""Raw contents in flight: each may be 100 MB, and all of them lie in memory."""


@dataclass(frozen=True, slots=True)
class BlobLimits:
    """Size of one GraphQL query in files and bytes, and queries in flight; one file a query reads file by file.

    stream_bytes: a file above it arrives in a temporary file, so that memory holds it once and not in pieces too.
    """

    files: int = 50
    bytes: int = 5_000_000
    queries: int = 8
    stream_bytes: int = 1_048_576


class Blobs:
    """Reads files on one event loop; memory is bounded by what the caller asks for in one call."""

    def __init__(self, api: GitHubApi, limits: BlobLimits = BlobLimits()) -> None:
        self._api = api
        self._limits = limits
        self._queries = asyncio.Semaphore(limits.queries)
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)

    async def read(self, questions: Sequence[FileQuestion], limits: BlobLimits | None = None) -> list[Content]:
        """Each file's content in order, or why it could not be read.

        Raises BudgetExhausted and AuthenticationFailed: those concern every file.
        """
        limits = limits or self._limits
        found: dict[int, Content] = {}
        small = [n for n, one in enumerate(questions) if one.size <= TEXT_BYTES and sendable(one.path)]
        groups = packed((max(questions[n].size, 1) for n in small), limits.files, limits.bytes)
        chosen = [[small[position] for position in group] for group in groups]
        rest = sorted(set(range(len(questions))) - set(small))
        work = [self._group({n: questions[n] for n in group}, found, first=True) for group in chosen]
        await all_of([*work, *(self._raw(n, questions[n], found, limits.stream_bytes) for n in rest)])
        return [found[n] for n in range(len(questions))]

    async def _group(self, asked: dict[int, FileQuestion], found: dict[int, Content], *, first: bool = False) -> None:
        """Answer the questions into found, by their numbers."""
        again = await self._query(asked, found, first=first)
        # What came back shrinks the next query by itself; where nothing came, halving it does.
        half = (len(again) + 1) // 2 if len(again) == len(asked) else len(again)
        parts = [again[:half], again[half:]]
        if len(asked) == 1:
            await all_of(self._raw(n, asked[n], found) for n in again)
            return
        await all_of(self._group({n: asked[n] for n in part}, found) for part in parts if part)

    async def _query(self, asked: dict[int, FileQuestion], found: dict[int, Content], *, first: bool) -> list[int]:
        """Ask once, fetch raw what only comes that way; the numbers to ask for again."""
        numbers, questions = list(asked), list(asked.values())
        try:
            async with self._queries:
                answer = await self._api.graphql(build(questions), may_be_too_much=first and len(asked) > 1)
        except (AuthenticationFailed, BudgetExhausted):
            raise
        except SourceError:
            # Smaller queries, and in the end raw content, say what is wrong with which file.
            return numbers
        needs: list[int] = []
        again: list[int] = []
        for number, value in zip(numbers, read(questions, answer), strict=True):
            if not isinstance(value, Need):
                found[number] = value
            else:
                (needs if value is Need.RAW else again).append(number)
        await all_of(self._raw(number, asked[number], found) for number in needs)
        return again

    async def _raw(
        self, number: int, question: FileQuestion, found: dict[int, Content], stream_bytes: int | None = None
    ) -> None:
        large = stream_bytes is not None and question.size > stream_bytes
        try:
            async with self._large:
                found[number] = await (self._streamed(question) if large else self._raw_content(question))
        except (AuthenticationFailed, BudgetExhausted):
            raise
        except SourceError as error:
            found[number] = error

    async def _streamed(self, question: FileQuestion) -> bytes:
        what = f"{question.full_name}: {question.path}"
        try:
            with tempfile.TemporaryDirectory(prefix="vetbook-") as folder:
                target = Path(folder) / "content"
                await self._api.download(raw_path(question), target, what=what)
                content = await asyncio.to_thread(target.read_bytes)
        except OSError as error:
            raise SourceUnavailable(f"{what}: the folder for temporary files cannot hold it ({error})") from error
        if question.sha is None or blob_id(content, question.sha) == question.sha:
            return content
        # The other way asks again a few times before it gives up.
        return await self._raw_content(question)

    async def _raw_content(self, question: FileQuestion) -> bytes:
        expected = question.sha

        def reader(answer: Answer) -> bytes:
            if expected is not None and blob_id(answer.body, expected) != expected:
                raise InvalidAnswer("the content is not what its object id says")
            return answer.body

        what = f"{question.full_name}: {question.path}"
        content = await self._api.get(raw_path(question), reader, what=what, headers={"Accept": RAW})
        if content is None:
            raise RepositoryInaccessible(f"{what} is not there: the repository is empty.")
        return content


def raw_path(question: FileQuestion) -> str:
    """Where a file's raw content is, by its blob where that is known, else by its path: up to 100 MB either way."""
    base = f"/repos/{segment(question.owner)}/{segment(question.name)}"
    if question.sha is not None:
        return f"{base}/git/blobs/{segment(question.sha)}"
    return f"{base}/contents/{segment(question.path, slashes=True)}?ref={segment(question.revision)}"
