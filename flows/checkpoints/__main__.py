"""`python -m flows.checkpoints`: list, validate, show and clean the checkpoints of a data folder. No Prefect."""

import argparse

from flows.command.ending import ended
from flows.command.targets import check_data_dir
from flows.command.words import add_answer, add_config, add_data_dir, command_parser

DESCRIPTION = "Look at and tidy the checkpoints of a data folder."

EPILOG = "exit codes: 0 done, 2 wrong use or not valid, 4 damaged or not readable"


def parser() -> argparse.ArgumentParser:
    """The parser of `python -m flows.checkpoints`."""
    made = command_parser("checkpoints", DESCRIPTION, EPILOG)
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _command(commands, "list", "every checkpoint, newest first")
    _command(commands, "validate", "each check of one checkpoint with its verdict; exit 0 or 2", id_of="checkpoint")
    _command(commands, "show", "what one checkpoint holds", id_of="checkpoint")
    cleaning = _command(commands, "clean", "remove ended and expired scans and what belongs to none")
    cleaning.add_argument("--scan", metavar="ID", help="remove this scan instead, finished or not")
    add_config(cleaning)
    return made


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, help_text: str, id_of: str = ""
) -> argparse.ArgumentParser:
    made = commands.add_parser(name, help=help_text, description=help_text, allow_abbrev=False)
    if id_of:
        made.add_argument("id", metavar="ID", help=f"id of the {id_of}, or the start of it")
    add_data_dir(made, "data folder")
    add_answer(made, "write JSON to FILE, or without FILE to standard output instead of text")
    return made


def main(words: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = parser().parse_args(words)
    return ended(lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    from flows.checkpoints.cleaning import clean  # noqa: PLC0415  --help must answer at once
    from flows.checkpoints.listing import print_list  # noqa: PLC0415
    from flows.checkpoints.validating import print_checkpoint, print_validation  # noqa: PLC0415
    from tasks.checkpoints.records.places import check_place  # noqa: PLC0415

    data_dir, json_file = arguments.data_dir, arguments.json_file
    check_data_dir(data_dir)
    if arguments.command == "list":
        return print_list(data_dir, json_file)
    if arguments.command == "validate":
        return print_validation(data_dir, arguments.id, json_file)
    if arguments.command == "show":
        return print_checkpoint(data_dir, arguments.id, json_file)
    from tasks.settings.load import load_settings  # noqa: PLC0415

    results = load_settings(arguments.config).settings.execution.results
    check_place(results)
    return clean(data_dir, arguments.scan, json_file, results)


if __name__ == "__main__":
    raise SystemExit(main())
