"""Settings from their four places: defaults < file < environment < flags.

A file is YAML or JSON; an environment variable is VETBOOK_SECTION__KEY. Wrong values are refused with
their range, unknown keys are named in a warning with the nearest known one.
"""

import copy
import difflib
import os
import re
import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from tasks.errors import SettingsError
from tasks.http.redaction import redact
from tasks.settings.file import read_settings_file
from tasks.settings.former import INERT_KEYS, INERT_SECTIONS, SHARED_KEYS
from tasks.settings.model import Settings
from tasks.text.keyed import GivenTwice, read_keyed

PREFIX = "VETBOOK_"
_PATHS = (("offline", "snapshot"), ("sources", "ca_bundle"), ("decisions", "file"))

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and one line for each key that had no effect."""

    settings: Settings
    warnings: tuple[str, ...]


def load_settings(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Loaded:
    """Merge the four places into one Settings; SettingsError names the key, the value and the range."""
    tree: Tree = {}
    variables = os.environ if environment is None else environment
    for layer in (_from_file(file), _from_environment(variables), copy.deepcopy(dict(flags or {}))):
        _overlay(tree, layer)
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        raise SettingsError(_first_problem(error)) from error
    return Loaded(settings, tuple(_unknown_keys(settings)))


def _from_file(path: Path | None) -> Tree:
    if path is None:
        return {}
    tree = read_settings_file(path, "section")
    if not all(isinstance(v, dict | None) for v in tree.values()):
        raise SettingsError(f"{path}: holds no sections; write 'section:' and the keys indented below it")
    return _located({str(k): dict(v or {}) for k, v in tree.items()}, path)


def _located(tree: Tree, path: Path) -> Tree:
    """Paths in a file mean paths from that file's folder."""
    for section, key in _PATHS:
        named = tree.get(section, {}).get(key)
        if isinstance(named, str):
            tree[section][key] = str(path.resolve().parent / named)
    return tree


def _from_environment(environment: Mapping[str, str]) -> Tree:
    tree: Tree = {}
    for name, text in sorted(environment.items()):
        keys = name.removeprefix(PREFIX).lower().split("__")
        if name.startswith(PREFIX) and len(keys) > 1:
            branch: Any = tree
            for key in keys[:-1]:
                branch = branch.setdefault(key, {})
                if not isinstance(branch, dict):
                    raise SettingsError(f"{name}: a shorter variable sets the same key; set one of the two")
            branch[keys[-1]] = _variable(name, text)
    return tree


def _variable(name: str, text: str) -> Any:
    """A variable's value: text, or a mapping or list written as YAML or JSON."""
    if not text.startswith(("{", "[")):
        return text
    try:
        return read_keyed(text)
    except GivenTwice as error:
        raise SettingsError(f"{name}: {error}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError(f"{name}: not YAML or JSON; mend the variable") from error


def _overlay(base: Tree, layer: Tree) -> None:
    """Put one layer over another, key by key, with each key at the place and under the name the model has for it."""
    for section, values in _placed(layer).items():
        target = base.setdefault(section, {})
        for key, value in values.items():
            if isinstance(value, dict) and isinstance(target.get(key), dict):
                _merge(target[key], value)
            else:
                target[key] = value


def _merge(target: Tree, values: Tree) -> None:
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        else:
            target[key] = value


def _placed(layer: Tree) -> dict[str, Tree]:
    """A layer with every key under its first name; what `batch_processing:` says itself goes before `processing:`."""
    placed = {section: _named(section, values) for section, values in layer.items() if isinstance(values, dict)}
    for section, shared in SHARED_KEYS.items():
        for key in shared & set(placed.get(section, ())):
            value = placed[section].pop(key)
            placed.setdefault("batch_processing", {}).setdefault(_canonical("batch_processing", key), value)
    return placed


def _named(section: str, values: Tree) -> Tree:
    """Keys under their first names; where a section knows a key by both, the first name counts."""
    second_names = [key for key in values if _canonical(section, key) != key]
    named = {key: value for key, value in values.items() if key not in second_names}
    for key in second_names:
        named.setdefault(_canonical(section, key), values[key])
    return named


def _canonical(section: str, key: str) -> str:
    """A key's first name, so that a flag overrides a file that used the other one."""
    field = Settings.model_fields.get(section)
    model = field.annotation if field else None
    if isinstance(model, type) and issubclass(model, BaseModel):
        for name, info in model.model_fields.items():
            if key in getattr(info.validation_alias, "choices", ()):
                return name
    return key


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"] if part != "[key]")
    value = first.get("input")
    shown = "" if isinstance(value, dict | list | BaseModel) else f" (is {_shown(value)})"
    more = len(error.errors()) - 1
    message = first["msg"].removeprefix("Value error, ")
    return f"setting {place}{shown}: {message}{_range_of(first['loc'])}" + (f"; and {more} more" if more else "")


def _shown(value: Any) -> str:
    """A refused value, short, without credentials: those of an address stand before "@", its scheme left out or not."""
    return reprlib.repr(re.sub(r"^/*[^/\s]*@", "[hidden]@", redact(value)) if isinstance(value, str) else value)


def _range_of(place: tuple[int | str, ...]) -> str:
    model: Any = Settings
    info: FieldInfo | None = None
    for part in place:
        fields = model.model_fields if isinstance(model, type) and issubclass(model, BaseModel) else {}
        info = next((f for n, f in fields.items() if part in (n, *getattr(f.validation_alias, "choices", ()))), None)
        model = info.annotation if info else None
    bounds = {k: getattr(m, k) for m in (info.metadata if info else ()) for k in ("ge", "gt", "le") if hasattr(m, k)}
    if "le" not in bounds:
        return ""
    low = f"{bounds['ge']}" if "ge" in bounds else f"above {bounds.get('gt')}"
    return f" (allowed: {low} to {bounds['le']})"


def _unknown_keys(settings: Settings) -> Iterator[str]:
    for section in settings.model_extra or {}:
        if section in INERT_SECTIONS | set(INERT_KEYS):
            yield f"settings section {section} is of an older tool and has no effect here"
        else:
            yield _unknown("section", section, list(Settings.model_fields))
    for name in Settings.model_fields:
        yield from _unknown_in(name, getattr(settings, name), INERT_KEYS.get(name, frozenset()))


def _unknown_in(place: str, section: BaseModel, inert: frozenset[str]) -> Iterator[str]:
    for key in section.model_extra or {}:
        if key in inert:
            yield f"setting {place}.{key} is of an older tool and has no effect here"
        else:
            known = {*_names(type(section)), *SHARED_KEYS.get(place, ())}
            yield _unknown("key", f"{place}.{key}", [f"{place}.{name}" for name in sorted(known)])
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from _unknown_in(f"{place}.{name}", value, frozenset())


def _names(model: type[BaseModel]) -> Iterator[str]:
    for name, info in model.model_fields.items():
        yield name
        yield from (choice for choice in getattr(info.validation_alias, "choices", ()) if isinstance(choice, str))


def _unknown(kind: str, name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"settings {kind} {name} is not known and has no effect" + (f"; did you mean {near[0]}?" if near else "")
