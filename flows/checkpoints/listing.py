"""The list of checkpoints as a table."""

from pathlib import Path

from tasks.checkpoints.store import CheckpointStore

_COLUMNS = "{:<12}  {:<12}  {:<19}  {:>6}  {:>11}  {}"


def print_list(data_dir: Path) -> int:
    """Print every checkpoint of the data folder, newest first; returns the exit code."""
    folder = data_dir / "checkpoints"
    heads = list(CheckpointStore(folder).heads())
    if not heads:
        print(f"No checkpoints in {folder}")
        return 0
    print(_COLUMNS.format("checkpoint", "state", "time (UTC)", "batch", "packages", "workbook"))
    for head in heads:
        done = f"{head.completed_packages}/{head.total_packages}"
        row = (head.checkpoint_id, head.state, f"{head.created_at:%Y-%m-%d %H:%M:%S}", head.batch_number, done)
        print(_COLUMNS.format(*row, head.workbook))
    return 0
