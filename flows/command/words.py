"""The command line words that all commands have. Imports nothing that is slow: `--help` must answer at once."""

import argparse
from pathlib import Path
from typing import NoReturn

from tasks.errors import ExitCode


class CommandParser(argparse.ArgumentParser):
    """Says what is wrong with the words of a command in one line, and not how all of it is used."""

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        self.exit(ExitCode.USAGE, f"vetbook: {message}; see {self.prog} --help\n")


def command_parser(name: str, description: str, epilog: str) -> argparse.ArgumentParser:
    """The parser of `python -m flows.NAME`; its epilog is shown as it is written, and flags are never guessed."""
    return CommandParser(
        f"python -m flows.{name}",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def add_config(group: argparse._ActionsContainer) -> None:
    """--config."""
    group.add_argument("--config", type=Path, metavar="FILE", help="settings, YAML or JSON")


def add_data_dir(group: argparse._ActionsContainer, holds: str) -> None:
    """--data-dir; holds says what is kept there."""
    group.add_argument("--data-dir", type=Path, metavar="DIR", default=Path("data"), help=f"{holds} (default: data)")


def add_answer(group: argparse._ActionsContainer, help_text: str) -> None:
    """--json with a file, or alone for standard output."""
    group.add_argument(
        "--json", type=Path, metavar="FILE", dest="json_file", nargs="?", const=Path("-"), help=help_text
    )


def add_loudness(group: argparse._ArgumentGroup) -> None:
    """--verbose or --quiet."""
    loudness = group.add_mutually_exclusive_group()
    loudness.add_argument("-v", "--verbose", action="store_true", help="show what Prefect and the sources do")
    loudness.add_argument("-q", "--quiet", action="store_true", help="show errors only")
