"""The Prefect server that PREFECT_API_URL names: whether it is there, and whether it lets a run in."""

import base64
import http.client
import ssl
import urllib.error
import urllib.request

from tasks.errors import LocalServerError

__all__ = ["check_server"]

_ANSWER_SECONDS = 10


def check_server(url: str) -> None:
    """LocalServerError where no server answers, or where it wants a password that Prefect's settings do not have."""
    _check_there(url)
    _check_let_in(url)


def _check_there(url: str) -> None:
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=_ANSWER_SECONDS):  # noqa: S310  http(s), or refused
            return
    except urllib.error.HTTPError as error:
        error.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        # Prefect's client may trust certificates that urllib does not know.
        if isinstance(reason, ssl.SSLError):
            return
        raise LocalServerError(
            f"PREFECT_API_URL {url}: no Prefect server answers there ({reason}); start it, or unset the variable: "
            "the run then starts one of its own"
        ) from error


def _check_let_in(url: str) -> None:
    """LocalServerError where the server wants a password that Prefect's settings do not have."""
    from prefect.settings import get_current_settings  # noqa: PLC0415  the caller has begun to import Prefect

    settings = get_current_settings()
    headers = dict(settings.client.custom_headers)
    if settings.api.key is not None:
        headers["Authorization"] = f"Bearer {settings.api.key.get_secret_value()}"
    elif settings.api.auth_string is not None:
        plain = settings.api.auth_string.get_secret_value().encode()
        headers["Authorization"] = f"Basic {base64.b64encode(plain).decode()}"
    request = urllib.request.Request(f"{url.rstrip('/')}/admin/version", headers=headers)  # noqa: S310  as above
    try:
        with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS):  # noqa: S310  as above
            return
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in {401, 403}:
            raise LocalServerError(
                f"PREFECT_API_URL {url}: Prefect's server refuses this run (HTTP {error.code}); set "
                "PREFECT_API_AUTH_STRING to the server's PREFECT_SERVER_API_AUTH_STRING (user:password)"
            ) from error
    except (OSError, ValueError, http.client.HTTPException):
        return  # it was there: Prefect's client asks in its own way, and says what it meets
