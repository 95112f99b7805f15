"""npm, yarn, pnpm and bun: aliases, nested copies, workspaces, git and local dependencies."""

import json

from tasks.lockfiles.interface import LockedPackage
from tests.lockfiles.lock_samples import pairs, read


def test_npm_1_names_what_an_alias_installs_and_every_nested_copy() -> None:
    inner = {"deep": {"version": "1.0.0", "dependencies": {"deep": {"version": "2.0.0"}}}}
    text = json.dumps(
        {
            "lockfileVersion": 1,
            "dependencies": {
                "alias": {"version": "npm:@real/name@3.0.0-rc.1"},
                "parent": {"version": "1.2.3", "dev": True, "dependencies": inner},
                "of-git": {"version": "git+ssh://git@example.com/a/b.git#abc"},
                "of-folder": {"version": "file:../folder"},
            },
        }
    )
    expected = ["@real/name@3.0.0-rc.1", "deep@1.0.0", "deep@2.0.0", "of-folder@None", "of-git@None", "parent@1.2.3"]
    assert pairs("package-lock.json", text) == expected


def test_npm_3_names_by_the_innermost_folder_and_by_the_name_an_alias_has() -> None:
    packages = {
        "": {"name": "project", "version": "0.1.0"},
        "node_modules/@a/b": {"version": "1.0.0"},
        "node_modules/@a/b/node_modules/c": {"version": "2.0.0", "optional": True},
        "node_modules/c/node_modules/@a/b": {"version": "1.1.0"},
        "node_modules/alias": {"name": "real", "version": "4.0.0"},
        "node_modules/workspace": {"resolved": "packages/workspace", "link": True},
        "packages/workspace": {"version": "0.0.1"},
    }
    text = json.dumps({"lockfileVersion": 3, "packages": packages, "dependencies": {"@a/b": {"version": "9.9.9"}}})
    expected = ["@a/b@1.0.0", "@a/b@1.1.0", "c@2.0.0", "real@4.0.0", "workspace@0.0.1"]
    assert pairs("sub/npm-shrinkwrap.json", text) == expected


def test_classic_yarn_reads_many_specifiers_aliases_and_windows_line_ends() -> None:
    text = """# yarn lockfile v1

"@scope/a@^1.0.0", "@scope/a@~1.1.0":
  version "1.1.5"
  resolved "https://registry.example/a.tgz#0"
  dependencies:
    version "2.0.0"

alias@npm:real@^2.0.0:
  version "2.0.1"

"alias2@npm:@scope/real@^2":
  version "2.2.2"

"of-git@git+ssh://git@example.com:a/b#main":
  version "0.0.3"
""".replace("\n", "\r\n")
    expected = ["@scope/a@1.1.5", "@scope/real@2.2.2", "of-git@0.0.3", "real@2.0.1"]
    assert pairs("yarn.lock", text) == expected


def test_berry_reads_what_is_resolved_not_what_is_asked_for() -> None:
    text = """__metadata:
  version: 8

"alias@npm:real@^1.0.0":
  version: 1.2.0
  resolution: "real@npm:1.2.0"

"typescript@patch:typescript@npm%3A^5.0.0#optional!builtin<compat/typescript>":
  version: 5.4.5
  resolution: "typescript@patch:typescript@npm%3A5.4.5#optional!builtin<compat/typescript>::version=5.4.5&hash=1"

"@scope/x@patch:@scope/x@npm%3A1.0.0#./fix.patch":
  version: 1.0.0
  resolution: "@scope/x@patch:@scope/x@npm%3A1.0.0#./fix.patch::version=1.0.0&hash=2"

"root@workspace:.":
  version: 0.0.0-use.local
  resolution: "root@workspace:."

? "long@npm:^1.0.0, long@npm:^1.0.1"
:
  version: 1.0.2
  resolution: "long@npm:1.0.2"
"""
    assert pairs("yarn.lock", text) == ["@scope/x@1.0.0", "long@1.0.2", "real@1.2.0", "typescript@5.4.5"]


def test_pnpm_paths_of_every_version() -> None:
    five = (
        "lockfileVersion: 5.3\npackages:\n  /@a/b/1.0.0_peer@2.0.0:\n    dev: true\n  /c/2.0.0-rc.1:\n    dev: false\n"
    )
    six = "lockfileVersion: '6.0'\npackages:\n  /@a/b@1.0.0(peer@2.0.0)(c@3.0.0):\n    dev: true\n  /c@1.10.0-x: {}\n"
    nine = (
        "lockfileVersion: '9.0'\npackages:\n  '@a/b@1.0.0':\n    engines: {node: '>=4'}\n"
        "  git@https://codeload.example/x/tar.gz/1:\n    version: 6.0.1\n"
        "  here@file:../here: {resolution: {type: directory}}\n"
        "snapshots:\n  '@a/b@1.0.0(peer@2.0.0)': {}\n"
    )
    assert pairs("pnpm-lock.yaml", five) == ["@a/b@1.0.0", "c@2.0.0-rc.1"]
    assert pairs("pnpm-lock.yaml", six) == ["@a/b@1.0.0", "c@1.10.0-x"]
    assert pairs("pnpm-lock.yaml", nine) == ["@a/b@1.0.0", "git@6.0.1", "here@None"]
    assert pairs("pnpm-lock.yaml", f"---\n{nine}---\n{six}") == ["@a/b@1.0.0", "c@1.10.0-x", "git@6.0.1", "here@None"]


def test_pnpm_takes_name_and_version_that_are_written_out() -> None:
    text = (
        "lockfileVersion: 5.4\npackages:\n  github.com/o/r/abc:\n    name: real\n    version: 1.10\n"
        "  registry.example.org/d/2.0.0:\n    dev: true\n  file:nameless:\n    version: 1.0.0\n"
    )
    assert pairs("pnpm-lock.yaml", text) == ["d@2.0.0", "real@1.10"]


def test_bun_reads_json_with_comments_and_trailing_commas() -> None:
    text = """{ // a comment, with "quotes"
  "lockfileVersion": 1, /* and, ] another */
  "packages": {
    "alias": ["@real/name@1.0.0", "", {}, "sha512-//not-a-comment==",],
    "x//y": ["plain@2.0.0-beta.1", {}],
    "w": ["w@workspace:packages/w"],
    "g": ["g@github:o/r#abc", {}, "o-r-abc"],
  }, // the end
}"""
    assert pairs("bun.lock", text) == ["@real/name@1.0.0", "g@None", "plain@2.0.0-beta.1", "w@None"]


def test_a_package_that_stands_twice_is_told_once_and_in_the_files_order() -> None:
    text = json.dumps(
        {"packages": {"node_modules/b": {"version": "1.0.0"}, "node_modules/a/node_modules/b": {"version": "1.0.0"}}}
    )
    assert read("package-lock.json", text) == (LockedPackage("npm", "b", "1.0.0"),)
