"""Fixtures of the end-to-end tests."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from tests.end_to_end.harness import Command, Services


@pytest.fixture
def services() -> Iterator[Services]:
    """Services that know nothing yet; one answer that is held up holds up no other."""
    with HTTPServer(threaded=True) as server:
        made = Services(server)
        made.begin()
        yield made
        made.hold = lambda _: None
        made.gate = lambda _: None


@pytest.fixture
def command(tmp_path: Path, project_root: Path, prefect_server: str) -> Command:
    """The command, against the session's Prefect server; services come by `environment`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT", "VETBOOK"))}
    home = str(tmp_path / "prefect")
    return Command(
        tmp_path, project_root, {**kept, "PREFECT_API_URL": prefect_server, "PREFECT_HOME": home, "NO_COLOR": "1"}
    )


@pytest.fixture
def alone(command: Command, unused_database: Path) -> Command:
    """The command without a server: it starts its own, on a database of its own."""
    own = {name: value for name, value in command.environment.items() if name != "PREFECT_API_URL"}
    home = Path(own["PREFECT_HOME"])
    home.mkdir()
    shutil.copyfile(unused_database, home / "prefect.db")
    return Command(command.folder, command.root, own, anew=True)
