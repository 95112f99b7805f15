"""Every error the product raises on purpose, in one tree.

VetbookError                     anything below; knows the exit code it leads to
├── UsageError                   wrong use or input, nothing touched (exit 2)
│   ├── SettingsError            a settings key or value is wrong: mend the file, the variable or the flag
│   └── InputError               the workbook cannot be used: name another, or mend what the message names
├── SourceError                  a source could not answer: the cell says so, the former answer stays (exit 3)
│   ├── SourceUnavailable        down, unreachable, rate limited or too slow after all retries: run again later
│   ├── SourceAnswerInvalid      an answer came that is not one (HTML, cut short, wrong shape): run again later
│   ├── SourceRefused            token missing or not accepted: set the token
│   ├── SourceOffline            needed, but --offline forbids asking: run once online, or sync
│   └── StoreError               the advisory store cannot be read or written, what it held is kept: sync again
├── CheckpointError              a checkpoint or a stored result cannot be written or believed (exit 4)
│   └── ResultsUnreachable       where results are kept does not answer, nothing there is lost: run again later
├── MergeError                   the workbook was not changed, the results are kept (exit 4)
│   ├── MergeRefused             the workbook holds something that cannot be written safely: the message names it
│   ├── WorkbookChanged          somebody saved the workbook between our look and our write: run again
│   └── WorkbookLocked           open elsewhere: close it and run again
└── LocalServerError             the run's own Prefect server did not come up (exit 4)
"""

from enum import IntEnum

__all__ = [
    "CheckpointError",
    "ExitCode",
    "InputError",
    "LocalServerError",
    "MergeError",
    "MergeRefused",
    "ResultsUnreachable",
    "SettingsError",
    "SourceAnswerInvalid",
    "SourceError",
    "SourceOffline",
    "SourceRefused",
    "SourceUnavailable",
    "StoreError",
    "UsageError",
    "VetbookError",
    "WorkbookChanged",
    "WorkbookLocked",
]


class ExitCode(IntEnum):
    """What both flows tell the shell."""

    DONE = 0
    FINDINGS = 1
    USAGE = 2
    INCOMPLETE = 3
    MERGE_FAILED = 4
    INTERRUPTED = 130
    TERMINATED = 143


class VetbookError(Exception):
    """Base of all; `str()` is the one line a person reads: what, where, what to do."""

    exit_code = ExitCode.MERGE_FAILED


class UsageError(VetbookError):
    """The command line, the settings or the input is wrong; nothing was touched."""

    exit_code = ExitCode.USAGE


class SettingsError(UsageError):
    """A settings key or value is wrong; the message names it and the allowed range."""


class InputError(UsageError):
    """The workbook cannot be used; the message names file, sheet, row or key."""


class SourceError(VetbookError):
    """A source could not answer; never to be read as "none found"."""

    exit_code = ExitCode.INCOMPLETE


class SourceUnavailable(SourceError):
    """Down, unreachable, rate limited or too slow after all retries."""


class SourceAnswerInvalid(SourceError):
    """An answer arrived that is not one: HTML, cut short, not of the documented shape."""


class SourceRefused(SourceError):
    """The service does not accept our credentials, or wants some."""


class SourceOffline(SourceError):
    """The answer is not at hand and `--offline` forbids asking for it."""


class StoreError(SourceError):
    """The advisory store cannot be read or written (damaged, locked, disk full); what it held before is kept."""


class CheckpointError(VetbookError):
    """A checkpoint or a stored result cannot be written or cannot be believed."""


class ResultsUnreachable(CheckpointError):
    """The place of results does not answer, or refuses; never to be read as "nothing is stored"."""


class MergeError(VetbookError):
    """The merge did not happen; the workbook is as it was and the results are kept."""


class MergeRefused(MergeError):
    """The workbook holds something that cannot be written safely; the message names it."""


class WorkbookChanged(MergeError):
    """The workbook on disk is no longer the one that was read."""


class WorkbookLocked(MergeError):
    """Another program or another scan holds the workbook."""


class LocalServerError(VetbookError):
    """The Prefect server that this run starts for itself did not come up."""
