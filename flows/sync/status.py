"""What the store holds and how old it is."""

import dataclasses
import time
from collections.abc import Iterable
from pathlib import Path

from flows.console import say
from tasks.errors import ExitCode
from tasks.reports.files import write_document
from tasks.store.file import STORE_NAME
from tasks.store.state import EPSS, EXPLOITDB, KEV, SourceState
from tasks.store.sync import NVD, store_states
from tasks.text.plain import counted


def print_status(data_dir: Path, json_file: Path | None) -> int:
    """Print one line per source, and write them as JSON if asked; StoreError where there is no store."""
    store = data_dir / "store" / STORE_NAME
    states = store_states(store)
    now = time.time()
    say(f"{store}: {store.stat().st_size / 1e6:.1f} MB")
    for state in states:
        say(_line(state, now))
    if missing := not_held(states):
        say(f"Not held: {', '.join(missing)}")
    if json_file is not None:
        sources = [dataclasses.asdict(state) for state in states]
        document = {"schema": 1, "sources": sources, "not_held": not_held(states)}
        write_document(json_file, document)
    return ExitCode.DONE


def not_held(states: Iterable[SourceState]) -> list[str]:
    """The kinds of sources that no sync has brought yet: a line that is missing is easily overlooked."""
    held = {state.name.partition("/")[0] for state in states}
    return [name for name in ("osv", KEV, EXPLOITDB, EPSS, NVD) if name not in held]


def _line(state: SourceState, now: float) -> str:
    note = f" ({state.note})" if state.note else ""
    checked, changed = (_age(now - moment) for moment in (state.checked_at, state.changed_at))
    return f"{state.name}: {counted(state.records, 'record')}, checked {checked} ago, changed {changed} ago{note}"


def _age(seconds: float) -> str:
    hours = max(0.0, seconds) / 3600
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.0f} days"  # noqa: PLR2004 - two days
