"""Odd inputs that the formats' own documents allow, and documents of another kind under a lockfile's name."""

import pytest

from tasks.lockfiles.interface import LockfileError
from tasks.lockfiles.registry import is_lockfile, parse_lockfile
from tests.lockfiles.odd_samples import (
    BERRY,
    BUN,
    CABAL,
    CARGO,
    CLASSIC,
    COMPOSER,
    CONAN_1,
    CONAN_2,
    CYCLONEDX,
    CYCLONEDX_XML,
    DEPENDENCIES,
    GEMS,
    GO,
    MIX,
    NUGET,
    PACKAGES,
    PNPM_5,
    PNPM_6,
    PNPM_9,
    PODS,
    POETRY,
    POM,
    PUB,
    PYLOCK,
    RENV,
    REQUIREMENTS,
    SPDX_PACKAGES,
    SPDX_TAGS,
    SWIFT_1,
    SWIFT_3,
    UV,
    lock,
)

Pairs = set[tuple[str, str | None]]


def pairs(path: str, content: str, **siblings: str) -> Pairs:
    beside = {name.replace("__", "/").replace("_", "."): text.encode() for name, text in siblings.items()}
    return {(one.name, one.version) for one in parse_lockfile(path, content.encode(), beside)}


RIGHT: list[tuple[str, str, Pairs]] = [
    (
        "package-lock.json",
        PACKAGES,
        {("@real/one", "1.2.3"), ("@scope/deep", "2.0.0"), ("from-git", None), ("no-version", None)},
    ),
    (
        "npm-shrinkwrap.json",
        DEPENDENCIES,
        {("a", "1.0.0"), ("b", "2.0.0"), ("a", "0.9.0"), ("@real/one", "1.2.3"), ("real", "4.0.0-rc.1")}
        | {("folder", None), ("archive", None)},
    ),
    (
        "yarn.lock",
        BERRY,
        {("real", "1.0.5"), ("typescript", "5.0.4"), ("@scope/ours", "0.0.0-use.local"), ("@scope/git", "3.0.0")},
    ),
    ("yarn.lock", CLASSIC, {("@scope/one", "1.2.3"), ("real", "2.1.0"), ("@real/two", "2.0.1")}),
    (
        "pnpm-lock.yaml",
        PNPM_9,
        {("@scope/one", "1.2.3"), ("real", "1.0.0"), ("ours", None), ("tar", "4.0.0"), ("3d", "0.1.0")},
    ),
    (
        "pnpm-lock.yaml",
        PNPM_6,
        {("@scope/one", "1.2.3"), ("real", "1.0.0-beta.1"), ("ours", "1.0.0"), ("y", "3.0.0")},
    ),
    ("pnpm-lock.yaml", PNPM_5, {("@scope/one", "1.2.3"), ("real", "1.0.0"), ("own", "4.0.0")}),
    ("bun.lock", BUN, {("@real/one", "1.2.3"), ("two", "2.0.0"), ("ours", None), ("git", None)}),
    (
        "requirements.txt",
        REQUIREMENTS,
        {("Flask", "2.0.1"), ("zope.interface", "5.4.0"), ("hashed", "1.0"), ("direct", None), ("wild", None)}
        | {("two", None), ("paren", "3.0"), ("included", "1.0")},
    ),
    ("poetry.lock", POETRY, {("one", "1.0.0"), ("from-git", "0.1.0")}),
    ("uv.lock", UV, {("one", "1.0.0"), ("from-git", "0.2.0"), ("dynamic", None)}),
    ("pylock.dev.toml", PYLOCK, {("one", "1.0.0"), ("folder", None)}),
    (
        "Gemfile.lock",
        GEMS,
        {("from-git", "1.0.0"), ("own", "0.1.0"), ("nokogiri", "1.15.0"), ("rack", "3.0.0.beta1")},
    ),
    ("composer.lock", COMPOSER, {("a/b", "v1.0.0"), ("c/d", "dev-main"), ("e/f", "2.0")}),
    (
        "go.mod",
        GO,
        {
            ("example.org/single", "1.0.0"),
            ("example.org/one", "1.2.3"),
            ("example.org/quoted", "0.1.0"),
            ("example.org/new", "1.5.0"),
            ("example.org/big/v2", "2.0.0+incompatible"),
        },
    ),
    ("Cargo.lock", CARGO, {("app", "0.1.0"), ("one", "1.0.0+build.1"), ("one", "2.0.0")}),
    (
        "pom.xml",
        POM,
        {("g:lib", "1.2"), ("g:managed", "3.0"), ("org.example:own", "7"), ("g:ranged", "1.0"), ("g:hidden", None)},
    ),
    ("gradle.lockfile", "# by Gradle\ng:a:1.0=compileClasspath,runtime\nempty=annotationProcessor\n", {("g:a", "1.0")}),
    ("gradle/dependency-locks/compileClasspath.lockfile", "# by Gradle\ng:a:1.0\n", {("g:a", "1.0")}),
    ("packages.lock.json", NUGET, {("One", "1.0.0"), ("Two", "2.0.0"), ("One", "1.0.1")}),
    ("pubspec.lock", PUB, {("one", "1.0.0+3"), ("from_git", "0.1.0")}),
    ("mix.lock", MIX, {("one", "1.0.0"), ("real", "2.0.0"), ("from_git", None)}),
    ("conan.lock", CONAN_1, {("zlib", "1.2.11"), ("own", "0.1")}),
    ("conan.lock", CONAN_2, {("zlib", "1.2.13"), ("cmake", "3.25.3"), ("tool", "1.0")}),
    ("renv.lock", RENV, {("one", "1.0-2"), ("mirrored", "2.0")}),
    ("Package.resolved", SWIFT_1, {("github.com/x/one", "1.0.0")}),
    ("Package.resolved", SWIFT_3, {("github.com/x/one", "1.0.0"), ("github.com/x/two", None)}),
    ("Podfile.lock", PODS, {("One", "1.0.0"), ("Two", "2.0.1")}),
    ("cabal.project.freeze", CABAL, {("aeson", "2.1.0.0"), ("base", "4.17.0.0")}),
    (
        "sbom.json",
        CYCLONEDX,
        {("@scope/one", "1.0.0"), ("deep", "2.0"), ("org.example:jar", "3.0"), ("github.com/X/mod", "4.0.0")},
    ),
    ("bom.xml", CYCLONEDX_XML, {("one", "1.0"), ("Deep", "2.0")}),
    ("a.spdx.json", lock(spdxVersion="SPDX-2.3", packages=SPDX_PACKAGES), {("one", "1.0.0")}),
    ("sbom.json", lock(sbom={"spdxVersion": "SPDX-2.3", "packages": SPDX_PACKAGES}), {("one", "1.0.0")}),
    ("sbom.json", lock(spdxVersion="SPDX-2.3", packages=SPDX_PACKAGES), {("one", "1.0.0")}),
    ("a.spdx", SPDX_TAGS, {("one", "1.0.0"), ("two", "2.0")}),
]


@pytest.mark.parametrize(("path", "content", "expected"), RIGHT, ids=[f"{n}-{c[0]}" for n, c in enumerate(RIGHT)])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_what_the_formats_allow_is_read(path: str, content: str, expected: Pairs, ends: str) -> None:
    assert is_lockfile(path)
    assert pairs(path, content.replace("\n", ends), more_txt="included==1.0\n") == expected


OF_ANOTHER_KIND = {
    "json": '{"message": "Not Found", "status": "404"}',
    "yaml": "message: Not Found\nstatus: 404\n",
    "toml": 'message = "Not Found"\nstatus = 404\n',
    "html": "<html><body>404</body></html>",
    "text": "Not Found",
}


@pytest.mark.parametrize("path", sorted({case[0] for case in RIGHT}))
@pytest.mark.parametrize("kind", OF_ANOTHER_KIND)
def test_a_document_of_another_kind_is_refused_never_empty(path: str, kind: str) -> None:
    with pytest.raises(LockfileError):
        parse_lockfile(path, OF_ANOTHER_KIND[kind].encode())


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("a.spdx.json", lock(spdxVersion="SPDX-2.3", packages={"one": "1.0.0"})),
        ("bom.json", lock(bomFormat="CycloneDX", components={"one": "1.0.0"})),
        ("requirements.txt", 'name = "x"\nversion = "1"\n'),
    ],
)
def test_a_list_that_is_none_is_refused(path: str, content: str) -> None:
    with pytest.raises(LockfileError):
        parse_lockfile(path, content.encode())
