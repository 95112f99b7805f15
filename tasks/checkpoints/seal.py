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
    first, _, content = record.partition(b"\n")
    try:
        header = json.loads(first)
        sound = header["kind"] == _KIND and header["sha256"] == hashlib.sha256(content).hexdigest()
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError("the record's header is damaged") from error
    if not sound:
        raise CheckpointError("the record does not match its checksum")
    return content
