"""PyPI and OSV for engine tests: a quick server of made-up projects on a thread of its own."""

import asyncio
import json
import re
from collections import Counter
from typing import Any

from tasks.engine.loop import LoopThread

_BODY = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def document(name: str, versions: int = 3) -> dict[str, Any]:
    """A project's document as PyPI gives it."""
    file = {"upload_time_iso_8601": "2024-01-01T00:00:00.000000Z", "yanked": False}
    releases = {f"1.{n}": [file] for n in range(versions)}
    return {"info": {"name": name, "version": f"1.{versions - 1}"}, "releases": releases, "urls": []}


class FakeServices:
    """Answers for any project, one advisory for each whose name begins with "bad"; HTTP/1.1, keep-alive.

    asked counts requests by service, revalidated those answered 304; down names services that answer 503; every answer
    takes latency_s seconds.
    """

    def __init__(self, latency_s: float = 0.0) -> None:
        self._latency_s = latency_s
        self.asked: Counter[str] = Counter()
        self.revalidated = 0
        self.headers: list[bytes] = []
        self.down: set[str] = set()
        self._closed = False
        self._loop = LoopThread("fake-services")
        self._server = self._loop.run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def sources(self) -> dict[str, dict[str, str]]:
        """The settings section that points here."""
        return {name: {"base_url": f"{self.url}/{name}"} for name in ("pypi", "osv", "osv_bulk")}

    def close(self) -> None:
        """Stop answering."""
        if not self._closed:
            self._closed = True
            self._loop.run(self._stop())
            self._loop.close()

    async def _stop(self) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = _BODY.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
                if self._latency_s:
                    await asyncio.sleep(self._latency_s)
                writer.write(self._answer(head, body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, head: bytes, body: bytes) -> bytes:
        path = head.split(b" ", 2)[1].decode()
        service = path.split("/")[1]
        self.asked[service] += 1
        self.headers.append(head)
        if service in self.down:
            return b"HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n"
        value = self._value(path, body)
        text = json.dumps(value).encode()
        tag = b'"%d"' % len(text)
        if b"if-none-match: " + tag in head.lower():
            self.revalidated += 1
            return b"HTTP/1.1 304 Same\r\nETag: " + tag + b"\r\n\r\n"
        status = b"404 No" if value is None else b"200 OK"
        headers = b"Content-Type: application/json\r\nETag: " + tag + b"\r\nContent-Length: %d\r\n\r\n" % len(text)
        return b"HTTP/1.1 " + status + b"\r\n" + headers + text

    def _value(self, path: str, body: bytes) -> Any:
        if path.startswith("/pypi/pypi/"):
            return document(path.split("/")[3])
        if path == "/osv/v1/querybatch":
            names = [query["package"]["name"] for query in json.loads(body)["queries"]]
            return {"results": [{"vulns": [_ref(name)]} if name.startswith("bad") else {} for name in names]}
        if path.startswith("/osv/v1/vulns/"):
            return _record(path.rpartition("/")[2].removeprefix("PYSEC-"))
        return None


def _ref(name: str) -> dict[str, str]:
    return {"id": f"PYSEC-{name}", "modified": "2024-01-01T00:00:00Z"}


def _record(name: str) -> dict[str, Any]:
    events = [{"introduced": "0"}, {"fixed": "1.1"}]
    package = {"ecosystem": "PyPI", "name": name}
    return {**_ref(name), "affected": [{"package": package, "ranges": [{"type": "ECOSYSTEM", "events": events}]}]}
