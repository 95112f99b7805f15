"""OSV records read into `Advisory` values, and written back as small OSV records for storing.

Source: OSV schema (https://ossf.github.io/osv-schema/). Unknown keys are ignored and absent or null lists are empty, as
later schema versions and careless databases need; what is there must have the schema's type, because a record
half understood could read as safe.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tasks.advisories.model import Advisory, Affected, Event, EventKind
from tasks.advisories.severity import label_severity
from tasks.advisories.shapes import Shape

__all__ = ["from_plain", "parse_advisory", "to_plain"]

_VECTOR_TYPES = frozenset({"CVSS_V3", "CVSS_V4"})
_LONGEST_SUMMARY = 200
_EVENT_KINDS = tuple((kind.value, kind) for kind in EventKind)


def parse_advisory(record: Mapping[str, Any]) -> Advisory:
    """Read one decoded OSV record; raises SourceAnswerInvalid, naming the record, where its shape is not the schema's.

    Entries of all ecosystems are kept; GIT ranges (they need the repository), entries without a package (those
    have nothing else) and CVSS_V2 vectors are not.
    Without a summary the first line of the details stands in; both are cut at 200 characters.
    """
    shape = Shape.of(record)
    name = shape.identifier("id")
    aliases = dict.fromkeys(alias.strip() for alias in shape.texts("aliases"))
    return Advisory(
        id=name,
        modified=shape.text("modified"),
        aliases=tuple(alias for alias in aliases if alias and alias != name),
        withdrawn=shape.is_set("withdrawn"),
        summary=_summary(shape),
        affected=tuple(_affected(entry) for entry in shape.shapes("affected") if entry.shape("package").value),
        vectors=_vectors(shape),
        label=label_severity(shape.free("database_specific").get("severity")),
    )


def to_plain(advisory: Advisory) -> dict[str, Any]:
    """A JSON-able dict, itself a small OSV record, that `from_plain` reads back to an equal advisory.

    Equal for every advisory that `parse_advisory` made; `withdrawn` is true where the record had a time.
    """
    plain: dict[str, Any] = {
        "id": advisory.id,
        "modified": advisory.modified,
        "aliases": list(advisory.aliases),
        "withdrawn": advisory.withdrawn,
        "summary": advisory.summary,
        "severity": _plain_vectors(advisory.vectors),
        "database_specific": {"severity": advisory.label.value},
        "affected": [_plain_affected(entry) for entry in advisory.affected],
    }
    return {key: value for key, value in plain.items() if value}


def from_plain(plain: Mapping[str, Any]) -> Advisory:
    """Read back what `to_plain` wrote; raises SourceAnswerInvalid where it no longer is that."""
    return parse_advisory(plain)


def _summary(shape: Shape) -> str:
    lines = (shape.text("summary") or shape.text("details")).strip().splitlines()
    return lines[0][:_LONGEST_SUMMARY].strip() if lines else ""


def _affected(shape: Shape) -> Affected:
    package = shape.shape("package")
    return Affected(
        ecosystem=package.required("ecosystem"),
        name=package.required("name"),
        versions=shape.texts("versions"),
        ranges=tuple(tuple(_events(item)) for item in shape.shapes("ranges") if item.text("type") != "GIT"),
        vectors=_vectors(shape),
    )


def _events(shape: Shape) -> Iterator[Event]:
    for event in shape.shapes("events"):
        for key, kind in _EVENT_KINDS:
            if key in event.value and (version := event.text(key)):
                yield Event(kind, version)


def _vectors(shape: Shape) -> tuple[str, ...]:
    items = shape.shapes("severity")
    return tuple(item.text("score").strip() for item in items if item.text("type") in _VECTOR_TYPES)


def _plain_affected(entry: Affected) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "package": {"ecosystem": entry.ecosystem, "name": entry.name},
        "versions": list(entry.versions),
        "ranges": [
            {"type": "ECOSYSTEM", "events": [{event.kind.value: event.version} for event in events]}
            for events in entry.ranges
        ],
        "severity": _plain_vectors(entry.vectors),
    }
    return {key: value for key, value in plain.items() if value}


def _plain_vectors(vectors: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"type": "CVSS_V4" if vector.startswith("CVSS:4") else "CVSS_V3", "score": vector} for vector in vectors]
