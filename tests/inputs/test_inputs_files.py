"""Lists of packages: which kind a file is, what it lists, and what is refused in one line."""

import json
from pathlib import Path

import pytest

from tasks.errors import InputError
from tasks.inputs.files import is_workbook, read_file
from tasks.inputs.interface import Listing, listing_of
from tasks.lockfiles.interface import LockedPackage

UV = """version = 1
[[package]]
name = "jinja2"
version = "2.11.2"
[[package]]
name = "app"
source = { virtual = "." }
version = "0"
"""
PYLOCK = 'lock-version = "1.0"\n[[packages]]\nname = "jinja2"\nversion = "2.11.2"\n'
POETRY = '[[package]]\nname = "jinja2"\nversion = "2.11.2"\n[metadata]\ncontent-hash = "x"\n'
PDM = '[metadata]\ngroups = ["default"]\nlock_version = "4.5"\n[[package]]\nname = "jinja2"\nversion = "2.11.2"\n'
PIPFILE = json.dumps({"_meta": {"pipfile-spec": 6}, "default": {"jinja2": {"version": "==2.11.2"}}})
CYCLONEDX = json.dumps(
    {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "components": [
            {"name": "Jinja2", "version": "2.11.2", "purl": "pkg:pypi/jinja2@2.11.2"},
            {"name": "left-pad", "version": "1.0", "purl": "pkg:npm/left-pad@1.0"},
        ],
    }
)
CYCLONEDX_XML = (
    '<bom xmlns="http://cyclonedx.org/schema/bom/1.5"><components><component type="library"><name>jinja2</name>'
    "<version>2.11.2</version><purl>pkg:pypi/jinja2@2.11.2</purl></component></components></bom>"
)
SPDX = json.dumps(
    {
        "spdxVersion": "SPDX-2.3",
        "packages": [
            {
                "name": "jinja2",
                "versionInfo": "2.11.2",
                "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:pypi/jinja2@2.11.2"}],
            }
        ],
    }
)


def listed(folder: Path, name: str, content: str) -> Listing:
    path = folder / name
    path.write_text(content)
    return read_file(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("requirements.txt", "jinja2==2.11.2\n"),
        ("deps.in", "jinja2 == 2.11.2  # why\n"),
        ("uv.lock", UV),
        ("copied-uv-lock.toml", UV),
        ("pylock.toml", PYLOCK),
        ("pylock.dev.toml", PYLOCK),
        ("my.toml", PYLOCK),
        ("poetry.lock", POETRY),
        ("old.lock", POETRY),
        ("pdm.lock", PDM),
        ("locked.toml", PDM),
        ("Pipfile.lock", PIPFILE),
        ("pipfile.json", PIPFILE),
        ("bom.json", CYCLONEDX),
        ("export.json", CYCLONEDX),
        ("export.xml", CYCLONEDX_XML),
        ("app.spdx.json", SPDX),
        ("inventory.json", SPDX),
    ],
)
def test_a_kind_is_told_by_name_or_by_content(tmp_path: Path, name: str, content: str) -> None:
    found = listed(tmp_path, name, content)

    assert [(key.project, key.version) for key in found.packages] == [("jinja2", "2.11.2")]
    assert found.source == name


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("uv.lock", '[[package]]\nname = "own"\nversion = "1"\nsource = { editable = "." }\n'),
        ("uv.lock", '[[package]]\nname = "own"\nversion = "1"\nsource = { directory = "../own" }\n'),
        ("poetry.lock", '[[package]]\nname = "own"\nversion = "1"\n[package.source]\ntype = "directory"\nurl = "x"\n'),
        ("pdm.lock", '[[package]]\nname = "own"\nversion = "1"\npath = "./own"\neditable = true\n'),
    ],
)
def test_a_folder_of_the_project_is_no_project_of_pypi(tmp_path: Path, name: str, entry: str) -> None:
    found = listed(tmp_path, name, f'[[package]]\nname = "jinja2"\nversion = "2.11.2"\n{entry}')

    assert [key.name for key in found.packages] == ["jinja2"]
    assert found.notes == (f"{name}: 1 package left out: a folder, not a project of PyPI",)


def test_what_pypi_does_not_have_is_told(tmp_path: Path) -> None:
    found = listed(tmp_path, "bom.json", CYCLONEDX)

    assert found.packages[0].name == "Jinja2"
    assert found.notes == ("bom.json: 1 package of other ecosystems left out (npm 1)",)


def test_an_unpinned_requirement_is_a_row_with_its_reason(tmp_path: Path) -> None:
    text = "a>=2\nb\nc==1.*\nd~=1.4\ne @ https://user:hunter22@example.org/e.zip\nf===1.0+local\n"
    found = {key.name: key for key in listed(tmp_path, "requirements.txt", text).packages}

    assert {name: (key.version, key.version_text) for name, key in found.items()} == {
        "a": (None, ">=2"),
        "b": (None, ""),
        "c": (None, "==1.*"),
        "d": (None, "~=1.4"),
        "e": (None, ""),
        "f": ("1.0+local", "1.0+local"),
    }
    assert found["a"].problem == '">=2" is a range, not one version: enter the version that is installed'
    assert found["b"].problem == "the version cell is blank: enter the version that is installed, or NEW"
    assert "hunter22" not in str(found)


def test_included_files_and_constraints_are_read_beside_it(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "base.txt").write_text("-r deep.txt\nb\n")
    (tmp_path / "more" / "deep.txt").write_text("c==3\n")
    (tmp_path / "pins.txt").write_text("b==2.0\nunused==9\nc>=1\n")
    found = listed(tmp_path, "requirements.txt", "-c pins.txt\n-r more/base.txt\na==1\n")

    assert [(key.name, key.version) for key in found.packages] == [("a", "1"), ("b", "2.0"), ("c", "3")]


@pytest.mark.parametrize("line", ["-r gone.txt", "-c gone.txt", "-r /gone/absolute.txt", "-r sub"])
def test_an_included_file_that_is_not_there_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "sub").mkdir()
    with pytest.raises(InputError, match=r"requirements\.txt names .*: (not an|only files)"):
        listed(tmp_path, "requirements.txt", f"a==1\n{line}\n")


@pytest.mark.parametrize("flag", ["-r", "-c"])
def test_a_list_cannot_make_a_message_quote_other_files(tmp_path: Path, flag: str) -> None:
    (tmp_path / ".env").write_text("TOKEN is hunter22\n")
    with pytest.raises(InputError, match=r"only files that end in \.txt or \.in are read") as caught:
        listed(tmp_path, "requirements.txt", f"a==1\n{flag} .env\n")
    assert "hunter22" not in str(caught.value)


def test_lines_that_name_no_package_of_an_index_are_counted(tmp_path: Path) -> None:
    text = "a==1\n-e git+https://example.org/r.git#egg=r\n./local.whl\nhttps://example.org/x.zip\nb==${V}\n--pre\n"
    found = listed(tmp_path, "requirements.txt", f"{text}-r https://example.org/r.txt\n")

    assert found.notes == (
        "requirements.txt: 3 lines left out: an address or a folder, which names no package of PyPI",
        "requirements.txt: 1 line left out: a variable (${NAME}) hides what is meant",
        "requirements.txt: 1 file included by address not read; give a copy beside it",
    )


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("requirements.txt", "", "is empty"),
        ("requirements.txt", " \n\n", "is empty"),
        ("requirements.txt", "# nothing\n", "names no Python package; nothing to review"),
        ("requirements.txt", "a==1\nthis is prose\n", '"this is prose" is no requirement'),
        ("requirements.txt", "a==1\nb b @ https://u:hunter22@h/x\n", "hidden"),
        ("uv.lock", "version = [", "not TOML"),
        ("poetry.lock", "<<<<<<< ours\n>>>>>>> theirs\n", "unresolved merge conflict"),
        ("Pipfile.lock", "[]", "not a JSON object"),
        ("bom.json", '{"bomFormat": "CycloneDX", "components": 3}', "components is not a list"),
        ("package-lock.json", '{"lockfileVersion": 3, "packages": {"node_modules/a": {"version": "1.0.0"}}}', "npm 1"),
        ("notes.md", "# Notes\n", "not a kind of input that is known"),
        ("pyproject.toml", '[project]\nname = "x"\n', "not a kind of input that is known"),
        ("uv.lock", "version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
    ],
)
def test_what_cannot_be_reviewed_is_one_line_with_the_file(tmp_path: Path, name: str, content: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        listed(tmp_path, name, content)

    assert said in str(caught.value)
    assert name in str(caught.value)
    assert "hunter22" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_a_folder_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "uv.lock", tmp_path):
        with pytest.raises(InputError, match="not an existing file"):
            read_file(path)


def test_a_version_counts_once_and_a_strange_name_is_told() -> None:
    def locked(name: str, version: str | None) -> LockedPackage:
        return LockedPackage("PyPI", name, version)

    found = listing_of("x", [locked("a", "1.0"), locked("A", "1.0"), locked("a", "2.0"), locked("=cmd()|x", "1")])

    assert [(key.project, key.version) for key in found.packages] == [("a", "1.0"), ("a", "2.0")]
    assert found.notes == ('x: 1 entry left out, no package can be called "=cmd()|x"',)


def test_a_list_without_end_is_refused() -> None:
    with pytest.raises(InputError, match="100,001 packages are more than"):
        listing_of("x", (LockedPackage("PyPI", f"a{number}", "1") for number in range(100_001)))


def test_telling_the_kind_stays_linear(tmp_path: Path) -> None:
    path = tmp_path / "hostile.toml"
    path.write_bytes(b"lock-version=1\nversion = 1\ncontent-hash =\nlock_version =\n" * 100_000)
    with pytest.raises(InputError, match="not a kind of input"):
        read_file(path)


def test_control_characters_and_endless_versions_do_not_pass() -> None:
    long, odd = listing_of(
        "x", [LockedPackage("PyPI", "a", "9" * 5000), LockedPackage("PyPI", "b", "1\x00\x1b[2Jx")]
    ).packages

    assert len(long.version_text) <= 200
    assert odd.version_text == "1[2Jx"
    assert odd.problem


@pytest.mark.parametrize(("name", "content"), [("a.xlsx", b""), ("a.XLSM", b""), ("a", b"PK\x03\x04"), ("a.csv", b"")])
def test_a_workbook_is_left_to_the_workbook_reader(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert is_workbook(tmp_path / name)
    assert not is_workbook(tmp_path / "none" / "uv.lock")
