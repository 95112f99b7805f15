"""One GraphQL query for many files of many repositories, and what its answer says of each.

`Blob.text` is cut at 512,000 bytes (isTruncated) and null for binary content
(docs.github.com/graphql/reference/objects#blob). Every content is checked against its git object id.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from tasks.errors import SourceAnswerInvalid, SourceError
from tasks.github.api import GraphQLAnswer
from tasks.github.text import literal

__all__ = ["TEXT_BYTES", "FileQuestion", "Need", "blob_id", "build", "packed", "read"]

TEXT_BYTES = 512_000
_FIELDS = "... on Blob { oid byteSize isBinary isTruncated text }"
_DEFINITE = frozenset({"NOT_FOUND", "FORBIDDEN"})


@dataclass(frozen=True, slots=True)
class FileQuestion:
    """A file to read: revision is a commit or a branch, sha the blob's id where known; size 0 or less: not known."""

    owner: str
    name: str
    revision: str
    path: str
    sha: str | None = None
    size: int = 0

    @property
    def full_name(self) -> str:
        """OWNER/NAME."""
        return f"{self.owner}/{self.name}"


class Need(Enum):
    """Why a query did not give a file: ask raw by REST, or ask again for less at once."""

    RAW = "raw"
    AGAIN = "again"


def blob_id(content: bytes, like: str) -> str:
    """git's object id of a blob, by SHA-256 where `like` is such an id, else by SHA-1 (git-scm.com, Git Objects)."""
    digest = hashlib.sha256() if len(like) == 64 else hashlib.sha1(usedforsecurity=False)  # noqa: PLR2004 - hex digits
    digest.update(b"blob %d\0" % len(content))
    digest.update(content)
    return digest.hexdigest()


def packed(sizes: Iterable[int], most_items: int, most_bytes: int) -> list[list[int]]:
    """Positions of the sizes in as few groups as first-fit decreasing finds; one too large for a group is alone."""
    order = sorted(enumerate(sizes), key=lambda item: -item[1])
    groups: list[list[int]] = []
    room: list[int] = []
    for position, size in order:
        fits = (n for n, left in enumerate(room) if left >= size and len(groups[n]) < most_items)
        found = next(fits, None)
        if found is None:
            found = len(groups)
            groups.append([])
            room.append(most_bytes)
        groups[found].append(position)
        room[found] -= size
    return groups


def build(questions: Sequence[FileQuestion]) -> str:
    """The query; file number n is the alias f{n} inside its repository's."""
    aliases: dict[tuple[str, str], list[str]] = {}
    for number, one in enumerate(questions):
        expression = literal(f"{one.revision}:{one.path}")
        aliases.setdefault((one.owner, one.name), []).append(
            f"f{number}: object(expression: {expression}) {{ {_FIELDS} }}"
        )
    parts = (
        f"r{number}: repository(owner: {literal(owner)}, name: {literal(name)}) {{ {' '.join(objects)} }}"
        for number, ((owner, name), objects) in enumerate(aliases.items())
    )
    return f"query {{ {' '.join(parts)} }}"


def read(questions: Sequence[FileQuestion], answer: GraphQLAnswer) -> list[bytes | Need | SourceError]:
    """For each question its content, what it still needs, or why there is no such file."""
    names = dict.fromkeys((one.owner, one.name) for one in questions)
    aliases = {name: f"r{number}" for number, name in enumerate(names)}
    places = [(aliases[one.owner, one.name], f"f{number}") for number, one in enumerate(questions)]
    return [
        _one(question, _held(answer, place), _vague(answer, place))
        for question, place in zip(questions, places, strict=True)
    ]


def _held(answer: GraphQLAnswer, place: tuple[str, str]) -> Any:
    repository = answer.data.get(place[0])
    return repository.get(place[1]) if isinstance(repository, dict) else None


def _vague(answer: GraphQLAnswer, place: tuple[str, str]) -> bool:
    """Whether the lack of an answer may come from the query's size: no error says that the thing is not there."""
    if answer.overtaxed or not answer.data:
        return True
    concerning = (error for error in answer.errors if _concerns(error.get("path"), place))
    return any(error.get("type") not in _DEFINITE for error in concerning)


def _concerns(path: Any, place: tuple[str, str]) -> bool:
    """Whether an error's path (none: the whole query) leads to the place or to what holds it."""
    return not isinstance(path, list) or tuple(path[:2]) == place[: len(path)]


def _one(question: FileQuestion, held: Any, vague: bool) -> bytes | Need | SourceError:
    if not isinstance(held, Mapping):
        return Need.AGAIN if vague else Need.RAW
    if "byteSize" not in held:
        return SourceAnswerInvalid(f"{question.full_name}: {question.path} is no file.")
    text = held.get("text")
    if not isinstance(text, str) or held.get("isTruncated") or held.get("isBinary"):
        return Need.RAW
    content = text.encode("utf-8", "surrogatepass")
    expected = question.sha or str(held.get("oid"))
    # Text that GitHub had to repair (another encoding) is not what the file holds.
    return content if blob_id(content, expected) == expected else Need.RAW
