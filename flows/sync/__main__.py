"""`python -m flows.sync`: look after what earlier runs kept."""

import argparse
import sys
from pathlib import Path

from tasks.errors import ExitCode, UsageError, VetbookError


def parser() -> argparse.ArgumentParser:
    """The command line."""
    words = argparse.ArgumentParser("python -m flows.sync", description="Look after what earlier runs kept.")
    words.add_argument("--prune", action="store_true", help="remove kept answers that are too old or too many")
    words.add_argument("--config", type=Path, help="settings file, YAML or JSON")
    words.add_argument("--data-dir", type=Path, default=Path("data"), help="folder of what is kept (default: data)")
    return words


def main(words: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = parser().parse_args(words)
    try:
        if not arguments.prune:
            raise UsageError("nothing to do: give --prune")
        print(_prune(arguments.config, arguments.data_dir))
    except VetbookError as error:
        print(f"vetbook: {error}", file=sys.stderr)
        return error.exit_code
    return ExitCode.DONE


def _prune(config: Path | None, data_dir: Path) -> str:
    from tasks.engine.lookup import lookup_settings  # noqa: PLC0415  slow imports come after --help
    from tasks.engine.stores import Stores  # noqa: PLC0415
    from tasks.settings.load import load_settings  # noqa: PLC0415

    store = data_dir / "store" / "advisories.sqlite"
    if not store.parent.is_dir():
        raise UsageError(f"--data-dir {data_dir}: no earlier run kept anything there; name the folder of the scans")
    lookup = lookup_settings(load_settings(config).settings, offline=False, store=store)
    stores = Stores.open(lookup)
    assert stores is not None  # noqa: S101  a store was named
    try:
        pruned = stores.prune(lookup)
    finally:
        stores.close()
    return f"Removed {pruned.removed} kept answers; {pruned.left} are left ({pruned.left_bytes / 1e6:.1f} MB)"


if __name__ == "__main__":
    raise SystemExit(main())
