"""A batch of lockfiles as it is handed to its task and as its result is stored: what makes a scan resumable."""

import hashlib
from collections.abc import Mapping
from typing import Any

from tasks.github.model import Repository, TreeEntry
from tasks.ioc.inventory import packages_of, parser_version, plain_packages
from tasks.ioc.model import Candidate, Parsed
from tasks.ioc.reading import Unread
from tasks.ioc.terms import IocTerms
from tasks.sources.interface import Plain

__all__ = ["IocBatch", "parsed_of", "plain_result"]


class FileWanted(Plain):
    """A file to read, with the repository and the state of it."""

    owner: str
    repository: str
    branch: str | None
    commit: str | None
    path: str
    sha: str
    size: int | None

    @classmethod
    def of(cls, candidate: Candidate) -> "FileWanted":
        """As plain values."""
        one, entry = candidate.repository, candidate.entry
        return cls(
            owner=one.owner,
            repository=one.name,
            branch=one.default_branch,
            commit=one.commit,
            path=entry.path,
            sha=entry.sha,
            size=entry.size,
        )

    @property
    def candidate(self) -> Candidate:
        """As the plan has it."""
        repository = Repository(self.owner, self.repository, self.branch, self.commit)
        return Candidate(repository, TreeEntry(self.path, self.sha, self.size))


class IocBatch(Plain):
    """One batch as handed to its task; rounds count from 0, numbers from 1."""

    scan_id: str
    number: int
    round: int
    files: tuple[FileWanted, ...]
    terms: IocTerms

    @property
    def span(self) -> str:
        """First and last repository, for the run's name."""
        return f"{self.files[0].repository} to {self.files[-1].repository}"

    @property
    def cache_key(self) -> str:
        """The result's name below the results folder: scan, contents, their names and the parsers' version."""
        parts = [(f.owner, f.repository, f.commit, f.path, f.sha) for f in self.files]
        digest = hashlib.sha256(repr((self.round, parts, parser_version())).encode()).hexdigest()
        return f"{self.scan_id}/batch-{digest[:32]}"


def plain_result(batch: IocBatch, parsed: list[Parsed | Unread], seconds: float, requests: int) -> dict[str, Any]:
    """A finished batch as plain data; `keys` names each file by object id and place."""
    done = [one for one in parsed if isinstance(one, Parsed)]
    return {
        "number": batch.number,
        "round": batch.round,
        "keys": [[one.sha, one.place] for one in parsed],
        "parsers": parser_version(),
        "seconds": round(seconds, 3),
        "requests": requests,
        "files": [[one.sha, one.place, one.siblings, one.reason, plain_packages(one.packages)] for one in done],
        "unread": [[one.sha, one.place, one.reason] for one in parsed if isinstance(one, Unread)],
    }


def parsed_of(plain: Mapping[str, Any]) -> tuple[list[Parsed], list[Unread]]:
    """Read a stored batch back; ([], []) for one of other parsers, or one that is none of these."""
    if plain.get("parsers") != parser_version():
        return [], []
    try:
        parsed = [
            Parsed(sha, place, tuple((path, held) for path, held in siblings), packages_of(packages), reason)
            for sha, place, siblings, reason, packages in plain["files"]
        ]
        return parsed, [Unread(*one) for one in plain["unread"]]
    except (KeyError, TypeError, ValueError):
        return [], []
