"""What cannot be read is an error with a reason on one line, never an empty answer; no document can hurt the reader."""

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import ExitCode
from tasks.lockfiles import registry
from tasks.lockfiles.interface import LockfileError
from tasks.lockfiles.registry import is_lockfile, parse_lockfile, siblings_of

NAMES = [
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "requirements.txt",
    "Pipfile.lock",
    "poetry.lock",
    "uv.lock",
    "pdm.lock",
    "pylock.toml",
    "Gemfile.lock",
    "composer.lock",
    "go.mod",
    "Cargo.lock",
    "pom.xml",
    "gradle.lockfile",
    "verification-metadata.xml",
    "packages.lock.json",
    "packages.config",
    "pubspec.lock",
    "mix.lock",
    "conan.lock",
    "renv.lock",
    "Package.resolved",
    "Podfile.lock",
    "sbom.cdx.json",
    "bom.xml",
    "sbom.spdx.json",
    "sbom.spdx",
    "cabal.project.freeze",
]
EMPTY_IS_INVALID = [name for name in NAMES if name.endswith((".json", ".xml", ".config", ".spdx", ".resolved"))] + [
    "bun.lock", "composer.lock", "conan.lock", "renv.lock", "pubspec.lock", "Podfile.lock"
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_other_text_is_refused_with_one_line_that_names_the_file(name: str) -> None:
    with pytest.raises(LockfileError) as caught:
        parse_lockfile(f"some/{name}", b"<<this is no lockfile\n at all>> !\n")
    message = str(caught.value)
    assert message.startswith(f"some/{name}: ")
    assert "\n" not in message
    assert caught.value.exit_code is ExitCode.INCOMPLETE


@pytest.mark.parametrize("name", EMPTY_IS_INVALID)
def test_an_empty_file_is_refused_where_the_format_has_no_empty_form(name: str) -> None:
    with pytest.raises(LockfileError):
        parse_lockfile(name, b"")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("package-lock.json", b"null"),
        ("package-lock.json", b'{"packages": []}'),
        ("package-lock.json", b'{"private": true}'),
        ("package-lock.json", b"[" * 200_000),
        ("yarn.lock", b'a@^1:\n  resolved "x"\n'),
        ("yarn.lock", b"  version 1\n"),
        ("pnpm-lock.yaml", b"- a\n"),
        ("pnpm-lock.yaml", b"packages: {}\n"),
        ("pnpm-lock.yaml", b"lockfileVersion: '9.0'\npackages: " + b"[" * 200_000),
        ("pnpm-lock.yaml", b"lockfileVersion: '9.0'\npackages: " + b"{a: " * 100_000),
        ("pnpm-lock.yaml", b"lockfileVersion: '9.0'\nx: &a [1]\ny: [" + b"*a," * 2000 + b"]\n"),
        ("bun.lock", b'{"packages": {"a": []}}'),
        ("bun.lock", b'{"packages": {"a": [{}]}}'),
        ("poetry.lock", b"[[package]]\nversion = '1'\n"),
        ("poetry.lock", b"package = 1\n"),
        ("uv.lock", b"a = " + b"[" * 100_000),
        ("Gemfile.lock", b"    rack (1.0)\n"),
        ("composer.lock", b'{"packages": [{"version": "1"}]}'),
        ("composer.lock", b'{"packages": {"a": 1}}'),
        ("go.mod", b"require (\n a v1.0.0\n"),
        ("go.mod", b"require a latest\n"),
        ("pom.xml", b"<settings/>"),
        ("pom.xml", b'<!DOCTYPE p [<!ENTITY e "x">]><project><artifactId>&e;</artifactId></project>'),
        ("pom.xml", b"<a>" * 100_000),
        ("packages.config", b"<configuration/>"),
        ("packages.lock.json", b'{"dependencies": {"net6.0": []}}'),
        ("Podfile.lock", b"PODS:\n  - name without version\n"),
        ("Package.resolved", b"{}"),
        ("bom.json", b'{"name": "no sbom"}'),
        ("sbom.spdx.json", b'{"name": "no sbom"}'),
        ("requirements.txt", b"\xff\xfe\x00"),
        ("requirements.txt", b"a==1\n\xe9\n"),
        ("unheard-of.lock", b""),
    ],
    ids=lambda value: value if isinstance(value, str) else value[:24].decode("latin-1"),
)
def test_a_file_that_is_not_of_its_kind_is_refused(name: str, content: bytes) -> None:
    with pytest.raises(LockfileError):
        parse_lockfile(name, content)


@pytest.mark.parametrize("name", ["requirements.txt", "Gemfile.lock", "go.mod", "gradle.lockfile"])
def test_merge_conflicts_and_lfs_pointers_are_told_as_such(name: str) -> None:
    with pytest.raises(LockfileError, match="merge conflict"):
        parse_lockfile(name, b"\n<<<<<<< HEAD\na==1\n=======\na==2\n>>>>>>> other\n")
    with pytest.raises(LockfileError, match="LFS pointer"):
        parse_lockfile(name, b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")


def test_a_file_above_the_limit_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MAX_BYTES", 10)
    with pytest.raises(LockfileError, match="11 bytes"):
        parse_lockfile("requirements.txt", b"a==1\nb==2\n\n")


def test_aliases_and_properties_that_would_grow_without_end_stay_small() -> None:
    began = time.monotonic()
    doubled = "".join(f"k{n}: &k{n} [*k{n - 1}, *k{n - 1}]\n" for n in range(1, 60))
    assert parse_lockfile("pnpm-lock.yaml", f"lockfileVersion: '9'\nk0: &k0 [x]\n{doubled}".encode()) == ()
    grown = "".join(f"<p{n}>{f'${{p{n + 1}}}' * 20}</p{n}>" for n in range(20))
    pom = f"<project><properties>{grown}</properties><dependencies><dependency><groupId>g</groupId>"
    pom += "<artifactId>a</artifactId><version>${p0}</version></dependency></dependencies></project>"
    (package,) = parse_lockfile("pom.xml", pom.encode())
    assert package.version is None
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("requirements.txt", b"a==1\n" + b" " * 200_000 + b"x\n" + b"a" + b" " * 200_000 + b"!"),
        ("bun.lock", b'{"a": 1,' + b"// " * 50_000 + b"\n" + b"/*" * 50_000),
        ("bun.lock", b", " * 50_000 + b'"' * 50_001),
        ("mix.lock", b"%{" + b"\n" * 200_000),
        ("cabal.project.freeze", b"\n" * 200_000 + b"any." * 50_000),
        ("sbom.spdx", b"SPDXVersion: SPDX-2.3\n" + b"<text>" * 50_000),
        ("yarn.lock", b"a:\n  version " + b" " * 200_000 + b'a"b\n'),
        ("Package.resolved", b'{"pins": [{"location": "a' + b"/" * 200_000 + b'b"}]}'),
        ("poetry.lock", b"<<<<<<< " + b"\n<<<<<<< " * 50_000),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_time_grows_with_the_files_length_only(name: str, content: bytes) -> None:
    began = time.monotonic()
    with suppress(LockfileError):
        parse_lockfile(name, content)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("name", NAMES)
@given(content=st.binary(max_size=200) | st.text(alphabet='{}[]"@:/.,<>=-\n abc019#\\', max_size=120).map(str.encode))
def test_whatever_stands_in_a_file_the_answer_is_packages_or_the_one_error(name: str, content: bytes) -> None:
    with suppress(LockfileError):
        assert all(
            one.name and one.version != "" and one.purl.startswith("pkg:") for one in parse_lockfile(name, content)
        )


def test_paths_that_are_lockfiles_and_paths_that_are_not() -> None:
    assert all(is_lockfile(f"deep/in/{name}") for name in [*NAMES, "gems.locked", "pylock.ci.toml"])
    more = [
        "requirements/dev.txt",
        "dev-requirements.txt",
        "requirements_test.txt",
        "a.bom.json",
        "x.SPDX.JSON",
        "Packages.config",
    ]
    assert all(is_lockfile(path) for path in more)
    others = [
        "package.json",
        "notes.txt",
        "requirements.md",
        "pom.xml.bak",
        "node_modules/a/package-lock.json",
        "yarn.lock/x",
        "a.xml",
    ]
    assert not any(is_lockfile(path) for path in others)
    assert siblings_of("notes.md") == siblings_of("pom.xml", b"<broken") == ()
