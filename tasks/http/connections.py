"""Connections to one service: one httpx client per connection, kept and used again last in, first out.

httpx's own pool looks at every idle connection before every request (a system call each), so that 32 in flight cost
three times the processor time of 8. One connection per client makes the cost of a request constant.

HTTP/1.1 only: HTTP/2 took the same time for 480 answers of 60 kB at 80 ms, and httpcore fails with a KeyError when a
server ends an HTTP/2 connection (https://github.com/encode/httpx/issues/3072).
"""

import ssl
from pathlib import Path

import httpx

from tasks.http.policy import ServicePolicy

__all__ = ["Connections", "trust"]

KEEP_ALIVE_S = 30.0


def trust(ca_bundle: Path | None) -> ssl.SSLContext:
    """Certificates to believe: certifi's or SSL_CERT_FILE's, and those of ca_bundle (PEM) beside them.

    Raises OSError where ca_bundle cannot be read, ssl.SSLError where it holds no certificate.
    """
    context = httpx.create_ssl_context(trust_env=True)
    if ca_bundle is not None:
        context.load_verify_locations(cafile=ca_bundle)
    return context


class Connections:
    """A stack of idle clients; proxies come from the environment (HTTPS_PROXY, NO_PROXY ...)."""

    def __init__(
        self, policy: ServicePolicy, verify: ssl.SSLContext | bool, transport: httpx.AsyncBaseTransport | None
    ) -> None:
        self._policy = policy
        self._verify = verify
        self._transport = transport
        self._headers = policy.request_headers()
        self._all: list[httpx.AsyncClient] = []
        self._idle: list[httpx.AsyncClient] = []

    def take(self) -> httpx.AsyncClient:
        """A client that nobody uses, made where none is idle."""
        return self._idle.pop() if self._idle else self._make()

    def give_back(self, client: httpx.AsyncClient) -> None:
        """Keep the client for the next request."""
        self._idle.append(client)

    async def aclose(self) -> None:
        """Close every connection."""
        clients, self._all, self._idle = self._all, [], []
        for client in clients:
            await client.aclose()

    def _make(self) -> httpx.AsyncClient:
        policy = self._policy
        client = httpx.AsyncClient(
            auth=policy.credentials,
            headers=self._headers,
            verify=self._verify,
            timeout=httpx.Timeout(policy.read_timeout_s, connect=policy.connect_timeout_s, pool=None),
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEP_ALIVE_S),
            trust_env=True,
            transport=self._transport,
        )
        self._all.append(client)
        return client
