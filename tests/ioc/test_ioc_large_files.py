"""Large files: how many are in memory at a time, and those that are not read at all."""

import asyncio
import threading
from collections.abc import Mapping, Sequence

from tasks.errors import SourceError
from tasks.github.model import BlobRef, Repository, TreeEntry
from tasks.ioc.model import Candidate
from tasks.ioc.plan import Tree
from tasks.ioc.reading import Fetched, Reader, Unread
from tasks.ioc.room import Room
from tasks.lockfiles.registry import MAX_BYTES

REPOSITORY = Repository("acme", "one", "main", "c" * 40)


class GitHub:
    """One repository; notes what is asked for."""

    def __init__(self, *entries: TreeEntry) -> None:
        self.entries = entries
        self.asked: list[str] = []

    async def repositories(
        self, org: str, *, team: str | None = None, include_archived: bool = False, only: Sequence[str] = ()
    ) -> tuple[Repository, ...]:
        del org, team, include_archived, only
        return (REPOSITORY,)

    async def tree(self, repository: Repository) -> tuple[TreeEntry, ...]:
        del repository
        return self.entries

    async def blobs(self, refs: Sequence[BlobRef]) -> Mapping[str, bytes | SourceError]:
        self.asked += [ref.path for ref in refs]
        return {ref.sha: b"-r huge.txt\nflask==1.0\n" for ref in refs}


def test_a_file_above_the_limit_is_a_failed_file_that_was_never_asked_for() -> None:
    entries = [TreeEntry("yarn.lock", "a" * 40, MAX_BYTES + 1), TreeEntry("Gemfile.lock", "b" * 40, MAX_BYTES)]
    github = GitHub(*entries)
    files = [Candidate(REPOSITORY, entry) for entry in entries]
    large, fitting = asyncio.run(Reader(github).fetch(files))
    assert isinstance(large, Unread)
    assert "67,108,865 bytes are more than the 67,108,864" in large.reason
    assert isinstance(fitting, Fetched)
    assert github.asked == ["Gemfile.lock"]


def test_a_file_that_includes_one_above_the_limit_has_failed() -> None:
    entries = [TreeEntry("requirements.txt", "a" * 40, 20), TreeEntry("huge.txt", "b" * 40, MAX_BYTES + 1)]
    github = GitHub(*entries)
    tree = Tree.of(REPOSITORY, entries)
    (found,) = asyncio.run(Reader(github, {"acme/one": tree}).fetch([Candidate(REPOSITORY, entries[0])]))
    assert isinstance(found, Unread)
    assert found.reason.startswith("huge.txt: ")


def test_large_files_wait_until_there_is_room_for_them() -> None:
    room = Room(100)
    entered = threading.Event()

    def second() -> None:
        with room.taken(60):
            entered.set()

    thread = threading.Thread(target=second)
    with room.taken(60):
        thread.start()
        with room.taken(40):
            assert not entered.wait(0.05)
    assert entered.wait(5)
    thread.join(5)


def test_a_file_larger_than_all_the_room_is_read_alone() -> None:
    room = Room(10)
    with room.taken(1000):
        pass
    with room.taken(5), room.taken(5):
        pass
