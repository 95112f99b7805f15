"""Advisories that share an id or an alias are one vulnerability.

Source: OSV schema, "aliases field" (https://ossf.github.io/osv-schema/#aliases-field): aliases are symmetric and
transitive. `related` and `upstream` are not aliases and join nothing.
"""

from collections.abc import Iterable

from tasks.advisories.model import Advisory

__all__ = ["group_by_alias"]


def group_by_alias(advisories: Iterable[Advisory]) -> tuple[tuple[Advisory, ...], ...]:
    """A partition of the advisories (one per id) into vulnerabilities, each sorted by id, in order of first ids.

    Two that share only a third name, such as one CVE, belong together as well; so do the ends of a longer chain.
    """
    members = sorted(advisories, key=lambda advisory: advisory.id)
    parents: dict[str, str] = {}
    for advisory in members:
        for alias in advisory.aliases:
            parents[_root(parents, alias)] = _root(parents, advisory.id)
    groups: dict[str, list[Advisory]] = {}
    for advisory in members:
        groups.setdefault(_root(parents, advisory.id), []).append(advisory)
    return tuple(tuple(group) for group in groups.values())


def _root(parents: dict[str, str], name: str) -> str:
    while (parent := parents.setdefault(name, name)) != name:
        # Halving the path keeps long alias chains from costing quadratic time.
        parents[name] = name = parents[parent]
    return name
