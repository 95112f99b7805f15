"""pom.xml: direct dependencies, with properties and managed versions as far as the file and its parents at hand tell.

A dependency without a version there has None; of a range the lower bound is named.
Sources: https://maven.apache.org/pom.html and https://maven.apache.org/guides/introduction/introduction-to-dependency-mechanism.html.
"""

import re
from collections.abc import Iterator
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


@dataclass(slots=True)
class _Model:
    """What a project and its parents say together; the child's word comes first."""

    properties: dict[str, str] = field(default_factory=dict)
    managed: dict[tuple[str, str], str] = field(default_factory=dict)
    dependencies: list[tuple[str, str, str]] = field(default_factory=list)

    def fill(self, text: str) -> str | None:
        """text with its properties filled in, None where one is not known."""
        for _ in range(_ROUNDS):
            if "${" not in text or len(text) > _LONGEST:
                break
            text = _PROPERTY.sub(lambda found: self.properties.get(found[1], found[0]), text)
        return None if "${" in text or len(text) > _LONGEST else text.strip()


def _coordinates(node: XmlNode) -> tuple[str, str, str]:
    return node.value("groupId"), node.value("artifactId"), node.value("version")


def _properties(project: XmlNode) -> dict[str, str]:
    found = {node.name: node.text for section in project.all("properties") for node in section.children}
    for key in ("groupId", "artifactId", "version"):
        value = project.value(key) or project.value("parent", key)
        if value:
            found.setdefault(f"project.{key}", value)
            found.setdefault(f"pom.{key}", value)
    for key in ("groupId", "artifactId", "version"):
        if value := project.value("parent", key):
            found.setdefault(f"project.parent.{key}", value)
    return found


def _places(project: XmlNode) -> Iterator[XmlNode]:
    yield project
    yield from project.all("profiles", "profile")


def _add(model: _Model, project: XmlNode) -> None:
    model.properties = _properties(project) | model.properties
    for place in _places(project):
        model.properties = {node.name: node.text for node in _under(place, "properties")} | model.properties
        model.dependencies += [_coordinates(node) for node in place.all("dependencies", "dependency")]


def _under(place: XmlNode, name: str) -> Iterator[XmlNode]:
    for section in place.all(name):
        yield from section.children


def _manage(model: _Model, project: XmlNode) -> None:
    for place in _places(project):
        for node in place.all("dependencyManagement", "dependencies", "dependency"):
            group, artifact, version = _coordinates(node)
            key = (model.fill(group) or group, model.fill(artifact) or artifact)
            if version:
                model.managed.setdefault(key, version)


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
        _add(model, project)
    for project in projects:
        _manage(model, project)
    for group, artifact, version in model.dependencies:
        names = model.fill(group), model.fill(artifact)
        if names[0] and names[1]:
            written = version or model.managed.get((names[0], names[1]), "")
            yield LockedPackage("Maven", f"{names[0]}:{names[1]}", _version(model.fill(written)))


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
