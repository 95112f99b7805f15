"""A settings file, YAML or JSON, as the mapping that it holds."""

from pathlib import Path
from typing import Any

import yaml

from tasks.errors import SettingsError
from tasks.text.keyed import GivenTwice, read_keyed

__all__ = ["read_settings_file"]

_MAX_BYTES = 1 << 20


def read_settings_file(path: Path, begin: str) -> dict[Any, Any]:
    """What the file holds, {} for an empty one; begin is the section to write first, for whoever wrote none.

    SettingsError, with the line where one is known: it cannot be read, is too large, no YAML or JSON, no mapping, or
    gives a key twice.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise SettingsError(f"{path}: larger than 1 MiB; this is not a settings file")
        found = read_keyed(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); give an existing file to --config") from error
    except GivenTwice as error:
        raise SettingsError(f"{path}: {error}") from error
    # ValueError: bytes that are no text, and dates and integers that YAML recognises and Python cannot hold.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        raise SettingsError(f"{path}{line}: not YAML or JSON; mend the file") from error
    if not isinstance(found, dict | None):
        raise SettingsError(f"{path}: holds no sections; write '{begin}:' and the keys indented below it")
    return found or {}
