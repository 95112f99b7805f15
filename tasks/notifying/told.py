"""What was told already, by workbook or organisation: each finding is told once, and again when it comes back.

It is noted after it was sent: a notification that failed is tried again by the next run.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.files.atomic import write_atomically
from tasks.notifying.news import News

_LARGEST_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class Told:
    """The names that were told about one target, in a file of their own below `folder`."""

    folder: Path
    target: str

    @property
    def path(self) -> Path:
        """The file."""
        digest = hashlib.sha256(self.target.encode(errors="surrogateescape")).hexdigest()[:32]
        return self.folder / f"{digest}.json"

    def not_told(self, news: Iterable[News]) -> tuple[News, ...]:
        """Those of the news that were not told yet; all of them where the file cannot be read."""
        known = self._known()
        return tuple(one for one in news if known.isdisjoint(one.names))

    def note(self, news: Sequence[News]) -> None:
        """Note that all these were told, and nothing else; CheckpointError when that cannot be written."""
        names = sorted({name for one in news for name in one.names})
        write_atomically(self.path, json.dumps({"target": self.target, "told": names}).encode())

    def _known(self) -> frozenset[str]:
        try:
            with self.path.open("rb") as file:
                told = json.loads(file.read(_LARGEST_BYTES))["told"]
            return frozenset(name for name in told if isinstance(name, str))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return frozenset()
