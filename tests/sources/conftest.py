"""Stores of answers for the tests of sources."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.sources.answer_store import AnswerStore
from tasks.sources.cve_results import CveResults


@pytest.fixture
def answers(tmp_path: Path) -> Iterator[AnswerStore]:
    with AnswerStore(tmp_path / "answers.sqlite") as store:
        yield store


@pytest.fixture
def results(tmp_path: Path) -> Iterator[CveResults]:
    store = CveResults(tmp_path / "cves.sqlite")
    yield store
    store.close()
