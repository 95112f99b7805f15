"""The stored batch results of a scan, whatever its checkpoints say: finding, checking and taking them over.

A record is a sealed file `results/SCAN_ID/batch-DIGEST`: the JSON of Prefect's ResultRecord, whose `result` is the
JSON of a BatchResult. Read and written here without Prefect.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.checkpoints.seal import digest_of, seal, unseal
from tasks.errors import CheckpointError
from tasks.files.atomic import write_atomically


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """One sound record: its name below the results folder, its batch as plain data, and Prefect's own data."""

    key: str
    plain: dict[str, Any]
    metadata: Mapping[str, Any]

    @property
    def order(self) -> tuple[int, int]:
        """Round and number: later rounds have the last word on a package."""
        return self.plain["round"], self.plain["number"]


def stored_batches(folder: Path) -> Iterator[dict[str, Any]]:
    """The plain data of every sound batch result below a scan's result folder, in order of round and batch number.

    A damaged record is passed over here; Prefect's reading of it sets it aside and the batch is done again.
    """
    yield from (stored.plain for stored in stored_records(folder))


def stored_records(folder: Path) -> Iterator[StoredBatch]:
    """Every sound batch record of a scan's result folder, in order of round and batch number; one in memory at a time
    while they are used."""
    places = [(stored.order, path) for path in folder.glob("batch-*") if (stored := read_record(path)) is not None]
    for _, path in sorted(places):
        if (again := read_record(path)) is not None:
            yield again


def read_record(path: Path) -> StoredBatch | None:
    """The batch that a record holds; None when it is damaged or none of ours."""
    try:
        record = json.loads(unseal(path.read_bytes()))
        plain, metadata = json.loads(record["result"]), record["metadata"]
    except (OSError, CheckpointError, ValueError, KeyError, TypeError, RecursionError):
        return None
    numbered = isinstance(plain, dict) and isinstance(plain.get("number"), int) and isinstance(plain.get("round"), int)
    if not numbered or "keys" not in plain or not isinstance(metadata, dict):
        return None
    return StoredBatch(f"{path.parent.name}/{path.name}", plain, metadata)


def write_record(results: Path, key: str, plain: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
    """Store a batch durably under a name below the results folder, as Prefect's result storage would.

    CheckpointError when it cannot be written.
    """
    document = {"metadata": {**metadata, "storage_key": key}, "result": json.dumps(plain)}
    write_atomically(results / key, seal(json.dumps(document).encode()))


def record_digest(results: Path, key: str) -> str | None:
    """The SHA-256 that a record's first line names, None when there is no such record; its content is not read."""
    try:
        with (results / key).open("rb") as file:
            return digest_of(file.readline(1024))
    except OSError:
        return None


def record_problem(results: Path, key: str, sha256: str) -> str | None:
    """Why a record is not the one with this SHA-256; None when it is, every byte of it."""
    path = results / key
    try:
        record = path.read_bytes()
        unseal(record)
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    except CheckpointError:
        return "damaged"
    return None if digest_of(record.partition(b"\n")[0]) == sha256 else "another one than was recorded"


def take_over(
    source: Path, results: Path, scan_id: str, wanted: Callable[[Mapping[str, Any]], bool]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Store the records below `source` (a scan's folder) once more for another scan, each cut to the wanted packages.

    `wanted` decides about a package key as plain data. Yields each new record's name and batch; a record without
    any wanted package is left out. CheckpointError when one cannot be written.
    """
    for stored in stored_records(source):
        pairs = zip(stored.plain["keys"], stored.plain["reviews"], strict=True)
        kept = [(key, review) for key, review in pairs if wanted(key)]
        if kept:
            keys, reviews = zip(*kept, strict=True)
            plain = {**stored.plain, "keys": list(keys), "reviews": list(reviews), "left": []}
            key = f"{scan_id}/{stored.key.rpartition('/')[2]}"
            write_record(results, key, plain, stored.metadata)
            yield key, plain
