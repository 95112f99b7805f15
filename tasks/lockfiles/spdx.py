"""SPDX 2 SBOMs as JSON, YAML, XML, RDF/XML and tag-value, and SPDX 3 as JSON-LD: every package with a package URL.

The content decides which of them a file is, not its ending.
Sources: https://spdx.github.io/spdx-spec/v2.3/ and https://spdx.github.io/spdx-spec/v3.0.1/.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from tasks.lockfiles.interface import Format, LockedPackage, Lockfile
from tasks.lockfiles.purl import parse_purl
from tasks.lockfiles.reading import (
    XmlNode,
    items,
    json_object,
    lines,
    mapping,
    text_of,
    text_or_none,
    xml_root,
    yaml_documents,
)

__all__ = ["FORMATS", "read_spdx"]

_ENDS = (".spdx", ".spdx.json", ".spdx.yml", ".spdx.yaml", ".spdx.xml", ".spdx.rdf", ".spdx.rdf.xml")
_NAMES = frozenset({"spdx.json", "spdx.xml", "spdx.yml", "spdx.yaml", "spdx.rdf"})
_TAG = re.compile(r"^(?P<tag>[A-Za-z]+):\s*(?P<value>.*)$")


@dataclass(slots=True)
class _Package:
    version: str | None = None
    references: list[tuple[str, str]] = field(default_factory=list)

    def locked(self) -> Iterator[LockedPackage]:
        """The package by its last package URL; none where it has only other references."""
        for kind, locator in reversed(self.references):
            address = parse_purl(locator) if kind.rpartition("/")[2] in ("purl", "packageUrl") else None
            if address is not None:
                written = address.name if address.name != address.osv_name else None
                version = address.osv_version or self.version
                yield LockedPackage(address.ecosystem, address.osv_name, version, written)
                return


def read_spdx(lockfile: Lockfile) -> Iterator[LockedPackage]:
    """The packages of a document in any of SPDX's forms. Raises LockfileError."""
    text = text_of(lockfile).lstrip()
    if text.startswith("{"):
        packages = _of_json(lockfile, json_object(lockfile))
    elif text.startswith("<"):
        packages = _of_xml(lockfile, xml_root(lockfile))
    elif re.search(r"^SPDXVersion:", text, re.MULTILINE):
        packages = _of_tags(lockfile)
    else:
        packages = _of_yaml(lockfile)
    count, silent = 0, True
    for package in packages:
        count += 1
        for locked in package.locked():
            silent = False
            yield locked
    # One package alone is what the document is about.
    if silent and count > 1:
        raise lockfile.fail(f"none of its {count} packages has a package URL: they cannot be compared")


def _of_yaml(lockfile: Lockfile) -> Iterator[_Package]:
    documents = yaml_documents(lockfile)
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise lockfile.fail("no SPDX document in JSON, YAML, XML, RDF or tag-value form")
    return _of_json(lockfile, documents[0])


def _of_json(lockfile: Lockfile, document: dict[str, Any]) -> Iterator[_Package]:
    graph = document.get("@graph")
    if isinstance(graph, list):
        return _of_graph(graph)
    # GitHub's dependency graph wraps the document once more.
    document = mapping(document.get("sbom")) or document
    if "spdxVersion" not in document:
        raise lockfile.fail("no SPDX document: spdxVersion is missing")
    packages = document.get("packages") or []
    if not isinstance(packages, list):
        raise lockfile.fail("packages is not a list")
    return _of_packages(packages)


def _of_packages(packages: list[Any]) -> Iterator[_Package]:
    for entry in packages:
        package = mapping(entry)
        found = _Package(text_or_none(package.get("versionInfo")))
        for reference in items(package.get("externalRefs")):
            details = mapping(reference)
            kind, locator = details.get("referenceType"), details.get("referenceLocator")
            found.references.append((str(kind), str(locator)))
        yield found


def _of_graph(graph: list[Any]) -> Iterator[_Package]:
    for entry in graph:
        details = mapping(entry)
        if str(details.get("type", details.get("@type", ""))).rpartition("/")[2] != "software_Package":
            continue
        found = _Package(text_or_none(details.get("software_packageVersion")))
        for reference in items(details.get("externalIdentifier")):
            pair = mapping(reference)
            found.references.append((str(pair.get("externalIdentifierType")), str(pair.get("identifier"))))
        if address := text_or_none(details.get("software_packageUrl")):
            found.references.append(("purl", address))
        yield found


def _of_xml(lockfile: Lockfile, root: XmlNode) -> Iterator[_Package]:
    if root.name not in ("RDF", "Document", "SpdxDocument"):
        raise lockfile.fail(f"the root element is {root.name}: no SPDX document")
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.name in ("Package", "packages"):
            yield _xml_package(node)
        waiting += reversed(node.children)


def _xml_package(node: XmlNode) -> _Package:
    found = _Package(node.value("versionInfo") or None)
    references = [*node.all("externalRefs"), *node.all("externalRef", "ExternalRef")]
    for reference in references:
        kind = next((one.attributes.get("resource") or one.text for one in reference.all("referenceType")), "")
        found.references.append((kind, reference.value("referenceLocator")))
    return found


def _without_free_text(text: str) -> str:
    kept, position = [], 0
    while (start := text.find("<text>", position)) >= 0 and (end := text.find("</text>", start)) >= 0:
        kept.append(text[position:start])
        position = end + len("</text>")
    return "".join([*kept, text[position:]])


def _of_tags(lockfile: Lockfile) -> Iterator[_Package]:
    package: _Package | None = None
    # What stands between <text> and </text> is free text, whatever it looks like.
    for line in _without_free_text("\n".join(lines(lockfile))).split("\n"):
        match = _TAG.match(line.strip())
        if match is None:
            continue
        value = match["value"].strip()
        if match["tag"] == "PackageName":
            if package is not None:
                yield package
            package = _Package()
        elif package is not None and match["tag"] == "PackageVersion":
            package.version = value or None
        elif package is not None and match["tag"] == "ExternalRef" and len(words := value.split(None, 2)) == 3:  # noqa: PLR2004
            package.references.append((words[1], words[2]))
    if package is not None:
        yield package


def _named(path: PurePosixPath) -> bool:
    name = path.name.lower()
    return name in _NAMES or name.endswith(_ENDS)


FORMATS = (Format(_named, read_spdx),)
