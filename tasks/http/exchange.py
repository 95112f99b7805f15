"""One request over the wire: send, follow redirects on the same host, read a bounded body."""

from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from pathlib import Path

import httpx

from tasks.http.message import Answer, InvalidAnswer

__all__ = ["AnswerTooLarge", "exchange"]

MAX_REDIRECTS = 5

_DEFAULT_PORTS = {"http": 80, "https": 443}


class AnswerTooLarge(Exception):
    """The body is larger than the service's limit; asking again would not help."""


async def exchange(
    client: httpx.AsyncClient,
    request: httpx.Request,
    max_bytes: int,
    target: Path | None = None,
    on_send: Callable[[], None] = lambda: None,
) -> Answer:
    """Send and read the whole answer; on_send is called for every request that goes out.

    A successful body goes to target, where given, instead of memory. Raises httpx's errors,
    InvalidAnswer for a redirect that leads elsewhere, AnswerTooLarge beyond max_bytes, OSError when target
    cannot be written.
    """
    for _ in range(MAX_REDIRECTS + 1):
        on_send()
        response = await client.send(request, stream=True, follow_redirects=False)
        try:
            following = response.next_request
            if following is None:
                return await _read(response, max_bytes, target)
            if not _same_host(request.url, following.url):
                raise InvalidAnswer(f"redirected to another host, {following.url.host}")
        finally:
            await response.aclose()
        request = following
    raise InvalidAnswer(f"redirected more than {MAX_REDIRECTS} times")


def _same_host(old: httpx.URL, new: httpx.URL) -> bool:
    if old.host != new.host:
        return False
    # Many services send plain HTTP to their own HTTPS; the way back would give the request away.
    if old.scheme != new.scheme:
        return (old.scheme, new.scheme) == ("http", "https")
    return _port(old) == _port(new)


def _port(url: httpx.URL) -> int | None:
    return url.port or _DEFAULT_PORTS.get(url.scheme)


async def _read(response: httpx.Response, max_bytes: int, target: Path | None) -> Answer:
    declared = response.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > max_bytes:
        raise AnswerTooLarge
    if target is not None and response.status_code == HTTPStatus.OK:
        size, body = await _into_file(response.aiter_bytes(), target, max_bytes), b""
    else:
        body = await _into_memory(response.aiter_bytes(), max_bytes)
        size = len(body)
    return Answer(response.status_code, response.headers, body, size)


async def _into_memory(chunks: AsyncIterator[bytes], max_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            raise AnswerTooLarge
        parts.append(chunk)
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def _into_file(chunks: AsyncIterator[bytes], target: Path, max_bytes: int) -> int:
    size = 0
    with target.open("wb") as file:
        async for chunk in chunks:
            size += len(chunk)
            if size > max_bytes:
                raise AnswerTooLarge
            file.write(chunk)
    return size
