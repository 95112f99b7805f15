"""Finding the finished batches of a scan by their stored results, whatever the checkpoint file says."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tasks.checkpoints.seal import unseal
from tasks.errors import CheckpointError


def stored_batches(folder: Path) -> Iterator[dict[str, Any]]:
    """The plain data of every sound batch result below a scan's result folder, in order of round and batch number.

    A damaged record is passed over here; Prefect's reading of it sets it aside and the batch is done again.
    """
    found = [plain for path in folder.glob("batch-*") if (plain := _plain(path)) is not None]
    yield from sorted(found, key=lambda plain: (plain["round"], plain["number"]))


def _plain(path: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(unseal(path.read_bytes()))
        plain = json.loads(record["result"])
    except (OSError, CheckpointError, ValueError, KeyError, TypeError):
        return None
    numbered = isinstance(plain, dict) and isinstance(plain.get("number"), int) and isinstance(plain.get("round"), int)
    return plain if numbered and "keys" in plain else None
