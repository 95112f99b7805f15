"""Indicator lists of an older scanner: Python files with `IOC_PACKAGES = {...}`, read as data and never executed."""

import ast
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["python_entries"]

_ECOSYSTEMS = {"IOC_PACKAGES": "npm", "MAVEN_IOC_PACKAGES": "Maven"}
"""Those lists name no ecosystem: plain ones were made for npm, the others for Maven."""


def python_entries(text: str) -> Iterator[Mapping[str, Any]]:
    """The entries of a file's literal dictionaries: name to versions, None for every version.

    ValueError where the file is no Python, or a dictionary is anything but literals.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"not a Python file: {error}") from error
    _refuse_changes(tree)
    found = False
    for name, node in _assignments(tree):
        found = True
        for package, versions in _literal(name, node):
            yield {"ecosystem": _ECOSYSTEMS[name], "name": package, "versions": _plain(name, package, versions)}
    if not found:
        raise ValueError("holds neither IOC_PACKAGES nor MAVEN_IOC_PACKAGES")


def _assignments(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else ()
        if isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets = [statement.target]
        for target in targets:
            if isinstance(target, ast.Name) and target.id in _ECOSYSTEMS:
                value = statement.value  # type: ignore[attr-defined]  # both kinds of assignment have one
                yield target.id, value


def _refuse_changes(tree: ast.Module) -> None:
    """ValueError where a list is added to after its assignment, which only running the file would tell."""
    for node in ast.walk(tree):
        match node:
            case (
                ast.AugAssign(target=ast.Name(id=name))
                | ast.Attribute(value=ast.Name(id=name), attr="update" | "setdefault")
            ):
                pass
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store()):
                pass
            case _:
                continue
        if name in _ECOSYSTEMS:
            raise ValueError(f"{name} is changed in line {node.lineno}; write all entries where it is assigned")


def _literal(name: str, node: ast.expr) -> list[tuple[str, Any]]:
    """Pair by pair: a package that is named twice, for two incidents, counts with the versions of both."""
    parts = zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ()
    try:
        ast.literal_eval(node)
        pairs = [(ast.literal_eval(key) if key else None, ast.literal_eval(value)) for key, value in parts]
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(
            f"{name} (line {node.lineno}) is not made of literals only; it is read, not executed"
        ) from error
    named = [(key, versions) for key, versions in pairs if isinstance(key, str)]
    if not isinstance(node, ast.Dict) or len(named) < len(pairs):
        raise ValueError(f"{name} (line {node.lineno}) is not a dictionary of package names")
    return named


def _plain(name: str, package: str, versions: Any) -> list[str] | None:
    if versions is None:
        return None
    if isinstance(versions, str) or not isinstance(versions, list | tuple | set | frozenset):
        raise ValueError(f"{name}[{package!r}] is neither None nor a list of versions")  # noqa: TRY004  one error
    if not versions:
        raise ValueError(f"{name}[{package!r}] names no version; write None for every version")
    return sorted(str(version) for version in versions)
