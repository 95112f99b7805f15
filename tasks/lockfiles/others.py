"""Lockfiles that need a few lines each: pubspec.lock, mix.lock, renv.lock, cabal.project.freeze, conan.lock.

Sources: https://dart.dev/tools/pub/glossary#lockfile, https://hexdocs.pm/mix/Mix.Tasks.Deps.html,
https://rstudio.github.io/renv/reference/lockfiles.html, https://cabal.readthedocs.io/en/stable/cabal-commands.html#cabal-freeze,
https://docs.conan.io/2/tutorial/versioning/lockfiles.html.
"""

import re
from collections.abc import Iterator
from typing import Any

from tasks.lockfiles.interface import Format, LockedPackage, Lockfile, named
from tasks.lockfiles.reading import (
    items,
    json_object,
    mapping,
    needs_one_of,
    text_of,
    text_or_none,
    yaml_documents,
)

__all__ = ["FORMATS"]

_CRAN_MIRRORS = frozenset({"CRAN", "RSPM", "P3M", "PPM"})
"""CRAN itself, and the names under which renv notes Posit's mirror of it."""

_CRAN_ADDRESS = re.compile(r"https?://(?:[^/]*\.)?(?:r-project\.org|cran\.[^/]+|[^/]+/cran)(?:/|$)", re.IGNORECASE)
"""CRAN, cran.rstudio.com and others called so, packagemanager.posit.co/cran."""

# Old files write their first package behind `%{`, older ones `=>` or a key without quotes.
_HEX = re.compile(
    r'(?:"(?P<key>[^"\n]+)"\s*(?::|=>)|\b(?P<atom>\w+):)\s*\{:(?P<kind>\w+),\s*(?::"?(?P<name>\w+)"?,\s*"(?P<version>[^"]+)")?'
)
_CABAL = re.compile(r"(?:^|[\s,])(?:any\.)?(?P<name>[A-Za-z0-9-]+)\s*==\s*(?P<version>[0-9.]+)")
_CONAN_SECTIONS = ("requires", "build_requires", "python_requires", "config_requires")
_CONAN = re.compile(r"^(?P<name>[^/@#:%]+)/(?P<version>[^@#:%]+)")


def _pub(lockfile: Lockfile) -> Iterator[LockedPackage]:
    documents = yaml_documents(lockfile)
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise lockfile.fail("empty, or not one mapping")
    needs_one_of(lockfile, documents[0], "packages", "sdks", "sdk")
    packages = documents[0].get("packages", {})
    if not isinstance(packages, dict) and packages not in ("", "{}"):
        raise lockfile.fail("packages is not a mapping")
    for name, entry in mapping(packages).items():
        details = mapping(entry)
        # The SDK's own packages have no version of their own and are on no registry.
        yield LockedPackage("Pub", name, text_or_none(details.get("version")))


def _mix(lockfile: Lockfile) -> Iterator[LockedPackage]:
    text = text_of(lockfile)
    if text.strip() and not text.lstrip().startswith(("%{", "#")):
        raise lockfile.fail("not an Elixir map: it does not begin with %{")
    is_empty = True
    for found in _HEX.finditer(text):
        is_empty = False
        of_hex = found["kind"] == "hex" and found["version"]
        key = found["key"] or found["atom"]
        yield LockedPackage("Hex", found["name"] if of_hex else key, found["version"] if of_hex else None)
    if is_empty and re.search(r"[^%{}\s]", re.sub(r"^[ \t]*#.*$", "", text, flags=re.MULTILINE)):
        raise lockfile.fail("an Elixir map without a package in it")


def _renv(lockfile: Lockfile) -> Iterator[LockedPackage]:
    document = json_object(lockfile)
    needs_one_of(lockfile, document, "Packages", "R")
    packages = document.get("Packages", {})
    if not isinstance(packages, dict):
        raise lockfile.fail("Packages is not an object")
    named = map(mapping, items(mapping(document.get("R")).get("Repositories")))
    addresses = {str(one.get("Name")): str(one.get("URL")) for one in named}
    for name, entry in packages.items():
        details = mapping(entry)
        # What comes from GitHub, Bioconductor or a folder is no CRAN package, whatever its name.
        if _is_cran(str(details.get("Repository", "")), addresses):
            yield LockedPackage(
                "CRAN", text_or_none(details.get("Package")) or name, text_or_none(details.get("Version"))
            )


def _is_cran(repository: str, addresses: dict[str, str]) -> bool:
    """Whether a repository, by its name or address, is CRAN; addresses are those of the names the file explains."""
    known = repository.upper() in _CRAN_MIRRORS
    return known or _CRAN_ADDRESS.match(addresses.get(repository, repository)) is not None


def _cabal(lockfile: Lockfile) -> Iterator[LockedPackage]:
    text = re.sub(r"^[ \t]*--.*$", "", text_of(lockfile), flags=re.MULTILINE)
    if text.strip() and "constraints:" not in text:
        raise lockfile.fail("not a frozen project: it has no constraints")
    for found in _CABAL.finditer(text):
        yield LockedPackage("Hackage", found["name"], found["version"])


def _conan(lockfile: Lockfile) -> Iterator[LockedPackage]:
    document = json_object(lockfile)
    needs_one_of(lockfile, document, "version", "graph_lock", *_CONAN_SECTIONS)
    for reference in _conan_references(document):
        # A reference without a name is the consumer's own recipe.
        if found := _CONAN.match(reference):
            yield LockedPackage("ConanCenter", found["name"], found["version"])


def _conan_references(document: dict[str, Any]) -> Iterator[str]:
    for node in mapping(mapping(document.get("graph_lock")).get("nodes")).values():
        details = mapping(node)
        if not details.get("path"):
            yield text_or_none(details.get("pref")) or text_or_none(details.get("ref")) or ""
    for section in _CONAN_SECTIONS:
        yield from (reference for reference in items(document.get(section)) if isinstance(reference, str))


FORMATS = (
    Format(named("pubspec.lock"), _pub),
    Format(named("mix.lock"), _mix),
    Format(named("renv.lock"), _renv),
    Format(named("cabal.project.freeze"), _cabal),
    Format(named("conan.lock"), _conan),
)
