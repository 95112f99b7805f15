"""Which records the batches of a run have left, for its checkpoints."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tasks.checkpoints.records.interface import Records
from tasks.checkpoints.results import record_digest
from tasks.errors import ResultsUnreachable


@dataclass(slots=True)
class NotedRecords:
    """The SHA-256 of each record that is really there, by its key.

    warn is told once where results cannot be stored; again says what is then done once more ("looked up").
    """

    records: Records
    warn: Callable[[str], object]
    again: str
    digests: dict[str, str] = field(init=False, default_factory=dict)
    _told: bool = field(init=False, default=False)

    def note(self, key: str) -> None:
        """Look for the record of a finished batch."""
        digest, place = None, f"in {self.records.address}"
        try:
            digest = record_digest(self.records, key)
        except ResultsUnreachable as error:
            place = f"({error})"
        if digest is not None:
            self.digests[key] = digest
        elif not self._told:
            # Prefect hands a result on although storing it failed, and says so in its own log only.
            self._told = True
            self.warn(f"Results cannot be stored {place}; if the scan stops now, they are {self.again} again")
