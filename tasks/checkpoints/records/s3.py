"""Records as objects of a bucket in S3, or in a server that speaks its language. One PUT is whole or nothing.

Endpoint, region and credentials come as in every tool of AWS: environment, profile, role
(https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html). boto3 alone, without Prefect's block for
S3: that one has to be saved with credentials on each server, and neither lists nor removes.
"""

import functools
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, IncompleteReadError, ResponseStreamingError

from tasks.checkpoints.records.interface import DAMAGED, Answer, checked
from tasks.checkpoints.records.s3_refusals import NO_OBJECT, client_refusal, code_of, refusal
from tasks.errors import CheckpointError, ResultsUnreachable, SettingsError
from tasks.http.breaker import Breaker
from tasks.http.verdict import Kind

_AT_ONCE = 16
"""Requests of one listing or reading in flight."""

_CONFIG = Config(
    connect_timeout=5,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=2 * _AT_ONCE,
    # Records carry a checksum of their own, and many servers other than AWS's know no other one.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)

_LEFT_ALONE_S = 10.0
"""Seconds for which a place that did not answer after all attempts is not asked again."""

_LARGEST_BYTES = 1 << 28
"""No batch comes near it; what is larger is not one of ours."""

_MOST_KEYS = 1000
"""Objects that one request can remove: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html."""

_PROBE = "writable"

_SCAN_ID = re.compile(r"[0-9a-f]{12}")
_OWN_NAME = re.compile(r"(?:[a-z]+-[0-9a-f]{32}|scan\.json)(?:\.damaged)?")
"""A bucket may hold what is somebody else's: only what is named as our records is listed and removed."""


def s3_records(address: str) -> "S3Records":
    """The records at `s3://BUCKET/PREFIX`; SettingsError for a configuration of AWS that is none."""
    bucket, _, prefix = address.removeprefix("s3://").strip("/").partition("/")
    try:
        client = boto3.session.Session().client("s3", config=_CONFIG)
    except (BotoCoreError, ValueError) as error:
        raise SettingsError(client_refusal(address, error)) from error
    return S3Records(bucket, f"{prefix}/" if prefix else "", client)


@dataclass(frozen=True, slots=True)
class S3Records:
    """The records below a prefix of a bucket; prefix is empty or ends in `/`. Threads may share it."""

    bucket: str
    prefix: str
    client: Any = field(repr=False)
    breaker: Breaker = field(
        default_factory=lambda: Breaker(1, _LEFT_ALONE_S, time.monotonic), repr=False, compare=False
    )

    @property
    def address(self) -> str:
        """As in `s3://BUCKET/PREFIX`."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def check(self) -> None:
        """List, write and remove one object; ResultsUnreachable says what is missing."""
        name = self.prefix + _PROBE
        self._ask(functools.partial(self.client.list_objects_v2, Bucket=self.bucket, Prefix=self.prefix, MaxKeys=1))
        self._put(name, b"")
        self._drop(name)

    def read(self, key: str) -> bytes | None:
        """A record; None when there is none. CheckpointError for an object that is far too large."""
        return self._get(key)

    def head(self, key: str, size: int) -> bytes | None:
        """The first bytes of a record; None when there is none, or it is empty."""
        return (self._get(key, Range=f"bytes=0-{size - 1}") or b"")[:size] or None

    def _get(self, key: str, **more: str) -> bytes | None:
        wanted = {"Bucket": self.bucket, "Key": self.prefix + checked(key), **more}
        return self._ask(lambda: _unless_missing(lambda: self._content(wanted)))

    def _content(self, wanted: dict[str, str]) -> bytes:
        try:
            return self._content_once(wanted)
        except (IncompleteReadError, ResponseStreamingError):
            # The client itself tries again only what failed before the content began.
            return self._content_once(wanted)

    def _content_once(self, wanted: dict[str, str]) -> bytes:
        answer = self.client.get_object(**wanted)
        with answer["Body"] as body:
            if answer["ContentLength"] > _LARGEST_BYTES:
                raise CheckpointError(f"{wanted['Key']}: larger than {_LARGEST_BYTES} bytes; it is not one of ours")
            content: bytes = body.read()
            return content

    def write(self, key: str, record: bytes) -> None:
        """Store a record in one PUT: the former one stays until the new one is there, whole."""
        self._put(self.prefix + checked(key), record)

    def _put(self, name: str, record: bytes) -> None:
        self._ask(functools.partial(self.client.put_object, Bucket=self.bucket, Key=name, Body=record))

    def _drop(self, name: str) -> None:
        # AWS says nothing of an object that is gone already, some other servers do.
        self._ask(lambda: _unless_missing(lambda: self.client.delete_object(Bucket=self.bucket, Key=name)))

    def set_aside(self, key: str, record: bytes) -> str:
        """Store a damaged record under another name and remove the damaged one; where it is then."""
        name = self.prefix + checked(key)
        self._put(name + DAMAGED, record)
        self._drop(name)
        return f"s3://{self.bucket}/{name}{DAMAGED}"

    def keys(self, scan_id: str, kind: str) -> list[str]:
        """The keys of a scan's records of one kind, in order: one request for a thousand."""
        names = (one["Key"] for one in self._objects(f"{checked(scan_id)}/{kind}-"))
        return sorted(name.removeprefix(self.prefix) for name in names if not name.endswith(DAMAGED))

    def scan_ids(self) -> list[str]:
        """Every scan of which something is there, in order; its objects are not listed."""
        pages = self._pages(Prefix=self.prefix, Delimiter="/")
        folders = (one["Prefix"] for page in pages for one in page.get("CommonPrefixes", ()))
        names = (folder.removeprefix(self.prefix).rstrip("/") for folder in folders)
        return sorted(name for name in names if _SCAN_ID.fullmatch(name))

    def changed(self, scan_id: str) -> datetime:
        """When an object of the scan was last written, naive UTC, by the server's clock."""
        times = [one["LastModified"].astimezone(UTC) for one in self._objects(f"{checked(scan_id)}/")]
        return max((time.replace(tzinfo=None) for time in times), default=datetime.min)  # noqa: DTZ901  naive UTC

    def remove(self, scan_id: str) -> None:
        """Remove all objects of a scan, its batches first; versions that a bucket keeps are the bucket's business."""
        # "batch-" and "index-" come before "scan.json": stopped in between, what is left is still known to be ended.
        below = f"{self.prefix}{checked(scan_id)}/"
        found = (one["Key"] for one in self._objects(f"{scan_id}/"))
        names = sorted(name for name in found if _OWN_NAME.fullmatch(name.removeprefix(below)))
        for start in range(0, len(names), _MOST_KEYS):
            wanted = {"Objects": [{"Key": name} for name in names[start : start + _MOST_KEYS]], "Quiet": True}
            answer = self._ask(functools.partial(self.client.delete_objects, Bucket=self.bucket, Delete=wanted))
            if refused := answer.get("Errors"):
                raise ResultsUnreachable(f"{self.address}/{scan_id}: cannot be removed ({refused[0].get('Code')})")

    def sweep(self) -> None:
        """Nothing to do: what was not put whole is not there."""

    def each(self, keys: Iterable[str], ask: Callable[[str], Answer]) -> Iterator[Answer]:
        """`ask` of each key, in order, several at the same time."""
        waiting: deque[Future[Answer]] = deque()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for key in keys:
                waiting.append(pool.submit(ask, key))
                if len(waiting) >= _AT_ONCE:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _objects(self, below: str) -> Iterator[dict[str, Any]]:
        for page in self._pages(Prefix=self.prefix + below):
            yield from page.get("Contents", ())

    def _pages(self, **wanted: str) -> Iterator[dict[str, Any]]:
        more: dict[str, str] = {}
        while True:
            page = self._ask(functools.partial(self.client.list_objects_v2, Bucket=self.bucket, **wanted, **more))
            yield page
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _ask(self, call: Callable[[], Answer]) -> Answer:
        """The answer of a call; ResultsUnreachable where S3 refuses or does not answer."""
        if not self.breaker.admit():
            raise ResultsUnreachable(self.breaker.reason)
        kind, reason = Kind.ANSWERED, ""
        try:
            return call()
        except ClientError as error:
            raise ResultsUnreachable(refusal(self.address, self.client.meta.endpoint_url, error)) from error
        except BotoCoreError as error:
            kind, reason = Kind.BROKEN, refusal(self.address, self.client.meta.endpoint_url, error)
            raise ResultsUnreachable(reason) from error
        finally:
            self.breaker.record(kind, reason, fresh=True)


def _unless_missing(call: Callable[[], Answer]) -> Answer | None:
    """The answer of a call; None where there is no such object."""
    try:
        return call()
    except ClientError as error:
        if code_of(error) in NO_OBJECT:
            return None
        raise
