"""CycloneDX SBOMs, JSON and XML, all versions: every component with a package URL or a CPE, nested ones too.

Source: https://cyclonedx.org/specification/overview/.
"""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from tasks.lockfiles.interface import Format, LockedPackage, Lockfile
from tasks.lockfiles.purl import parse_purl
from tasks.lockfiles.reading import XmlNode, items, json_object, mapping, text_of, text_or_none, xml_root
from tasks.lockfiles.spdx import read_spdx

__all__ = ["FORMATS", "is_cyclonedx_name"]

_NAMES = frozenset(f"{stem}.{end}" for stem in ("bom", "sbom", "cyclonedx", "cdx") for end in ("json", "xml"))
_PACKAGES = frozenset({"library", "framework"})
_OF_SPDX = frozenset({"spdxVersion", "sbom", "@graph"})
_ENDS = (".cdx.json", ".bom.json", ".cdx.xml", ".bom.xml", ".cyclonedx.json", ".cyclonedx.xml")


def _read(lockfile: Lockfile) -> Iterator[LockedPackage]:
    if text_of(lockfile).lstrip().startswith("<"):
        root = xml_root(lockfile)
        if root.name != "bom":
            raise lockfile.fail(f"the root element is {root.name}, not bom")
        types = [one.attributes.get("type") for one in root.all("components", "component")]
        yield from _identified(lockfile, _of_xml(root), types)
        return
    document = json_object(lockfile)
    if document.keys() & _OF_SPDX and "bomFormat" not in document:
        # sbom.json is a usual name for either, and what GitHub's dependency graph exports is SPDX.
        yield from read_spdx(lockfile)
        return
    if document.get("bomFormat", "CycloneDX") != "CycloneDX" or not {"bomFormat", "specVersion", "components"} & set(
        document
    ):
        raise lockfile.fail("no CycloneDX document: neither bomFormat nor components")
    components = document.get("components") or []
    if not isinstance(components, list):
        raise lockfile.fail("components is not a list")
    types = [text_or_none(mapping(one).get("type")) for one in components]
    yield from _identified(lockfile, _of_json(components), types)


def _identified(
    lockfile: Lockfile, found: Iterator[LockedPackage], types: Sequence[str | None]
) -> Iterator[LockedPackage]:
    """What was found; LockfileError for a list of packages none of which can be told apart from its namesakes."""
    first = next(found, None)
    packages = sum(kind in _PACKAGES for kind in types)
    if first is None and packages:
        raise lockfile.fail(f"none of its {packages} packages has a package URL or a CPE: they cannot be compared")
    if first is not None:
        yield first
        yield from found


def _of_json(components: list[Any]) -> Iterator[LockedPackage]:
    waiting = list(reversed(components))
    while waiting:
        component = mapping(waiting.pop())
        yield from _component(*(text_or_none(component.get(key)) for key in ("name", "version", "purl", "cpe")))
        waiting.extend(reversed(items(component.get("components"))))


def _of_xml(root: XmlNode) -> Iterator[LockedPackage]:
    waiting = list(root.all("components", "component"))[::-1]
    while waiting:
        component = waiting.pop()
        yield from _component(*(component.value(key) or None for key in ("name", "version", "purl", "cpe")))
        waiting += list(component.all("components", "component"))[::-1]


def _component(name: str | None, version: str | None, purl: str | None, cpe: str | None) -> Iterator[LockedPackage]:
    address = parse_purl(purl or "")
    if address is not None:
        # The address is the identity; the component's own words are how a reader of the file knows it.
        written = name if name != address.osv_name else None
        yield LockedPackage(address.ecosystem, address.osv_name, address.osv_version or version, written)
    elif (cpe or purl) and name:
        yield LockedPackage("", name, version)


def is_cyclonedx_name(path: PurePosixPath) -> bool:
    """True for the names that CycloneDX recommends, and the usual ones beside them."""
    name = path.name.lower()
    return name in _NAMES or name.endswith(_ENDS)


FORMATS = (Format(is_cyclonedx_name, _read),)
