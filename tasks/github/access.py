"""From a token, an address and limits to an organisation that can be read: where all is put together."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import SecretStr

from tasks.github.api import Credentials
from tasks.github.app import app_from_environment
from tasks.github.blobs import BlobLimits
from tasks.github.budget import Budget, BudgetTerms
from tasks.github.kept import KeptTrees
from tasks.github.model import EVERY_PATH, PathFilter
from tasks.github.organisation import GitHubOrganisation
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName, ServicePolicy, public_policies

__all__ = ["GitHubAccess", "open_organisation"]

MOST_BYTES = 101 * 1024 * 1024
"""GitHub gives contents up to 100 MB."""

TREES_FILE = "github-trees.sqlite"


@dataclass(frozen=True, slots=True)
class GitHubAccess:
    """How GitHub may be asked; the secrets never show. base_url None: api.github.com.

    attempts: tries of one request; deadline_s: seconds for one request with
    its attempts. credentials (a GitHub App's) are used instead of the token where given.
    """

    token: SecretStr | None = None
    base_url: str | None = None
    attempts: int = 5
    deadline_s: float = 120.0
    budget: BudgetTerms = field(default_factory=BudgetTerms)
    limits: BlobLimits = field(default_factory=BlobLimits)
    ca_bundle: Path | None = None
    credentials: Credentials | None = field(default=None, repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ, org: str | None = None) -> "GitHubAccess":
        """Token from GITHUB_TOKEN, or an App from GITHUB_APP_*; address from VETBOOK_SOURCES__GITHUB__BASE_URL.

        org is where an App without installation id looks for its installation.
        """
        token = environment.get("GITHUB_TOKEN", "").strip()
        address = environment.get("VETBOOK_SOURCES__GITHUB__BASE_URL", "").strip()
        app = app_from_environment(environment, org)
        return cls(token=SecretStr(token) if token else None, base_url=address or None, credentials=app)

    def policy(self) -> ServicePolicy:
        """What the HTTP client keeps to."""
        public = public_policies()[ServiceName.GITHUB]
        return replace(
            public,
            base_url=self.base_url or public.base_url,
            token=self.token if self.credentials is None else None,
            max_in_flight=self.budget.max_in_flight,
            attempts=self.attempts,
            deadline_s=self.deadline_s,
            max_bytes=MOST_BYTES,
        )


@asynccontextmanager
async def open_organisation(
    access: GitHubAccess,
    *,
    folder: Path | None = None,
    wanted: PathFilter = EVERY_PATH,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[GitHubOrganisation]:
    """GitHub for the present event loop, closed at the end; trees are kept in folder, if given, between runs.

    sleep is there for tests.
    """
    policy = access.policy()
    kept = KeptTrees(folder / TREES_FILE, policy.address, wanted.name) if folder is not None else None
    try:
        async with HttpClient({ServiceName.GITHUB: policy}, ca_bundle=access.ca_bundle, sleep=sleep) as client:
            yield GitHubOrganisation(
                client,
                budget=Budget(access.budget, sleep=sleep),
                credentials=access.credentials,
                kept=kept,
                wanted=wanted,
                limits=access.limits,
            )
    finally:
        if kept is not None:
            kept.close()
