"""Gemfile.lock (and gems.locked), and composer.lock.

Sources: https://bundler.io/guides/rationale.html (Bundler's LockfileParser gives the indents) and
https://getcomposer.org/doc/01-basic-usage.md#commit-your-composer-lock-file-to-version-control.
"""

import re
from collections.abc import Iterator

from tasks.lockfiles.interface import Format, LockedPackage, Lockfile, named
from tasks.lockfiles.reading import json_object, lines, mapping, needs_one_of, text_or_none

__all__ = ["FORMATS"]

_SOURCES = frozenset({"GEM", "GIT", "PATH", "PLUGIN SOURCE"})
_HEADING = re.compile(r"[A-Z][A-Z ]*")
# A gem's version holds no "-": what follows one is the platform.
_SPEC = re.compile(r"^ {4}(?P<name>[^ !(]+)(?: \((?P<version>[^-)]*)(?:-[^)]*)?\))?!?$")


def _gems(lockfile: Lockfile) -> Iterator[LockedPackage]:
    section = None
    for number, line in enumerate(lines(lockfile), 1):
        if not line.strip():
            continue
        if not line.startswith(" "):
            section = line.strip()
            if not _HEADING.fullmatch(section):
                raise lockfile.fail(f"line {number}: not a section of a Gemfile.lock: {section[:60]!r}")
        elif section is None:
            raise lockfile.fail(f"line {number}: an entry before the first section")
        elif section in _SOURCES and (spec := _SPEC.match(line.rstrip())):
            yield LockedPackage("RubyGems", spec["name"], spec["version"] or None)


def _composer(lockfile: Lockfile) -> Iterator[LockedPackage]:
    document = json_object(lockfile)
    needs_one_of(lockfile, document, "packages", "packages-dev", "content-hash", "hash")
    for section in ("packages", "packages-dev"):
        packages = document.get(section) or []
        if not isinstance(packages, list):
            raise lockfile.fail(f"{section} is not a list")
        for number, entry in enumerate(packages, 1):
            name = text_or_none(mapping(entry).get("name"))
            if name is None:
                raise lockfile.fail(f"{section} {number} has no name")
            yield LockedPackage("Packagist", name, text_or_none(entry.get("version")))


FORMATS = (Format(named("Gemfile.lock", "gems.locked"), _gems), Format(named("composer.lock"), _composer))
