"""A GitHub App's credentials, from the environment to the requests that carry its token."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from flows.ioc.prepare import prepare
from flows.ioc.request import IocRequest
from tasks.errors import SettingsError
from tasks.ioc.engine import IocEngine
from tests.github.fake import FakeGitHub

PEM = (
    rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)


@dataclass
class App:
    """GitHub with an App; each granted token is good for `lasts`."""

    github: FakeGitHub
    lasts: timedelta = timedelta(hours=1)
    granted: int = 0

    def __post_init__(self) -> None:
        self.github.before = self._answer

    def _answer(self, _: str, request: Request) -> Response | None:
        if request.path == "/orgs/acme/installation":
            return Response('{"id": 42}', content_type="application/json")
        if request.path != "/app/installations/42/access_tokens":
            return None
        self.granted += 1
        ends = (datetime.now(UTC) + self.lasts).strftime("%Y-%m-%dT%H:%M:%SZ")
        text = json.dumps({"token": f"granted-{self.granted}", "expires_at": ends})
        return Response(text, 201, content_type="application/json")

    def tokens(self) -> list[str]:
        """What requests other than the App's own carried."""
        asked = [one for one in self.github.seen if "installation" not in one.path]
        return [one.headers["Authorization"].removeprefix("Bearer ") for one in asked]


@pytest.fixture
def app(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> App:
    github = FakeGitHub(httpserver)
    github.put("one", {"package-lock.json": b"{}"})
    monkeypatch.setenv("VETBOOK_SOURCES__GITHUB__BASE_URL", github.base_url)
    monkeypatch.setenv("GITHUB_TOKEN", "a-token-that-is-not-used")
    monkeypatch.setenv("GITHUB_APP_ID", "7")
    for name in ("INSTALLATION_ID", "PRIVATE_KEY", "PRIVATE_KEY_FILE"):
        monkeypatch.delenv(f"GITHUB_APP_{name}", raising=False)
    return App(github)


def engine(folder: Path) -> IocEngine:
    (folder / "list.json").write_text("[]")
    return IocEngine(prepare(IocRequest(org="acme", indicators=(folder / "list.json",), data_dir=folder)).terms)


Setting = Callable[[pytest.MonkeyPatch, Path], None]


def _in_one_line(monkeypatch: pytest.MonkeyPatch, _: Path) -> None:
    monkeypatch.setenv("GITHUB_APP_PRIVATE_KEY", PEM.replace("\n", "\\n"))


def _in_a_file(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "app.pem").write_text(PEM)
    monkeypatch.setenv("GITHUB_APP_PRIVATE_KEY_FILE", str(folder / "app.pem"))
    monkeypatch.setenv("GITHUB_APP_INSTALLATION_ID", "42")


@pytest.mark.parametrize("given", [_in_one_line, _in_a_file])
def test_an_app_of_the_environment_is_used_and_never_shown(
    app: App, given: Setting, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given(monkeypatch, tmp_path)
    caplog.set_level(logging.DEBUG)
    opened = engine(tmp_path)
    try:
        (repository,) = opened.repositories("acme")
        opened.trees([repository])
    finally:
        opened.close()
    assert app.granted == 1
    assert set(app.tokens()) == {"granted-1"}
    secret = PEM.splitlines()[1]
    said = caplog.text + repr(opened.terms) + opened.terms.model_dump_json()
    assert secret not in said
    assert "granted-1" not in said
    kept = b"".join(path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file())
    assert b"granted-1" not in kept
    assert secret.encode() not in kept


def test_a_token_is_renewed_before_it_ends(app: App, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _in_one_line(monkeypatch, tmp_path)
    app.lasts = timedelta(minutes=4)
    opened = engine(tmp_path)
    try:
        for _ in range(2):
            opened.repositories("acme")
    finally:
        opened.close()
    tokens = app.tokens()
    assert app.granted >= 2
    assert tokens[-1] == f"granted-{app.granted}"


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({}, "set GITHUB_APP_PRIVATE_KEY or"),
        ({"GITHUB_APP_PRIVATE_KEY": "s3cret nonsense"}, "no PEM key"),
        ({"GITHUB_APP_PRIVATE_KEY_FILE": "nowhere.pem"}, "GITHUB_APP_PRIVATE_KEY_FILE nowhere.pem: cannot be read"),
        ({"GITHUB_APP_PRIVATE_KEY": PEM, "GITHUB_APP_INSTALLATION_ID": "x"}, "must be a number"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_asked(
    app: App, variables: dict[str, str], reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=reason) as caught:
        engine(tmp_path)
    assert "s3cret" not in str(caught.value)
    assert not app.github.seen
