"""What the store holds and how old it is."""

import dataclasses
import time
from pathlib import Path

from flows.console import say
from tasks.errors import ExitCode
from tasks.reports.files import write_document
from tasks.reports.plain import counted
from tasks.store.file import STORE_NAME
from tasks.store.state import SourceState
from tasks.store.sync import store_states


def print_status(data_dir: Path, json_file: Path | None) -> int:
    """Print one line per source, and write them as JSON if asked; StoreError where there is no store."""
    store = data_dir / "store" / STORE_NAME
    states = store_states(store)
    now = time.time()
    say(f"{store}: {store.stat().st_size / 1e6:.1f} MB")
    for state in states:
        say(_line(state, now))
    if json_file is not None:
        document = {"schema": 1, "sources": [dataclasses.asdict(state) for state in states]}
        write_document(json_file, document)
    return ExitCode.DONE


def _line(state: SourceState, now: float) -> str:
    note = f" ({state.note})" if state.note else ""
    checked, changed = (_age(now - moment) for moment in (state.checked_at, state.changed_at))
    return f"{state.name}: {counted(state.records, 'record')}, checked {checked} ago, changed {changed} ago{note}"


def _age(seconds: float) -> str:
    hours = max(0.0, seconds) / 3600
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.0f} days"  # noqa: PLR2004 - two days
