"""A GitHub App's credentials: a signed claim is exchanged for an installation's token, which lasts one hour.

docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app: RS256, at most ten minutes, issued a minute
in the past because clocks differ.
"""

import asyncio
import base64
import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import SecretStr

from tasks.errors import SettingsError
from tasks.github.errors import AuthenticationFailed
from tasks.github.text import segment
from tasks.http.client import HttpClient
from tasks.http.message import Answer, InvalidAnswer, ServiceRequest, read_json
from tasks.http.policy import ServiceName

__all__ = ["AppCredentials", "app_from_environment"]

CLAIM_S = 540
SKEW_S = 60
RENEWED_BEFORE_S = 300.0
_TURNED_DOWN = frozenset({int(HTTPStatus.UNAUTHORIZED), int(HTTPStatus.FORBIDDEN), int(HTTPStatus.NOT_FOUND)})


class AppCredentials:
    """Tokens of one installation of a GitHub App, renewed five minutes before they end; for one event loop.

    private_key is the App's key in PEM; installation_id may be left out where org names the organisation. Raises
    SettingsError for a key that is none, AuthenticationFailed where GitHub does not accept App or installation.
    """

    def __init__(
        self,
        app_id: str,
        private_key: SecretStr,
        *,
        installation_id: int | None = None,
        org: str | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        if installation_id is None and org is None:
            raise SettingsError("A GitHub App needs its installation_id, or the organisation it is installed in.")
        self._app_id = app_id
        self._key = _key(private_key)
        self._installation = installation_id
        self._org = org
        self._wall = wall
        self._lock = asyncio.Lock()
        self._token = ""
        self._good_until = 0.0

    async def token(self, client: HttpClient) -> str:
        """A token that is good for at least five minutes."""
        async with self._lock:
            if self._wall() >= self._good_until - RENEWED_BEFORE_S:
                await self._renew(client)
            return self._token

    async def _renew(self, client: HttpClient) -> None:
        if self._installation is None:
            found = await self._ask(client, "GET", f"/orgs/{segment(self._org or '')}/installation", "id")
            self._installation = int(found["id"])
        path = f"/app/installations/{self._installation}/access_tokens"
        granted = await self._ask(client, "POST", path, "token")
        self._token = str(granted["token"])
        self._good_until = datetime.fromisoformat(str(granted["expires_at"])).timestamp()

    async def _ask(self, client: HttpClient, method: str, path: str, needed: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._claim()}"}

        def reader(answer: Answer) -> dict[str, Any] | int:
            if answer.status in _TURNED_DOWN:
                return answer.status
            value = read_json(answer)
            if not isinstance(value, dict) or needed not in value:
                raise InvalidAnswer(f"GitHub's answer about the App holds no {needed}")
            return value

        request = ServiceRequest(ServiceName.GITHUB, path, method, headers=headers, accept=_TURNED_DOWN)
        found = await client.read(request, reader)
        if isinstance(found, int):
            raise AuthenticationFailed(
                f"GitHub does not accept App {self._app_id} or its installation (HTTP {found}); check id, key and "
                "where it is installed."
            )
        return found

    def _claim(self) -> str:
        now = int(self._wall())
        claim = {"iat": now - SKEW_S, "exp": now + CLAIM_S, "iss": self._app_id}
        signed = f"{_encoded({'alg': 'RS256', 'typ': 'JWT'})}.{_encoded(claim)}"
        return f"{signed}.{_base64(self._key.sign(signed.encode(), PKCS1v15(), SHA256()))}"


def app_from_environment(environment: Mapping[str, str], org: str | None = None) -> AppCredentials | None:
    """The App of GITHUB_APP_ID, GITHUB_APP_PRIVATE_KEY (PEM, its line ends perhaps written "\\n") or
    GITHUB_APP_PRIVATE_KEY_FILE, and GITHUB_APP_INSTALLATION_ID; None where no App is named. SettingsError names the
    variable that is wrong.
    """
    app_id, installation = (environment.get(f"GITHUB_APP_{name}", "").strip() for name in ("ID", "INSTALLATION_ID"))
    if not app_id:
        return None
    if installation and not installation.isdecimal():
        raise SettingsError(f"GITHUB_APP_INSTALLATION_ID is {installation!r}; it must be a number, or unset.")
    number = int(installation) if installation else None
    return AppCredentials(app_id, _key_text(environment), installation_id=number, org=org)


def _key_text(environment: Mapping[str, str]) -> SecretStr:
    written, path = (environment.get(f"GITHUB_APP_PRIVATE_KEY{end}", "").strip() for end in ("", "_FILE"))
    if written:
        return SecretStr(written.replace("\\n", "\n"))
    if not path:
        raise SettingsError("GITHUB_APP_ID is set: set GITHUB_APP_PRIVATE_KEY or GITHUB_APP_PRIVATE_KEY_FILE too.")
    try:
        return SecretStr(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise SettingsError(f"GITHUB_APP_PRIVATE_KEY_FILE {path}: cannot be read ({reason}).") from None


def _key(text: SecretStr) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(text.get_secret_value().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Without the cause: its text may hold parts of the key.
        raise SettingsError("The GitHub App's private key is no PEM key without a password.") from None
    if not isinstance(key, RSAPrivateKey):
        raise SettingsError("The GitHub App's private key is not an RSA key.")
    return key


def _encoded(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
