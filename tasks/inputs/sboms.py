"""CycloneDX and SPDX documents under any name, read by the IOC scan's parsers; packages count by their package URLs."""

import re
from dataclasses import dataclass

from tasks.errors import InputError
from tasks.inputs.interface import FileInput, Listing, listing_of
from tasks.lockfiles import cyclonedx, spdx
from tasks.lockfiles.interface import Lockfile, LockfileError, LockfileParser
from tasks.lockfiles.registry import refuse_unfit

__all__ = ["KIND"]

_SIGNS: tuple[tuple[re.Pattern[bytes], LockfileParser], ...] = (
    (re.compile(rb'"bomFormat"\s*:|cyclonedx\.org/schema/bom'), cyclonedx.FORMATS[0]),
    (re.compile(rb"""["']?spdxVersion["']?\s*:|^SPDXVersion:|spdx\.org/rdf/""", re.MULTILINE), spdx.FORMATS[0]),
)


@dataclass(frozen=True, slots=True)
class _Sboms:
    """SBOMs, told by what they hold."""

    described: str = "a CycloneDX or SPDX document"

    def claims(self, file: FileInput) -> bool:
        return _format(file) is not None

    def read(self, file: FileInput) -> Listing:
        format_ = _format(file)
        lockfile = Lockfile(file.path.name, file.content)
        try:
            refuse_unfit(lockfile)
            packages = tuple(format_.parse(lockfile)) if format_ is not None else ()
        except LockfileError as error:
            reason = str(error).removeprefix(f"{lockfile.path}: ")
            raise InputError(f"{file.path}: {reason}; make the document again") from error
        return listing_of(file.path.name, packages)


def _format(file: FileInput) -> LockfileParser | None:
    return next((parser for sign, parser in _SIGNS if sign.search(file.content)), None)


KIND = _Sboms()
