"""Which projects a project requires, from the requirement lines of its metadata (PEP 508)."""

import re
from collections.abc import Iterable

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

__all__ = ["bounding", "needs_extra", "required_names"]

# One comparison of a marker as `str(Marker)` writes it: two operands, each a quoted text or a variable.
_OPERAND = r"""(?:"[^"]*"|'[^']*'|[A-Za-z_.]+)"""
_COMPARISON = re.compile(rf"({_OPERAND})\s*(===|==|~=|!=|<=|>=|<|>|not\s+in|in)\s*({_OPERAND})")
_BOUND = re.compile(r"[<~]|==|!=")
_BOUNDS = frozenset({"<", "<=", "==", "===", "~=", "!="})
_EXTRA = frozenset({"extra", "extras"})

_LONGEST = 1_000
"""Characters of a line that is read; a number of thousands of digits makes every later comparison fail."""

_REDUCTIONS = (
    (re.compile(r"\(\s*([TF])\s*\)"), lambda m: m[1]),
    (re.compile(r"([TF])\s+and\s+([TF])"), lambda m: "T" if m[1] == m[2] == "T" else "F"),
    # Only between values that no "and" claims: "and" binds more tightly.
    (re.compile(r"(?<!and )([TF])\s+or\s+([TF])(?!\s+and)"), lambda m: "T" if "T" in (m[1], m[2]) else "F"),
)


def required_names(lines: Iterable[object]) -> tuple[str, ...]:
    """Names as written, in order, each project once; what only an extra asks for and malformed lines are left out."""
    names: dict[str, str] = {}
    for line in lines:
        requirement = _parsed(line)
        if requirement is not None and not (requirement.marker and needs_extra(requirement.marker)):
            names.setdefault(canonicalize_name(requirement.name), requirement.name)
    return tuple(names.values())


def bounding(lines: Iterable[object]) -> tuple[str, ...]:
    """The requirements that exclude later versions, in order; what only an extra asks for is left out."""
    # Most lines have no such operator and need not be parsed.
    likely = (_parsed(line) for line in lines if isinstance(line, str) and _BOUND.search(line.partition(";")[0]))
    found = (r for r in likely if r is not None and any(s.operator in _BOUNDS for s in r.specifier))
    return tuple(str(r) for r in found if not (r.marker and needs_extra(r.marker)))


def needs_extra(marker: Marker) -> bool:
    """Whether the marker holds only where an extra is asked for, on whatever platform and Python."""
    text = _COMPARISON.sub(lambda m: "F" if _asks_for_extra(m) else "T", str(marker))
    for _ in range(len(text)):
        reduced = text
        for pattern, value in _REDUCTIONS:
            reduced = pattern.sub(value, reduced)
        if reduced == text:
            break
        text = reduced
    return text.strip() == "F"


def _asks_for_extra(comparison: re.Match[str]) -> bool:
    left, operator, right = comparison.groups()
    return bool(_EXTRA & {left, right}) and operator in ("==", "===", "in")


def _parsed(line: object) -> Requirement | None:
    if not isinstance(line, str) or len(line) > _LONGEST:
        return None
    try:
        return Requirement(line)
    except (InvalidRequirement, RecursionError):
        return None
