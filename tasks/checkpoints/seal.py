"""Records that can be believed: content under a header line with its SHA-256."""

import hashlib
import json

from tasks.errors import CheckpointError

_KIND = "vetbook-result"


def seal(content: bytes) -> bytes:
    """One header line (JSON: kind, SHA-256, length in bytes), then the content."""
    header = {"kind": _KIND, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    return json.dumps(header).encode() + b"\n" + content


def unseal(record: bytes) -> bytes:
    """The content of a sealed record; CheckpointError when it is torn, altered or not one of ours."""
    _, _, content = record.partition(b"\n")
    if record != seal(content):
        raise CheckpointError("the record does not match its checksum: it is torn, altered or not one of ours")
    return content


def digest_of(header: bytes) -> str | None:
    """The SHA-256 that a record's header line names; None for anything else."""
    try:
        digest = json.loads(header)["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return digest if isinstance(digest, str) else None
