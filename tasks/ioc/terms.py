"""What reading takes on whatever machine it happens: the part of a run's settings that its tasks need."""

from pathlib import Path

from tasks.engine.lookup import LookupSettings
from tasks.ioc.config import BatchConfig, BatchStrategy
from tasks.ioc.sizing import Terms, terms_of
from tasks.sources.interface import Plain

__all__ = ["IocTerms"]


class IocTerms(Plain):
    """Settings of the engine. max_wait_s: seconds to wait for a used-up quota; store: folder of what is kept.

    org is where a GitHub App looks for its installation; github_block names a saved block with the credentials.
    processes is how many share GitHub's secondary limits, which count by token.
    """

    lookup: LookupSettings
    config: BatchConfig
    strategy: BatchStrategy
    max_wait_s: float
    store: Path
    org: str | None = None
    github_block: str | None = None
    processes: int = 1

    def shared_by(self, processes: int) -> "IocTerms":
        """The same for one of so many processes that read at the same time."""
        return self.model_copy(update={"processes": processes})

    @property
    def limits(self) -> Terms:
        """What the strategy allows."""
        return terms_of(self.config, self.strategy)

    def __hash__(self) -> int:
        return hash(self.model_dump_json())
