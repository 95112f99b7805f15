"""bun.lock, Bun's text lockfile: JSON with comments and trailing commas.

Source: https://bun.com/docs/install/lockfile; the tuple's first item is `name@resolution`.
"""

import re
from collections.abc import Iterator

from tasks.lockfiles.interface import Format, LockedPackage, Lockfile, named
from tasks.lockfiles.npmnames import npm_package, split_npm
from tasks.lockfiles.reading import json_object, needs_one_of, text_of

__all__ = ["FORMATS"]

# A string that does not end takes the rest of the text with it, so that no text is looked through twice.
_TOKEN = re.compile(
    r"""(?P<word>"[^"\\]*(?:\\.[^"\\]*)*(?:"|\Z|\\\Z)|[^",/\]}\s]+|/(?![/*]))|(?P<close>[\]}])|(?P<comma>,)"""
    r"""|//[^\n]*|/\*(?:.*?\*/|.*)|\s+""",
    re.DOTALL,
)


def _plain_json(text: str) -> str:
    """The text without comments and without commas before a closing bracket, in time linear in its length."""
    kept: list[str] = []
    comma = ""
    for token in _TOKEN.finditer(text):
        if token["comma"]:
            kept.append(comma)
            comma = ","
        elif token["close"] or token["word"]:
            kept.append(token[0] if token["close"] else comma + token[0])
            comma = ""
    return " ".join([*kept, comma])


def _read(lockfile: Lockfile) -> Iterator[LockedPackage]:
    document = json_object(lockfile, _plain_json(text_of(lockfile)))
    needs_one_of(lockfile, document, "lockfileVersion", "packages", "workspaces")
    packages = document.get("packages", {})
    if not isinstance(packages, dict):
        raise lockfile.fail("packages is not an object")
    for key, entry in packages.items():
        if not isinstance(entry, list) or not entry or not isinstance(entry[0], str) or not entry[0]:
            raise lockfile.fail(f"packages: {key!r} does not begin with name@version")
        yield npm_package(*split_npm(entry[0]))


FORMATS = (Format(named("bun.lock"), _read),)
