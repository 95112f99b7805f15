"""A server that speaks S3 on loopback, for tests of results that lie there."""

import itertools
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3.session
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

from tasks.checkpoints.records import s3 as s3_module
from tasks.checkpoints.records.s3 import S3Records

_NOBODY = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "hidden-away",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
_ONE_ATTEMPT = Config(retries={"mode": "standard", "total_max_attempts": 1})
"""Between two attempts a client would really wait."""

_NUMBERS = itertools.count(1)


@dataclass
class S3Server:
    """The server, which keeps what it holds while it is down; `bucket` is one that it has, empty for each test."""

    bucket: str = ""
    port: int = 0
    client: Any = field(default=None, repr=False)
    _server: ThreadedMotoServer | None = None

    def up(self) -> None:
        """Answer, at the same address as before."""
        if self._server is None:
            self._server = ThreadedMotoServer("127.0.0.1", port=self.port, verbose=False)
            self._server.start()
            _, self.port = self._server.get_host_and_port()

    def down(self) -> None:
        """Refuse connections."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    @property
    def address(self) -> str:
        """Where results lie: a prefix in the bucket."""
        return f"s3://{self.bucket}/some/prefix"

    @property
    def environment(self) -> dict[str, str]:
        """What makes every client of AWS use this server."""
        return {**_NOBODY, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}"}

    @property
    def records(self) -> S3Records:
        """The records there."""
        return S3Records(self.bucket, "some/prefix/", self.client)

    def names(self) -> list[str]:
        """The names of all objects."""
        return [one["Key"] for one in self.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])]

    def begin(self) -> None:
        """An empty bucket for the next test."""
        self.up()
        self.bucket = f"results-{next(_NUMBERS)}"
        self.client.create_bucket(Bucket=self.bucket)


@pytest.fixture(scope="module")
def s3_server() -> Iterator[S3Server]:
    """One server for the tests of a module."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = S3Server()
    server.up()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        server.client = boto3.session.Session().client("s3", config=_ONE_ATTEMPT)
    yield server
    server.down()


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The server with an empty bucket, and the variables of AWS set for it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("tasks.checkpoints.records.s3._CONFIG", s3_module._CONFIG.merge(_ONE_ATTEMPT))
    s3_server.begin()
    return s3_server
