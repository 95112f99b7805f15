"""What tests of several rooms share: one Prefect server for the whole session."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.local_server import LocalServer


@pytest.fixture(scope="session", autouse=True)
def no_language_model() -> None:
    """Keys of the developer's own: no test may ask a model that it did not start."""
    for name in ("AZURE_OPENAI_KEY", "OPENAI_API_KEY"):
        os.environ.pop(name, None)


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the session's Prefect server."""
    return tmp_path_factory.mktemp("prefect")


@pytest.fixture(scope="session")
def prefect_server(prefect_home: Path) -> Iterator[str]:
    """The API address of a Prefect server with a database of its own, started once."""
    home = prefect_home
    before = {name: os.environ.get(name) for name in ("PREFECT_HOME", "PREFECT_API_URL")}
    os.environ["PREFECT_HOME"] = str(home)
    os.environ.pop("PREFECT_API_URL", None)
    with LocalServer() as server:
        server.ready()
        _copy_database(home / "prefect.db", home / "unused.db")
        # Prefect may have been imported, with other settings, while the tests were collected.
        with temporary_settings({PREFECT_API_URL: os.environ["PREFECT_API_URL"]}):
            yield os.environ["PREFECT_API_URL"]
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def _copy_database(held: Path, copy: Path) -> None:
    with closing(sqlite3.connect(held)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


@pytest.fixture(scope="session")
def unused_database(prefect_server: str, prefect_home: Path) -> Path:
    """A database of Prefect's of which no run knows; a copy spares a server its migrations, which take 10 s."""
    return prefect_home / "unused.db"


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parent.parent
