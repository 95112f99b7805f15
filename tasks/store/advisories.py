"""`AdvisorySource` out of the advisory store: which advisories name which project, and the records themselves."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from tasks.advisories.model import Advisory
from tasks.errors import SourceAnswerInvalid, StoreError
from tasks.sources.interface import AdvisoryRef
from tasks.sources.kept import utc_of
from tasks.store.codec import decoded
from tasks.store.file import StoreFile, at_once
from tasks.store.osv_records import project_name
from tasks.store.state import SourceState, osv_name, read_state

__all__ = ["AdvisoryStore"]


class AdvisoryStore:
    """Answers from the store at path (or from one that is open), for one ecosystem; nothing is held in memory.

    Raises StoreError where there is no such store or the ecosystem was never synced, SettingsError where it is newer
    than this version. Records are served as they are now, whatever state a reference names: a sync that ran meanwhile
    brought newer ones.
    """

    def __init__(self, path: Path | StoreFile, ecosystem: str = "PyPI") -> None:
        self._file = path if isinstance(path, StoreFile) else StoreFile(path)
        self._ecosystem = ecosystem
        try:
            self.state = self._state()
        except BaseException:
            self._file.close()
            raise

    @property
    def file(self) -> StoreFile:
        """The open store."""
        return self._file

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def age_hours(self, now: float) -> float:
        """Hours since the advisories were last found current; now in seconds since the epoch."""
        return max(0.0, now - self.state.checked_at) / 3600

    def asked_at(self, name: str) -> datetime:  # noqa: ARG002 - the same for all
        """When the advisories were last found current, naive UTC in whole seconds."""
        return utc_of(self.state.checked_at)

    async def index(self, names: Sequence[str]) -> Mapping[str, tuple[AdvisoryRef, ...]]:
        """Every advisory that names each project; a project without any has an empty tuple."""
        return self.index_now(names)

    def index_now(self, names: Sequence[str]) -> dict[str, tuple[AdvisoryRef, ...]]:
        """As `index`, for callers without an event loop."""
        found: dict[str, list[AdvisoryRef]] = {name: [] for name in names}
        asked = {project_name(self._ecosystem, name): name for name in found}
        statement = "SELECT name, id, modified FROM names WHERE ecosystem = ? AND name IN ({marks})"
        with self._file.read() as connection:
            for some, marks in at_once(list(asked)):
                query = statement.format(marks=marks)
                for name, identifier, modified in connection.execute(query, (self._ecosystem, *some)):
                    # The store's own rows were checked when they were read in.
                    found[asked[name]].append(AdvisoryRef.model_construct(id=identifier, modified=modified))
        return {name: tuple(refs) for name, refs in found.items()}

    async def advisories(self, refs: Sequence[AdvisoryRef]) -> Mapping[str, Advisory]:
        """The records by id; SourceError where one cannot be read or is no longer there."""
        return self.advisories_now(refs)

    def advisories_now(self, refs: Sequence[AdvisoryRef]) -> dict[str, Advisory]:
        """As `advisories`, for callers without an event loop."""
        found: dict[str, Advisory] = {}
        statement = "SELECT id, body FROM advisories WHERE ecosystem = ? AND id IN ({marks})"
        ids = list(dict.fromkeys(ref.id for ref in refs))
        with self._file.read() as connection:
            for some, marks in at_once(ids):
                for identifier, body in connection.execute(statement.format(marks=marks), (self._ecosystem, *some)):
                    found[identifier] = self._read(identifier, body)
        lacking = [identifier for identifier in ids if identifier not in found]
        if lacking:
            raise StoreError(
                f"osv: {lacking[0]} is no longer in the advisory store {self._file.path}; run with --start-fresh."
            )
        return found

    def _read(self, identifier: str, body: bytes | None) -> Advisory:
        advisory = decoded(identifier, body)
        if advisory is None:
            raise SourceAnswerInvalid(f"osv: the record {identifier} in the advisory store cannot be read; sync again.")
        return advisory

    def _state(self) -> SourceState:
        with self._file.read() as connection:
            state = read_state(connection, osv_name(self._ecosystem))
        if state is None:
            raise StoreError(f"{self._file.path} has no advisories of {self._ecosystem} yet; run python -m flows.sync")
        return state
