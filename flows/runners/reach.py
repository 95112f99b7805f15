"""Whether somebody listens where a cluster should be: the libraries try for half a minute (Dask) or three (Ray)."""

import socket
from urllib.parse import urlsplit

__all__ = ["check_reachable"]

_CONNECT_S = 10.0


def check_reachable(address: str) -> None:
    """OSError where nobody listens at `[SCHEME://]HOST:PORT`; an address of another form is left to its library."""
    parts = urlsplit(address if "://" in address else f"//{address}")
    try:
        port = parts.port
    except ValueError as error:
        raise ConnectionError(str(error)) from error
    if parts.hostname and port is not None:
        socket.create_connection((parts.hostname, port), timeout=_CONNECT_S).close()
