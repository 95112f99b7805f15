"""CycloneDX SBOMs, JSON and XML, all versions: every component with a package URL or a CPE, nested ones too.

Source: https://cyclonedx.org/specification/overview/.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from tasks.lockfiles.interface import Format, LockedPackage, Lockfile
from tasks.lockfiles.purl import parse_purl
from tasks.lockfiles.reading import XmlNode, items, json_object, mapping, text_of, text_or_none, xml_root
from tasks.lockfiles.spdx import read_spdx

__all__ = ["FORMATS", "is_cyclonedx_name"]

_NAMES = frozenset(f"{stem}.{end}" for stem in ("bom", "sbom", "cyclonedx", "cdx") for end in ("json", "xml"))
_OF_SPDX = frozenset({"spdxVersion", "sbom", "@graph"})
_ENDS = (".cdx.json", ".bom.json", ".cdx.xml", ".bom.xml", ".cyclonedx.json", ".cyclonedx.xml")


def _read(lockfile: Lockfile) -> Iterator[LockedPackage]:
    if text_of(lockfile).lstrip().startswith("<"):
        root = xml_root(lockfile)
        if root.name != "bom":
            raise lockfile.fail(f"the root element is {root.name}, not bom")
        yield from _of_xml(root)
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
    yield from _of_json(components)


def _of_json(components: list[Any]) -> Iterator[LockedPackage]:
    waiting = list(reversed(components))
    while waiting:
        component = mapping(waiting.pop())
        yield from _component(*(text_or_none(component.get(key)) for key in ("name", "version", "purl", "cpe")))
        waiting.extend(reversed(items(component.get("components"))))


def _of_xml(root: XmlNode) -> Iterator[LockedPackage]:
    waiting = list(root.all("components", "component"))
    while waiting:
        component = waiting.pop(0)
        yield from _component(*(component.value(key) or None for key in ("name", "version", "purl", "cpe")))
        waiting[:0] = component.all("components", "component")


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
