"""The stored batch results of a scan, whatever its checkpoints say: finding, checking and taking them over.

A record is sealed and has the key `SCAN_ID/batch-DIGEST`: the JSON of Prefect's ResultRecord, whose `result` is the
JSON of a BatchResult. Read and written here without Prefect, wherever the records lie.
"""

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tasks.checkpoints.records.interface import Records
from tasks.checkpoints.seal import digest_of, seal, unseal
from tasks.errors import CheckpointError, ResultsUnreachable

_BATCH = "batch"
_LONGEST_HEADER = 1024


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """One sound record: its key, its batch as plain data, and Prefect's own data."""

    key: str
    plain: dict[str, Any]
    metadata: Mapping[str, Any]

    @property
    def order(self) -> tuple[int, int]:
        """Round and number: later rounds have the last word on a package."""
        return self.plain["round"], self.plain["number"]


def stored_batches(records: Records, scan_id: str) -> Iterator[dict[str, Any]]:
    """The plain data of every sound batch result of a scan, in order of round and batch number.

    A damaged record is passed over here; Prefect's reading of it sets it aside and the batch is done again.
    ResultsUnreachable where the records cannot be asked for.
    """
    yield from (stored.plain for stored in stored_records(records, scan_id))


def stored_records(records: Records, scan_id: str) -> Iterator[StoredBatch]:
    """Every sound batch record of a scan, in order of round and batch number; few in memory at a time while they are
    used. ResultsUnreachable where they cannot be asked for."""
    keys = records.keys(scan_id, _BATCH)
    orders = records.each(keys, lambda key: getattr(read_record(records, key), "order", None))
    places = sorted((order, key) for order, key in zip(orders, keys, strict=True) if order is not None)
    again = records.each((key for _, key in places), functools.partial(read_record, records))
    yield from (stored for stored in again if stored is not None)


def read_record(records: Records, key: str) -> StoredBatch | None:
    """The batch that a record holds; None when there is none, or it is damaged or none of ours.

    ResultsUnreachable where that cannot be said.
    """
    try:
        record = json.loads(unseal(records.read(key) or b""))
        plain, metadata = json.loads(record["result"]), record["metadata"]
    except ResultsUnreachable:
        raise
    except (CheckpointError, ValueError, KeyError, TypeError, RecursionError):
        return None
    numbered = isinstance(plain, dict) and isinstance(plain.get("number"), int) and isinstance(plain.get("round"), int)
    if not numbered or "keys" not in plain or not isinstance(metadata, dict):
        return None
    return StoredBatch(key, plain, metadata)


def write_record(records: Records, key: str, plain: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
    """Store a batch durably under a key, as Prefect's result storage would; CheckpointError when it cannot be."""
    document = {"metadata": {**metadata, "storage_key": key}, "result": json.dumps(plain)}
    records.write(key, seal(json.dumps(document).encode()))


def record_digest(records: Records, key: str) -> str | None:
    """The SHA-256 that a record's first line names, None when there is no such record; its content is not read.

    ResultsUnreachable where that cannot be said.
    """
    return digest_of((records.head(key, _LONGEST_HEADER) or b"").partition(b"\n")[0])


def record_problem(records: Records, key: str, sha256: str) -> str | None:
    """Why a record is not the one with this SHA-256; None when it is, every byte of it.

    ResultsUnreachable where that cannot be said.
    """
    try:
        record = records.read(key)
    except ResultsUnreachable:
        raise
    except CheckpointError as error:
        return f"not readable ({error})"
    if record is None:
        return "missing"
    try:
        unseal(record)
    except CheckpointError:
        return "damaged"
    return None if digest_of(record.partition(b"\n")[0]) == sha256 else "another one than was recorded"


def take_over(
    records: Records, source: str, scan_id: str, wanted: Callable[[Mapping[str, Any]], bool]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Store the records of the scan `source` once more for another scan, each cut to the wanted packages.

    `wanted` decides about a package key as plain data. Yields each new record's key and batch; a record without
    any wanted package is left out. CheckpointError when one cannot be written.
    """
    for stored in stored_records(records, source):
        pairs = zip(stored.plain["keys"], stored.plain["reviews"], strict=True)
        kept = [(key, review) for key, review in pairs if wanted(key)]
        if kept:
            keys, reviews = zip(*kept, strict=True)
            plain = {**stored.plain, "keys": list(keys), "reviews": list(reviews), "left": []}
            key = f"{scan_id}/{stored.key.rpartition('/')[2]}"
            write_record(records, key, plain, stored.metadata)
            yield key, plain
