"""What README and docs say, held against the product."""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from flows.checkpoints.__main__ import parser as checkpoints_parser
from flows.ioc.arguments import parser as ioc_parser
from flows.report.__main__ import parser as report_parser
from flows.scan.arguments import parser
from flows.sync.arguments import parser as sync_parser
from tasks.errors import ExitCode
from tasks.review.meaning import Meaning
from tasks.settings.load import load_settings
from tasks.settings.model import Settings
from tasks.workbook.model import Field

_PARSERS = {
    "checkpoints": checkpoints_parser,
    "ioc": ioc_parser,
    "report": report_parser,
    "scan": parser,
    "sync": sync_parser,
}


def _documents(root: Path) -> dict[Path, str]:
    return {path: path.read_text("utf-8") for path in (root / "README.md", *sorted((root / "docs").glob("*.md")))}


def _flags(of: argparse.ArgumentParser) -> Iterator[str]:
    for action in of._actions:
        yield from (option for option in action.option_strings if option.startswith("--"))
        for command in action.choices.values() if isinstance(action, argparse._SubParsersAction) else ():
            yield from _flags(command)


@pytest.mark.parametrize("command", _PARSERS)
def test_every_flag_is_in_the_readme_or_a_document(command: str, project_root: Path) -> None:
    text = "\n".join(_documents(project_root).values())
    assert [flag for flag in _flags(_PARSERS[command]()) if not re.search(rf"{flag}(?![\w-])", text)] == []


def test_every_flag_of_our_commands_in_a_document_exists(project_root: Path) -> None:
    known = {name: set(_flags(made())) for name, made in _PARSERS.items()}
    for path, text in _documents(project_root).items():
        for command, words in re.findall(r"-m flows\.(\w+)([^`\n]*)", text):
            named = set(re.findall(r"(?<!\S)--[a-z][a-z-]*", words))
            assert named <= known[command], f"{path.name}: {command} {named - known[command]}"


def test_no_link_is_dead(project_root: Path) -> None:
    texts = _documents(project_root) | {
        path: path.read_text("utf-8") for path in (project_root / "CHANGELOG.md", project_root / "sample/README.md")
    }
    for path, text in texts.items():
        links = (link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link)
        assert [link for link in links if not (path.parent / link).exists()] == [], path.name


def test_the_readme_names_every_document(project_root: Path) -> None:
    text = (project_root / "README.md").read_text("utf-8")
    assert [path.name for path in _documents(project_root) if f"](docs/{path.name})" not in text] == ["README.md"]


def test_every_setting_in_a_document_is_known(project_root: Path, tmp_path: Path) -> None:
    for path, text in _documents(project_root).items():
        for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
            if "decisions:\n  - " not in block:
                settings = tmp_path / "settings.yaml"
                settings.write_text(block)
                assert load_settings(settings, environment={}).warnings == (), path.name


def test_every_profile_of_a_machine_is_known_settings(project_root: Path) -> None:
    profiles = sorted((project_root / "deployments").glob("*.yaml"))
    for path in profiles:
        written = yaml.safe_load(path.read_text("utf-8"))
        if isinstance(written, dict) and written.keys() & {"batch_processing", "processing"}:
            assert load_settings(path, environment={}).warnings == (), path.name
    assert profiles


def test_the_test_command_of_the_readme_is_what_ci_runs(project_root: Path) -> None:
    commands = re.findall(r"```sh\n(.*?)\n```", (project_root / "README.md").read_text("utf-8"), re.DOTALL)
    tests = [command for command in commands if "pytest" in command]
    assert len(tests) == 1
    assert tests[0] in (project_root / ".ci/run").read_text("utf-8")


def test_every_flag_of_the_readme_exists(project_root: Path) -> None:
    known = {option for action in parser()._actions for option in action.option_strings}
    named = set(re.findall(r"`(--[a-z-]+)", (project_root / "README.md").read_text("utf-8")))
    assert named - {"--help"} <= known


def test_every_exit_code_is_explained(project_root: Path) -> None:
    readme = (project_root / "README.md").read_text("utf-8")
    for code in ExitCode:
        assert re.search(rf"^\| .*\b{code.value}\b.* \|", readme, re.MULTILINE), code


def test_every_field_key_is_in_the_workbook_document(project_root: Path) -> None:
    text = (project_root / "docs/workbook.md").read_text("utf-8")
    assert [key.value for key in Field if f"`{key.value}`" not in text] == []


def test_every_colour_is_in_the_workbook_document(project_root: Path) -> None:
    text = (project_root / "docs/workbook.md").read_text("utf-8")
    assert [meaning for meaning in Meaning if " | ".join(meaning.value) not in text] == []


def test_every_setting_is_documented(project_root: Path) -> None:
    text = (project_root / "docs/settings.md").read_text("utf-8")
    for section, info in Settings.model_fields.items():
        if section != "sources":
            for key in getattr(info.annotation, "model_fields", {}):
                assert f"`{section}.{key}`" in text, f"{section}.{key}"


def test_no_tracked_file_holds_an_index_address(project_root: Path) -> None:
    assert (
        re.findall(r"--(?:extra-)?index-url|--find-links|https?://", (project_root / "constraints.txt").read_text())
        == []
    )
