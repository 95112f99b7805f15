"""What README and docs say, held against the product."""

import re
from pathlib import Path

from flows.scan.arguments import parser
from tasks.errors import ExitCode
from tasks.review.meaning import Meaning
from tasks.settings.model import Settings
from tasks.workbook.model import Field


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
