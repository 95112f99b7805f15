"""From the address of a place for records to the place."""

import functools
from pathlib import Path

from tasks.checkpoints.records.folder import FolderRecords
from tasks.checkpoints.records.interface import Records
from tasks.errors import ResultsUnreachable, SettingsError

_S3 = "s3://"


def folder_of(address: str) -> Path | None:
    """The folder that an address names; None for one of S3."""
    return None if address.startswith(_S3) else Path(address).expanduser().resolve()


def records_at(address: str) -> Records:
    """The records at `s3://BUCKET`, `s3://BUCKET/PREFIX` or in a folder.

    SettingsError where an address of S3 cannot be used here at all; whether S3 answers is for `check`.
    """
    folder = folder_of(address)
    return _s3(address) if folder is None else FolderRecords(folder)


def check_place(address: str | None) -> None:
    """Find out at the start whether results can be stored at an address, so that no work is done for nothing.

    None stands for the data folder. SettingsError says why not.
    """
    if address is None:
        return
    try:
        records_at(address).check()
    except ResultsUnreachable as error:
        raise SettingsError(f"execution.results {error}") from error


@functools.lru_cache(maxsize=8)
def _s3(address: str) -> Records:
    # One for a process: a client takes a tenth of a second to make, and keeps its connections.
    try:
        from tasks.checkpoints.records.s3 import s3_records  # noqa: PLC0415  boto3 is an extra
    except ImportError as error:
        raise SettingsError(f"{address}: {error.name} is not installed; pip install 'vetbook[aws]'") from error
    return s3_records(address)
