"""One entry of a plain list as an indicator.

An entry has `ecosystem` and `name`, or `purl`, and what is malicious: `versions` (a list, or text with "," or ";" or
"|" between; "*" or nothing means every version), or `range` (">=1.0, <2.0"). `source`, `note` and `id` are shown with
a finding, `withdrawn` takes an entry back, `allow` makes it one of the allow list. Whatever would match nothing, or
something else than it says, is an error: a list that is read wrong finds nothing, which looks like safety.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from tasks.indicators.interface import Indicator, Interval
from tasks.indicators.names import ecosystem_of, is_ecosystem
from tasks.indicators.ranges import ANY, intervals_of_text
from tasks.lockfiles.purl import parse_purl

__all__ = ["field_of", "indicator_of", "is_set"]

_FALSE = frozenset({"", "0", "false", "no", "none", "null"})
_EVERY = frozenset({"*", "all", "any", "all versions", "any version", "every version"})
_FIELDS = MappingProxyType(
    {
        "ecosystem": "ecosystem registry packagemanager",
        "name": "name package packagename",
        "versions": "versions version packageversion packageversions affectedversion affectedversions"
        " maliciousversion maliciousversions compromisedversion compromisedversions badversions",
        "range": "range ranges versionrange affectedrange affectedranges vulnerableversionrange",
        "purl": "purl packageurl",
        "source": "source reference url link",
        "note": "note notes description comment summary",
        "id": "id",
        "withdrawn": "withdrawn",
        "allow": "allow",
    }
)
_FIELD_OF = MappingProxyType({word: field for field, words in _FIELDS.items() for word in words.split()})
_NAMED_WITH_VERSION = re.compile(r"(?P<name>.[^@=]*)(?:@|==)(?P<version>[^@=]+)")
_BRANCHES = frozenset({"Packagist", "GitHub Actions", "SwiftURL"})
"""Ecosystems where a branch's name is a version."""

_NOT_EXACT = re.compile(r"[\^~!]|.*(?:^|\.)[xX*](?:\.|$)")


def field_of(header: str) -> str | None:
    """The field that a column or key stands for, however it is spelled; None for one that says nothing of ours."""
    return _FIELD_OF.get(re.sub(r"[\W_]+", "", header.lower()))


def is_set(entry: Mapping[str, Any], flag: str) -> bool:
    """Whether an entry's flag ("withdrawn", "allow") says yes, in any word but those for no."""
    values = [value for key, value in entry.items() if field_of(str(key)) == flag and value is not None]
    return any(str(value).strip().lower() not in _FALSE for value in values)


def indicator_of(entry: Mapping[str, Any], file_name: str) -> Indicator:
    """The indicator that an entry of the list `file_name` makes. ValueError says what is not understood."""
    fields = _fields(entry)
    ecosystem, name, named = _identity(fields)
    versions, ranges = _versions(ecosystem, fields.get("versions"))
    versions += tuple(one for one in named if one not in versions)
    if named and len(versions) > len(named):
        raise ValueError(f"{name} is named with version {named[0]}, and versions say otherwise")
    ranges += tuple(_ranges(fields.get("range")))
    is_any = "*" in versions or ANY in ranges or not (versions or ranges)
    return Indicator(
        ecosystem=ecosystem,
        name=name,
        id=str(fields.get("id") or f"{file_name}: {name}"),
        source=str(fields.get("source") or file_name),
        versions=() if is_any else versions,
        intervals=() if is_any else ranges,
        is_any=is_any,
        note=str(fields.get("note") or ""),
    )


def _fields(entry: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in entry.items():
        field = field_of(str(key))
        # Of two columns for one field the first that says something counts.
        if field is not None and found.get(field) in (None, "", [], ()):
            found[field] = value
    unknown = next((key for key in entry if field_of(str(key)) is None and "version" in str(key).lower()), None)
    if unknown is not None and not {"versions", "range", "purl"} & found.keys():
        raise ValueError(f"{str(unknown)[:60]!r} is not known; call it versions (exact ones) or range")
    return found


def _identity(fields: Mapping[str, Any]) -> tuple[str, str, tuple[str, ...]]:
    """Ecosystem, name, and the version that the name itself tells, if any."""
    if address := _plain("purl", fields.get("purl")):
        purl = parse_purl(address)
        if purl is None:
            raise ValueError(f"{address[:60]!r} is no package URL such as pkg:npm/name@1.0.0")
        return ecosystem_of(purl.ecosystem), purl.osv_name, (purl.osv_version,) if purl.osv_version else ()
    ecosystem, name = _plain("ecosystem", fields.get("ecosystem")), _plain("name", fields.get("name"))
    if not ecosystem or not name:
        raise ValueError("ecosystem and name must be given")
    if not is_ecosystem(ecosystem):
        raise ValueError(f"ecosystem {ecosystem[:60]!r} is not known; write it as OSV does, for example npm or PyPI")
    ecosystem = ecosystem_of(ecosystem)
    # A Swift package is an address, which may begin with git@.
    found = _NAMED_WITH_VERSION.fullmatch(name) if ecosystem != "SwiftURL" else None
    name, named = (found["name"].strip(), (found["version"].strip(),)) if found else (name, ())
    if re.search(r"\s|==", name) or ("@" in name[1:] and ecosystem != "SwiftURL"):
        raise ValueError(f"{name[:60]!r} is no package's name")
    return ecosystem, name, tuple(_exact(ecosystem, one) for one in named)


def _plain(field: str, value: Any) -> str:
    """Text as a registry would write it: without invisible characters, and with the dots of `example[.]org`."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{field} {value!r} is not text; put it in quotes")  # noqa: TRY004  one error for all
    shown = "".join(c for c in str(value) if unicodedata.category(c) != "Cf")
    return shown.replace("[.]", ".").strip()


def _versions(ecosystem: str, value: Any) -> tuple[tuple[str, ...], tuple[Interval, ...]]:
    """Exact versions ("*": every one), and ranges where comparisons are written among them."""
    exact: list[str] = []
    ranges: list[Interval] = []
    for text in _texts(value):
        if text.lower() in _EVERY:
            exact.append("*")
        elif re.search(r"[<>]", text):
            ranges += intervals_of_text(text)
        else:
            exact += (_exact(ecosystem, part) for part in re.split(r"[,;|\s]+", text) if part)
    return tuple(exact), tuple(ranges)


def _texts(value: Any) -> Iterator[str]:
    parts = value if isinstance(value, list | tuple | set | frozenset) else [value]
    for part in parts:
        if isinstance(part, float):
            raise ValueError(f"version {part} is written as a number, which loses digits; put it in quotes")  # noqa: TRY004
        if isinstance(part, bool | dict | list):
            raise ValueError(f"version {part!r} is not text; put it in quotes")  # noqa: TRY004  one error for all
        if part is not None and (text := str(part).strip()):
            yield text


def _exact(ecosystem: str, text: str) -> str:
    version = "".join(c for c in text if unicodedata.category(c) != "Cf").lstrip("=")
    if version == "*":
        return version
    if _NOT_EXACT.match(version) or not (any(c.isdigit() for c in version) or ecosystem in _BRANCHES):
        raise ValueError(f"version {text[:60]!r} is no exact version; write a range such as >=1.0, <2.0, or *")
    return version


def _ranges(value: Any) -> Iterator[Interval]:
    if value is None or value == "":
        return
    texts: Iterable[Any] = value if isinstance(value, list | tuple) else [value]
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"range {text!r} is not text such as >=1.0, <2.0")  # noqa: TRY004  one error for all
        yield from intervals_of_text(text)
