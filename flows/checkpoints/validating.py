"""One checkpoint looked at closely: each check with its verdict, or what it holds."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flows.checkpoints.output import say
from tasks.checkpoints.checks import Check, Verdict, check_file, checks_of
from tasks.checkpoints.model import CheckpointData
from tasks.checkpoints.recovery import summary_of
from tasks.checkpoints.store import CheckpointStore
from tasks.errors import ExitCode
from tasks.review.reviewer import utc_now

_SHOWN = 10


def print_validation(
    data_dir: Path, checkpoint_id: str, json_file: Path | None = None, answers_digest: str | None = None
) -> int:
    """Print each check of a checkpoint with its verdict; 0 when none failed, else 2. UsageError for an unknown id.

    answers_digest is that of the settings now; without it they are not compared.
    """
    path = CheckpointStore(data_dir / "checkpoints").file_of(checkpoint_id)
    first, checkpoint = check_file(path)
    checks = [first]
    if checkpoint is not None:
        checks += checks_of(checkpoint, data_dir, utc_now(), answers_digest)
    valid = all(check.verdict is not Verdict.FAILED for check in checks)
    document = {"schema": 1, "file": str(path), "valid": valid, "checks": [dataclasses.asdict(c) for c in checks]}
    say(_lines(path, checks, valid=valid), document, json_file)
    return ExitCode.DONE if valid else ExitCode.USAGE


def _lines(path: Path, checks: list[Check], *, valid: bool) -> Iterator[str]:
    yield from (f"{check.verdict.value:<8} {check.name:<11} {check.message}" for check in checks)
    yield f"{path.name} is {'valid' if valid else 'not valid'}"


def print_checkpoint(data_dir: Path, checkpoint_id: str, json_file: Path | None = None) -> int:
    """Print what a checkpoint holds; returns 0. UsageError for an unknown id, CheckpointError for a damaged one."""
    checkpoint = CheckpointStore(data_dir / "checkpoints").load(checkpoint_id)
    say(_content(checkpoint), {"schema": 1, **checkpoint.model_dump(mode="json")}, json_file)
    return ExitCode.DONE


def _content(checkpoint: CheckpointData) -> Iterator[str]:
    yield from summary_of(checkpoint, utc_now()).lines
    state = checkpoint.batch_state
    rows: dict[str, Any] = {
        "checkpoint": checkpoint.checkpoint_id,
        "written (UTC)": f"{checkpoint.created_at:%Y-%m-%d %H:%M:%S}",
        "valid until (UTC)": f"{checkpoint.expires_at:%Y-%m-%d %H:%M:%S}",
        "strategy": f"{state.batch_strategy}, about {state.batch_size} packages a batch",
        "workbook SHA-256": checkpoint.excel_file_hash,
        "workbook copy": checkpoint.excel_backup_path or "none",
        "stored results": f"{len(checkpoint.result_keys)} in {checkpoint.results or 'the data folder'}",
        **state.processing_statistics,
    }
    yield from (f"  {name}: {value}" for name, value in rows.items())
    last = checkpoint.package_progress[-_SHOWN:]
    if last:
        yield f"  last packages: {', '.join(last)}"
