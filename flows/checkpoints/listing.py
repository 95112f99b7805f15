"""The list of checkpoints, as a table or as JSON."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flows.checkpoints.output import say
from flows.command.targets import check_data_dir
from tasks.checkpoints.model import CheckpointHead
from tasks.checkpoints.store import CheckpointStore

_COLUMNS = "{:<12}  {:<12}  {:<19}  {:>6}  {:>11}  {}"


def print_list(data_dir: Path, json_file: Path | None = None) -> int:
    """Print every checkpoint of the data folder, newest first, or write it as JSON; returns the exit code, 0."""
    check_data_dir(data_dir)
    store = CheckpointStore(data_dir / "checkpoints")
    found = store.found()
    unreadable = store.unreadable()
    document = {
        "schema": 1,
        "folder": str(store.folder),
        "checkpoints": [_plain(path, head) for path, head in found],
        "unreadable": [str(path) for path in unreadable],
    }
    say(_table(store.folder, [head for _, head in found], unreadable), document, json_file)
    return 0


def _plain(path: Path, head: CheckpointHead) -> dict[str, Any]:
    plain = head.model_dump(mode="json")
    times = {key: plain[key] + "Z" for key in ("created_at", "expires_at")}
    return {**plain, **times, "file": str(path)}


def _table(folder: Path, heads: list[CheckpointHead], unreadable: list[Path]) -> Iterator[str]:
    if not heads and not unreadable:
        yield f"No checkpoints in {folder}"
        return
    yield _COLUMNS.format("checkpoint", "state", "time (UTC)", "batch", "packages", "workbook")
    for head in heads:
        done = f"{head.completed_packages}/{head.total_packages}"
        row = (head.checkpoint_id, head.state, f"{head.created_at:%Y-%m-%d %H:%M:%S}", head.batch_number, done)
        yield _COLUMNS.format(*row, head.workbook)
    yield from (f"{path}: damaged, its first line cannot be read" for path in unreadable)
