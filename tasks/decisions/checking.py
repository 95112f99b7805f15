"""From a row of texts to a decision, or to the one reason why it is none."""

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime

from tasks.advisories.model import Severity
from tasks.advisories.versions import parse_version
from tasks.decisions.interface import Cell, RawRow
from tasks.decisions.model import Decision, DecisionKind, Decisions, Refusal
from tasks.workbook.rows import parse_name

__all__ = ["FIELDS", "checked", "field_of"]

FIELDS = (
    "package",
    "advisory",
    "decision",
    "owner",
    "reason",
    "expiry",
    "version",
    "decided_on",
    "severity",
    "known_exploited",
)
"""The fields of a decision; the first six must be there."""

_REQUIRED = FIELDS[:6]
_SAME = {
    "package_name": "package",
    "advisory_id": "advisory",
    "advisory_id_or_alias": "advisory",
    "id": "advisory",
    "cve": "advisory",
    "expires": "expiry",
    "expires_on": "expiry",
    "expiry_date": "expiry",
    "valid_until": "expiry",
    "decision_date": "decided_on",
}
_LONGEST = 500
_ADVISORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{2,99}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_YES_NO = {"yes": True, "true": True, "no": False, "false": False}


def field_of(name: str) -> str:
    """A field's name out of a key or header as people write it ("Expiry date", "decided-on")."""
    plain = re.sub(r"[\W_]+", "_", name.strip().casefold()).strip("_")
    return _SAME.get(plain, plain)


def checked(rows: Iterable[RawRow]) -> Decisions:
    """The decisions among the rows, and one refusal for each of the others."""
    valid: list[Decision] = []
    refused: list[Refusal] = []
    for row in rows:
        try:
            valid.append(_decision(row))
        except ValueError as error:
            refused.append(Refusal(row.place, str(error)))
    return Decisions(tuple(valid), tuple(refused))


def _decision(row: RawRow) -> Decision:
    """The decision of a row; ValueError with what is wrong and what to do."""
    if row.problem is not None:
        raise ValueError(row.problem)
    cells = _named(row.cells)
    missing = [name for name in _REQUIRED if not _text(cells.get(name))]
    if missing:
        raise ValueError(f"no {' and no '.join(missing)}; fill it in")
    found = Decision(
        package=_short(cells, "package"),
        project=_project(_short(cells, "package")),
        advisory=_advisory(_short(cells, "advisory")),
        kind=_kind(_short(cells, "decision")),
        owner=_short(cells, "owner"),
        reason=_short(cells, "reason"),
        expiry=_date("expiry", cells["expiry"]),
        place=row.place,
        version=_version(_text(cells.get("version"))),
        decided_on=_date("decided_on", cells["decided_on"]) if _text(cells.get("decided_on")) else None,
        severity=_severity(_text(cells.get("severity"))),
        known_exploited=_yes_no(_text(cells.get("known_exploited"))),
    )
    if found.decided_on is not None and found.expiry < found.decided_on:
        raise ValueError(f"expiry {found.expiry} is before decided_on {found.decided_on}; correct one of them")
    return found


def _named(cells: Mapping[str, Cell]) -> dict[str, Cell]:
    named: dict[str, Cell] = {}
    for written, value in cells.items():
        name = field_of(written)
        if name not in FIELDS:
            raise ValueError(f"{written[:60]!r} is no field of a decision{_near(name, FIELDS)}; correct or remove it")
        if name in named:
            raise ValueError(f"{name} is given twice; keep one")
        named[name] = value
    return named


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {near[0]}?" if near else ""


def _text(value: Cell | None) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return (value or "").strip()


def _short(cells: Mapping[str, Cell], name: str) -> str:
    text = " ".join(_text(cells[name]).split())
    if len(text) > _LONGEST:
        raise ValueError(f"{name} has {len(text)} characters; at most {_LONGEST} are kept, shorten it")
    return text


def _project(name: str) -> str:
    found = parse_name(name)
    if not found.project:
        raise ValueError(f"{name!r} is no package name; write it as in the package column")
    return found.project


def _advisory(text: str) -> str:
    if not _ADVISORY.fullmatch(text):
        raise ValueError(f"{text!r} is no advisory id; name one, such as CVE-2024-12345 or GHSA-..., per row")
    return text.upper()


def _kind(text: str) -> DecisionKind:
    plain = re.sub(r"[\W_]+", "_", text.casefold()).strip("_")
    if plain not in set(DecisionKind):
        raise ValueError(f"{text!r} is no decision; write one of {', '.join(kind.words for kind in DecisionKind)}")
    return DecisionKind(plain)


def _date(name: str, value: Cell) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = value.strip()
    try:
        # fromisoformat also takes 20270131 and weeks, which people misread.
        return date.fromisoformat(text if _DATE.fullmatch(text) else "")
    except ValueError:
        raise ValueError(f"{name} {text[:60]!r} is no date; write YYYY-MM-DD, such as 2027-01-31") from None


def _version(text: str) -> str | None:
    if text and parse_version(text) is None:
        raise ValueError(
            f"version {text[:60]!r} is no version; write one such as 2.31.0, or leave it empty for every one"
        )
    return text or None


def _severity(text: str) -> Severity | None:
    if text and text.upper() not in set(Severity):
        raise ValueError(f"severity {text[:60]!r} is none of {', '.join(s.value for s in reversed(Severity))}")
    return Severity(text.upper()) if text else None


def _yes_no(text: str) -> bool | None:
    if text and text.casefold() not in _YES_NO:
        raise ValueError(f"known_exploited {text[:60]!r} is neither yes nor no")
    return _YES_NO[text.casefold()] if text else None
