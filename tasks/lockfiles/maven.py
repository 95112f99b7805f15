"""pom.xml: direct dependencies, with properties and managed versions as far as the file and its parents at hand tell.

A dependency without a version there has None; of a range the lower bound is named.
Sources: https://maven.apache.org/pom.html and https://maven.apache.org/guides/introduction/introduction-to-dependency-mechanism.html.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from posixpath import normpath

from tasks.lockfiles.interface import Format, LockedPackage, Lockfile, LockfileError, named
from tasks.lockfiles.reading import XmlNode, xml_root

__all__ = ["FORMATS"]

_PROPERTY = re.compile(r"\$\{([^{}]+)\}")
_RANGE = re.compile(r"^[\[(]\s*([^,\[\]()\s]*)")
_ROUNDS = 10
_GENERATIONS = 10
_LONGEST = 1000


_Key = tuple[str, str, str, str]
"""groupId, artifactId, type and classifier: what makes two dependencies the same one (Maven's management key)."""


@dataclass(slots=True)
class _Model:
    """What a project and its parents say together; the child's word comes first, and in one list the last word."""

    properties: dict[str, str] = field(default_factory=dict)
    managed: dict[_Key, str] = field(default_factory=dict)
    dependencies: list[dict[_Key, str]] = field(default_factory=list)

    def fill(self, text: str) -> str | None:
        """text with its properties filled in, None where one is not known."""
        for _ in range(_ROUNDS):
            if "${" not in text or len(text) > _LONGEST:
                break
            text = _PROPERTY.sub(lambda found: self.properties.get(found[1], found[0]), text)
        return None if "${" in text or len(text) > _LONGEST else text.strip()

    def versions(self, nodes: Iterable[XmlNode]) -> dict[_Key, str]:
        """Versions as written by key; a dependency whose names cannot be told is not among them."""
        found: dict[_Key, str] = {}
        for node in nodes:
            names = self.fill(node.value("groupId")), self.fill(node.value("artifactId"))
            if names[0] and names[1]:
                found[names[0], names[1], node.value("type") or "jar", node.value("classifier")] = node.value("version")
        return found


def _properties(project: XmlNode) -> dict[str, str]:
    found: dict[str, str] = {}
    for key in ("groupId", "artifactId", "version"):
        if value := project.value(key) or project.value("parent", key):
            found |= {f"{prefix}{key}": value for prefix in ("project.", "pom.", "")}
        if value := project.value("parent", key):
            found[f"project.parent.{key}"] = value
    return found


def _places(project: XmlNode) -> Iterator[XmlNode]:
    yield project
    yield from project.all("profiles", "profile")


def _learn(model: _Model, project: XmlNode) -> None:
    for place in _places(project):
        own = {node.name: node.text for node in _under(place, "properties") if len(node.text) <= _LONGEST}
        model.properties = own | model.properties
    model.properties = _properties(project) | model.properties


def _add(model: _Model, project: XmlNode) -> None:
    known: dict[_Key, str] = model.dependencies[0] if model.dependencies else {}
    for number, place in enumerate(_places(project)):
        own = model.versions(place.all("dependencies", "dependency"))
        # Whether a profile is active is not known here: what it adds or changes is added to what holds without it.
        model.dependencies.append({key: version for key, version in own.items() if number or key not in known})
        managed = model.versions(place.all("dependencyManagement", "dependencies", "dependency"))
        model.managed = {key: version for key, version in managed.items() if version} | model.managed


def _under(place: XmlNode, name: str) -> Iterator[XmlNode]:
    for section in place.all(name):
        yield from section.children


def _projects(lockfile: Lockfile) -> Iterator[XmlNode]:
    part: Lockfile | None = lockfile
    for _ in range(_GENERATIONS):
        if part is None:
            return
        project = xml_root(part)
        if project.name != "project":
            raise part.fail(f"the root element is {project.name}, not project")
        yield project
        path = _parent_path(part.path, project)
        content = lockfile.siblings.get(path) if path else None
        part = Lockfile(path, content, lockfile.siblings) if path and content is not None else None


def _parent_path(path: str, project: XmlNode) -> str | None:
    parents = list(project.all("parent"))
    if not parents:
        return None
    # An empty relativePath says: look in the repository, not beside.
    given = [node.text for node in parents[0].all("relativePath")]
    relative = given[0] if given else "../pom.xml"
    if not relative:
        return None
    relative = relative if relative.endswith(".xml") else f"{relative}/pom.xml"
    return normpath(f"{PurePosixPath(path).parent}/{relative}")


def _read(lockfile: Lockfile) -> Iterator[LockedPackage]:
    model, projects = _Model(), list(_projects(lockfile))
    for project in projects:
        _learn(model, project)
    for project in projects:
        _add(model, project)
    for declared in model.dependencies:
        for key, written in declared.items():
            version = model.fill(written or model.managed.get(key, ""))
            yield LockedPackage("Maven", f"{key[0]}:{key[1]}", _version(version))


def _version(text: str | None) -> str | None:
    if not text:
        return None
    bounds = _RANGE.match(text)
    return (bounds[1] if bounds else text) or None


def _wanted(path: str, content: bytes | None) -> tuple[str, ...]:
    if content is None:
        return ()
    try:
        parent = _parent_path(path, xml_root(Lockfile(path, content)))
    except LockfileError:
        return ()
    return (parent,) if parent and not parent.startswith("..") else ()


FORMATS = (Format(named("pom.xml"), _read, _wanted),)
