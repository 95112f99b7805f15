"""Fixtures of the tests of checkpoints."""

import os
from pathlib import Path

import pytest

from tests.s3_places import s3, s3_server

__all__ = ["s3", "s3_server"]


@pytest.fixture(autouse=True)
def no_wait_for_the_medium(monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed process loses nothing that it has written: syncs stay steps, and take no time.

    What they do to a medium is tested beside them, in tests/files.
    """
    monkeypatch.setattr("tasks.files.platform.sync_file", os.fstat)
    monkeypatch.setattr("tasks.files.platform.sync_folder", Path.stat)
