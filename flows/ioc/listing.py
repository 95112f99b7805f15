"""The beginning of the IOC scan: which repositories, in which order, and which of their files are lockfiles."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flows.ioc.prepare import PreparedIoc
from flows.opaque import opaque
from tasks.errors import SourceError
from tasks.github.model import Repository
from tasks.ioc.model import Candidate, RepositoryRecord, RepositoryStatus
from tasks.ioc.plan import Tree, candidates, teams_first
from tasks.ioc_lookup import list_files, list_repositories, list_teams

_CHUNK = 100
"""Repositories whose files one task run lists."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Listed:
    """What there is to read; teams are the repositories (OWNER/NAME) of each team that the scan was told of."""

    trees: dict[str, Tree] = field(default_factory=dict)
    files: list[Candidate] = field(default_factory=list)
    repositories: list[RepositoryRecord] = field(default_factory=list)
    teams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def list_all(prepared: PreparedIoc) -> Listed:
    """Ask GitHub for repositories and their files. SourceError where the repositories cannot be listed."""
    listed = Listed()
    repositories, listed.teams = _repositories(prepared)
    _log.info("%d repositories", len(repositories))
    for start in range(0, len(repositories), _CHUNK):
        part = repositories[start : start + _CHUNK]
        trees = list_files(opaque(part), opaque(prepared.terms), len(part))
        for repository, tree in zip(part, trees, strict=True):
            _note(listed, repository, tree, fast=prepared.request.fast)
    _log.info("%d lockfiles in %d repositories", len(listed.files), len(listed.trees))
    return listed


def _note(listed: Listed, repository: Repository, tree: Tree | SourceError, *, fast: bool) -> None:
    name, commit, archived = repository.full_name, repository.commit, repository.archived
    if isinstance(tree, SourceError):
        _log.warning("%s could not be read: %s", name, tree)
        failed = RepositoryRecord(name, RepositoryStatus.FAILED, commit, 0, archived, str(tree))
        listed.repositories.append(failed)
        return
    found = candidates(tree, only_root=fast)
    status = RepositoryStatus.SCANNED if repository.revision else RepositoryStatus.EMPTY
    listed.trees[name] = tree
    listed.files += found
    listed.repositories.append(RepositoryRecord(name, status, commit, len(found), archived))


def _repositories(prepared: PreparedIoc) -> tuple[Sequence[Repository], Mapping[str, tuple[str, ...]]]:
    """The repositories in the order in which they are shown, and those of each team."""
    request, terms = prepared.request, opaque(prepared.terms)
    if request.team and not request.team_first_org:
        found = list_repositories(request.org, terms, request.team, (), request.include_archived)
        return found, {request.team: tuple(one.full_name for one in found)}
    found = list_repositories(request.org, terms, None, request.repositories, request.include_archived)
    if not request.team_first_org:
        return found, {}
    return teams_first(found, list_teams(request.org, terms, request.team))
