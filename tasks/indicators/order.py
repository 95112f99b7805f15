"""The order of versions, per ecosystem, as keys that compare; None where a text is no version of it.

Sources: PEP 440 (PyPI); https://semver.org/#spec-item-11 (npm, crates.io, Go, Hex, Pub, NuGet and others);
https://maven.apache.org/pom.html#version-order-specification (Maven); Gem::Version (RubyGems: letters mean a
prerelease); https://getcomposer.org/doc/04-schema.md#version (Packagist: dev < alpha < beta < RC < stable < patch).
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from packaging.utils import canonicalize_version
from packaging.version import InvalidVersion, Version

__all__ = ["order_key", "same_key"]

_LONGEST = 200
_SEMVER = re.compile(r"[vV=]*(\d+(?:\.\d+)*)(?:-?([0-9A-Za-z][0-9A-Za-z.-]*))?(?:\+[0-9A-Za-z.-]+)?$", re.ASCII)
_COMPOSER = re.compile(
    r"v?(\d+(?:\.\d+){0,3})(?:[-._]?(stable|beta|b|rc|alpha|a|patch|pl|p)[.-]?(\d+)?)?(?:\+.*)?", re.ASCII
)
_COMPOSER_WORDS = {"b": "beta", "a": "alpha", "p": "patch", "pl": "patch"}
"""https://github.com/composer/semver, VersionParser::normalize."""

_TOKENS = re.compile(r"\d+|[A-Za-z]+", re.ASCII)
_RANKS = {
    "dev": -7,
    "a": -6,
    "alpha": -6,
    "b": -5,
    "beta": -5,
    "m": -4,
    "milestone": -4,
    "rc": -3,
    "cr": -3,
    "c": -3,
    "snapshot": -2,
    "": 0,
    "ga": 0,
    "final": 0,
    "release": 0,
    "stable": 0,
    "sp": 1,
    "p": 1,
    "pl": 1,
    "patch": 1,
}
_OTHER_QUALIFIER = 2
_NEUTRAL = (0, 0, "")


@lru_cache(maxsize=65_536)
def order_key(ecosystem: str, text: str) -> Any:
    """A value that orders versions of one ecosystem; None where the text is no version there."""
    text = text.strip()
    return None if len(text) > _LONGEST else _ORDERS.get(ecosystem, _semver)(text)


@lru_cache(maxsize=65_536)
def same_key(ecosystem: str, text: str) -> str:
    """Text that is equal for two spellings of one version: of exact lists, where order does not matter."""
    return _SPELLINGS.get(ecosystem, str)(text.strip())


def _pypi_key(text: str) -> str:
    version = _pep440(text)
    return text if version is None else canonicalize_version(version)


def _nuget_key(text: str) -> str:
    number, dash, rest = text.lower().partition("+")[0].partition("-")
    parts = number.split(".")
    while len(parts) > 3 and parts[-1] == "0":  # noqa: PLR2004  NuGet's fourth part, which may be left out
        parts.pop()
    return ".".join(parts) + dash + rest


def _gem_key(text: str) -> str:
    key = _gem(text)
    return text if key is None else repr(key)


def _without_v(text: str) -> str:
    plain = text.lstrip("=vV")
    return plain if plain[:1].isdigit() else text


def _packagist_key(text: str) -> str:
    """Composer's normal form, as far as spellings differ: v1.0 is 1.0.0.0, 1.0b1 is 1.0-beta1."""
    found = _COMPOSER.fullmatch(text.lower())
    if found is None:
        return text
    number = ".".join(map(str, _trimmed(tuple(int(part) for part in found[1].split("."))))) or "0"
    word = _COMPOSER_WORDS.get(found[2] or "", found[2] or "")
    return f"{number}-{word}{found[3] or ''}" if word not in ("", "stable") else number


def _pep440(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _semver(text: str) -> Any:
    found = _SEMVER.match(text)
    if found is None:
        return None
    numbers = _trimmed(tuple(int(part) for part in found[1].split(".")))
    # A version without a prerelease is the higher one.
    return numbers, (1,) if found[2] is None else (0, tuple(_identifier(part) for part in found[2].split(".")))


def _identifier(part: str) -> tuple[int, int, str]:
    return (0, int(part), "") if part.isdigit() else (1, 0, part)


def _trimmed(numbers: tuple[int, ...]) -> tuple[int, ...]:
    while numbers and not numbers[-1]:
        numbers = numbers[:-1]
    return numbers


def _ranked(text: str) -> Any:
    """Numbers and qualifiers in one line, each place compared on its own; a missing place counts as no qualifier."""
    tokens = _TOKENS.findall(text.lstrip("vV").partition("+")[0])
    if not tokens or not tokens[0].isdigit():
        return None
    return _places(tokens, (3, 0, ""), _qualifier)


def _places(
    tokens: list[str], zero: tuple[int, int, str], word: Callable[[str], tuple[int, int, str]]
) -> tuple[tuple[int, int, str], ...]:
    """A place for each token; zeros before a word or the end say nothing ("1.0-rc" is a prerelease of "1")."""
    places: list[tuple[int, int, str]] = []
    for token in [*tokens, ""]:
        if token.isdigit():
            places.append((zero[0], int(token), ""))
            continue
        while places and places[-1] in (zero, _NEUTRAL):
            places.pop()
        places.append(word(token.lower()) if token else _NEUTRAL)
    return tuple(places)


def _qualifier(word: str) -> tuple[int, int, str]:
    rank = _RANKS.get(word, _OTHER_QUALIFIER)
    return rank, 0, word if rank == _OTHER_QUALIFIER else ""


def _gem(text: str) -> Any:
    tokens = _TOKENS.findall(text)
    if not tokens or not tokens[0].isdigit():
        return None
    return _places(tokens, (1, 0, ""), lambda word: (-1, 0, word))


_ORDERS: dict[str, Callable[[str], Any]] = {
    "PyPI": _pep440,
    "Maven": _ranked,
    "Packagist": _ranked,
    "RubyGems": _gem,
}

_SPELLINGS: dict[str, Callable[[str], str]] = {
    "PyPI": _pypi_key,
    "NuGet": _nuget_key,
    "Packagist": _packagist_key,
    "RubyGems": _gem_key,
    **dict.fromkeys(("npm", "Go", "SwiftURL", "GitHub Actions", "crates.io", "Hex", "Pub", "CocoaPods"), _without_v),
}
