"""requirements files, Pipfile.lock and the TOML lockfiles; Cargo.lock has their shape."""

import pytest

from tasks.lockfiles.registry import siblings_of
from tests.lockfiles.lock_samples import pairs

REQUIREMENTS = r"""
# a comment with \
plain==1.0
spaced == 2.0   # why
Upper_Case.Name===3.0+local ; python_version < "3.9"
extra[one, two]==4.0 ; sys_platform == 'win32' \
    --hash=sha256:aa \
    --hash=sha256:bb
at-least>=5.0
between>=5.0,<6
not-this!=1.0
any-patch==1.*
bare
direct @ https://example.org/direct-9.9.9.zip
--index-url mirror/simple
-e git+https://example.org/r.git#egg=r
https://example.org/wheel-1.0-py3-none-any.whl
./local.whl
hidden==${VERSION}
"""


def test_requirements_name_a_version_only_where_a_line_names_one() -> None:
    assert pairs("requirements.txt", REQUIREMENTS) == [
        "Upper_Case.Name@3.0+local",
        "any-patch@None",
        "at-least@5.0",
        "bare@None",
        "between@None",
        "direct@None",
        "extra@4.0",
        "not-this@None",
        "plain@1.0",
        "spaced@2.0",
    ]


def test_includes_are_read_where_they_are_at_hand_and_a_circle_ends() -> None:
    top, inner = (
        "-r common/base.in\na==1\n--requirement=missing.txt\n-r https://example.org/r.txt\n",
        "-r ../requirements.txt\nb==2\n",
    )
    assert siblings_of("x/requirements.txt", top.encode()) == ("x/common/base.in", "x/missing.txt")
    assert siblings_of("x/common/base.in", inner.encode()) == ("x/requirements.txt",)
    beside = {"x/common/base.in": inner, "x/requirements.txt": top}
    assert pairs("x/requirements.txt", top, beside) == ["a@1", "b@2"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_the_first_name(encoding: str) -> None:
    assert pairs("requirements.txt", "a==1\r\nb==2\r\n".encode(encoding)) == ["a@1", "b@2"]


def test_pipfile_lock_reads_every_category() -> None:
    text = """{"_meta": {"sources": []}, "default": {"a": {"version": "==1.0"}, "g": {"git": "x", "ref": "y"}},
      "develop": {"b": {"version": "==2.0"}}, "docs": {"c": {"version": "==3.0"}, "loose": {"version": "*"}}}"""
    assert pairs("Pipfile.lock", text) == ["a@1.0", "b@2.0", "c@3.0", "g@None", "loose@None"]
    assert pairs("Pipfile.lock", "") == []


TABLES = """
[[KEY]]
name = "One"
version = "1.0"
description = '''
name = "two"
'''
[[KEY]]
name = "of-git"
version = "0.1"
source = { git = "https://example.org/r?rev=1#2" }
[[KEY]]
name = "no-version"
[[KEY]]
name = "the-project"
version = "9"
source = { virtual = "." }
"""


@pytest.mark.parametrize("name", ["poetry.lock", "uv.lock", "pdm.lock", "Cargo.lock", "pylock.toml", "pylock.dev.toml"])
def test_toml_lockfiles(name: str) -> None:
    text = TABLES.replace("KEY", "packages" if name.startswith("pylock") else "package")
    assert pairs(name, text) == ["One@1.0", "no-version@None", "of-git@0.1"]
    assert pairs(name, "# nothing locked\n") == []
