"""The Prefect tasks of the IOC scan: listing, and one task run per batch, whose result is its checkpoint."""

import functools
import time
from collections.abc import Sequence
from typing import Any, cast

from prefect import task

from blocks.github import GitHub
from tasks.batch_task import batch_task
from tasks.engine.lending import Lender
from tasks.errors import SettingsError, SourceError
from tasks.github.model import Repository
from tasks.ioc.batches import IocBatch, plain_result
from tasks.ioc.engine import IocEngine
from tasks.ioc.plan import Tree
from tasks.ioc.terms import IocTerms


@functools.cache
def _engines() -> Lender[IocTerms, IocEngine]:
    return Lender(_made)


def ioc_engine_for(terms: IocTerms) -> IocEngine:
    """This process's engine for these terms, made at first need and kept until `close_ioc_engine`: a flow's own.

    SettingsError where the credentials, or the block that holds them, are not usable.
    """
    return _engines().held(terms)


def close_ioc_engine(terms: IocTerms) -> None:
    """End what the engine for these terms has under way, and release what it holds."""
    _engines().close(terms)


def _made(terms: IocTerms) -> IocEngine:
    if terms.github_block is None:
        return IocEngine(terms)
    try:
        block = cast("GitHub", GitHub.load(terms.github_block))
    except ValueError as error:
        raise SettingsError(f"--github-block {terms.github_block}: Prefect has no such block; save it first") from error
    return IocEngine(terms, block.access(terms.org))


@task(name="list-repositories", task_run_name="repositories of {org}", persist_result=False, retries=0)
def list_repositories(
    org: str, terms: IocTerms, team: str | None, only: Sequence[str], include_archived: bool
) -> tuple[Repository, ...]:
    """The repositories of an organisation, each with its present commit; never cached: they change."""
    return ioc_engine_for(terms).repositories(org, team=team, include_archived=include_archived, only=only)


@task(name="list-teams", task_run_name="teams of {org}", persist_result=False, retries=0)
def list_teams(org: str, terms: IocTerms, team: str | None) -> dict[str, tuple[str, ...]]:
    """The repositories (OWNER/NAME) of one team, or of every team of the organisation, by its slug."""
    return ioc_engine_for(terms).teams(org, team)


@task(name="list-files", task_run_name="files of {count} repositories", persist_result=False, retries=0)
def list_files(repositories: Sequence[Repository], terms: IocTerms, count: int) -> list[Tree | SourceError]:  # noqa: ARG001  count is for the run's name
    """The files of each repository; those of an unchanged one cost no request, so a killed run loses nothing here."""
    return ioc_engine_for(terms).trees(repositories)


@batch_task("read-lockfiles", "batch {batch.number}: {batch.span}", "batch")
def read_lockfiles(batch: IocBatch) -> dict[str, Any]:
    """Fetch and parse one batch of lockfiles; `plain_result` of it."""
    began = time.monotonic()
    with _engines().lent(batch.terms) as engine:
        found, requests = engine.read([file.candidate for file in batch.files])
    return plain_result(batch, found, time.monotonic() - began, requests)
