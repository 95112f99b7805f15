"""NuGet's packages.lock.json and packages.config.

Sources: https://learn.microsoft.com/nuget/consume-packages/package-references-in-project-files#locking-dependencies and
https://learn.microsoft.com/nuget/reference/packages-config.
"""

from collections.abc import Iterator

from tasks.lockfiles.interface import Format, LockedPackage, Lockfile, named
from tasks.lockfiles.reading import json_object, mapping, needs_one_of, text_or_none, xml_root

__all__ = ["FORMATS"]


def _locked(lockfile: Lockfile) -> Iterator[LockedPackage]:
    document = json_object(lockfile)
    needs_one_of(lockfile, document, "version", "dependencies")
    frameworks = document.get("dependencies", {})
    if not isinstance(frameworks, dict):
        raise lockfile.fail("dependencies is not an object")
    for framework, packages in frameworks.items():
        if not isinstance(packages, dict):
            raise lockfile.fail(f"dependencies: {framework} is not an object")
        for name, entry in packages.items():
            details = mapping(entry)
            if str(details.get("type", "")).lower() != "project":
                yield LockedPackage("NuGet", name, text_or_none(details.get("resolved")))


def _config(lockfile: Lockfile) -> Iterator[LockedPackage]:
    root = xml_root(lockfile)
    if root.name != "packages":
        raise lockfile.fail(f"the root element is {root.name}, not packages")
    for node in root.all("package"):
        if name := node.attributes.get("id"):
            yield LockedPackage("NuGet", name, node.attributes.get("version") or None)


def _is_config(name: str) -> bool:
    return name.lower() == "packages.config"


FORMATS = (
    Format(named("packages.lock.json"), _locked),
    Format(lambda path: _is_config(path.name), _config),
)
