"""Indicators out of files, folders and zips of any known kind, told apart by their names and contents."""

import codecs
import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tasks.indicators.index import IndicatorIndex
from tasks.indicators.interface import Indicator, IndicatorError, Listed
from tasks.indicators.lists import csv_entries, listed, structured_entries, text_entries
from tasks.indicators.osv import indicators_of_record, is_malware, is_osv
from tasks.indicators.python_lists import python_entries
from tasks.indicators.stored import StoredIndicators, is_store
from tasks.text.keyed import GivenTwice, read_json, read_yaml

__all__ = ["Indicators", "load_indicators"]

_SUFFIXES = frozenset({".json", ".csv", ".yaml", ".yml", ".py", ".zip", ".jsonl"})
_MOST_BYTES = 256 << 20
_MOST_RECORD_BYTES = 16 << 20
_OF_MACOS = "__MACOSX/"
"""Where macOS puts what it adds to a zip: no JSON, whatever the names say."""

_MOST_YAML_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Indicators:
    """All lists together. digest (SHA-256) is equal for equal indicators, whatever files they came from.

    Call `close()` at the end: stores among them stay open.
    """

    index: IndicatorIndex
    count: int
    withdrawn: int
    warnings: tuple[str, ...]
    digest: str

    @property
    def stores(self) -> tuple[StoredIndicators, ...]:
        """The advisory stores among the lists."""
        return self.index.stores

    def close(self) -> None:
        """Close what is open."""
        for store in self.stores:
            store.close()


def load_indicators(paths: Iterable[Path], allow: Iterable[Path] = ()) -> Indicators:
    """Read every list; what `allow` lists name is never reported. IndicatorError names file, place and reason.

    An advisory store (`DATA_DIR/store/synced.sqlite`) is a list too: its records of malicious packages.
    """
    paths = list(paths)
    listed_ones = _joined(_load(path) for path in paths if not is_store(path))
    allowing = _joined(_load(path) for path in allow)
    allowed = (*listed_ones.allowed, *allowing.indicators, *allowing.allowed)
    stores = [StoredIndicators(path) for path in paths if is_store(path)]
    held = [store.summary for store in stores]
    return Indicators(
        index=IndicatorIndex.of(listed_ones.indicators, allowed, stores),
        count=len(listed_ones.indicators) + sum(sum(one.records.values()) for one in held),
        withdrawn=listed_ones.withdrawn + sum(one.withdrawn for one in held),
        warnings=(*listed_ones.warnings, *(line for store in stores for line in _unreadable(store))),
        digest=_digest(listed_ones.indicators, allowed, [one.digest for one in held]),
    )


def _digest(found: Iterable[Indicator], allowed: Iterable[Indicator], stores: Iterable[str]) -> str:
    digest = hashlib.sha256("\n".join(sorted(map(repr, {*found}))).encode())
    digest.update("\n".join(sorted(map(repr, {*allowed}))).encode())
    digest.update("\n".join(stores).encode())
    return digest.hexdigest()


def _unreadable(store: StoredIndicators) -> Iterator[str]:
    lost = store.summary.unreadable
    if lost:
        yield (
            f"{store.path}: {len(lost)} records of malicious packages cannot be read ({', '.join(lost[:3])}); packages"
            " that they name are listed as possible. Run python -m flows.sync --full"
        )


def _load(path: Path) -> Listed:
    try:
        if path.is_dir():
            return _noted(path, _folder(path))
        if not path.exists():
            raise IndicatorError(f"{path}: no such file or folder; name a list of indicators")
        return _noted(path, _zip(path) if zipfile.is_zipfile(path) else _file(path))
    except OSError as error:
        raise IndicatorError(f"{path}: cannot be read ({error.strerror}); check the file") from error


def _noted(path: Path, found: Listed) -> Listed:
    """What one list holds; that it holds nothing is said, for beside other lists nobody would notice."""
    if found.indicators or found.allowed or found.withdrawn or found.warnings:
        return found
    return Listed(warnings=(f"{path}: holds no indicator",))


def _folder(folder: Path) -> Listed:
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() in _SUFFIXES)
    if not paths:
        raise IndicatorError(f"{folder}: holds no list of indicators ({', '.join(sorted(_SUFFIXES))})")
    return _joined(_zip(path) if path.suffix.lower() == ".zip" else _file(path, only_malware=True) for path in paths)


def _joined(parts: Iterable[Listed]) -> Listed:
    indicators: list[Indicator] = []
    allowed: list[Indicator] = []
    warnings: list[str] = []
    withdrawn = 0
    for part in parts:
        indicators += part.indicators
        allowed += part.allowed
        warnings += part.warnings
        withdrawn += part.withdrawn
    return Listed(tuple(indicators), tuple(allowed), withdrawn, tuple(warnings))


def _zip(path: Path) -> Listed:
    try:
        with zipfile.ZipFile(path) as archive:
            if not any(name.lower().endswith(".json") for name in archive.namelist()):
                raise IndicatorError(f"{path}: a zip without records of OSV (.json); name a list of indicators")
            return _osv(_records_in(archive, path), str(path), only_malware=True)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise IndicatorError(f"{path}: the zip cannot be read ({error}); fetch it again") from error


def _records_in(archive: zipfile.ZipFile, path: Path) -> Iterator[Any]:
    for entry in archive.infolist():
        if not entry.filename.lower().endswith(".json") or entry.is_dir() or entry.filename.startswith(_OF_MACOS):
            continue
        if entry.file_size > _MOST_RECORD_BYTES:
            raise IndicatorError(f"{path}, {entry.filename}: larger than 16 MiB; not a record of OSV")
        value = _json(archive.read(entry), f"{path}, {entry.filename}")
        # A record may name no package; anything else in a zip of records is a list that nobody would miss.
        if not isinstance(value, dict) or not isinstance(value.get("id"), str):
            raise IndicatorError(
                f"{path}, {entry.filename}: not a record of OSV; give plain lists as files, not zipped"
            )
        yield value


def _file(path: Path, *, only_malware: bool = False) -> Listed:
    if path.stat().st_size > _MOST_BYTES:
        raise IndicatorError(f"{path}: larger than 256 MiB; give large collections as a zip of records")
    content = path.read_bytes()
    kind = path.suffix.lower()
    try:
        if kind == ".py":
            return listed(python_entries(_text(content)), path.name)
        if kind == ".csv":
            return listed(csv_entries(_text(content)), path.name)
        if kind in (".txt", ".lst"):
            return listed(text_entries(_text(content)), path.name)
        if kind == ".jsonl":
            values = [
                _json(line, f"{path}, line {number}") for number, line in enumerate(content.splitlines(), 1) if line
            ]
            return _structured(values, path, only_malware)
        if kind in (".yaml", ".yml"):
            return _structured(_yaml(content), path, only_malware)
        if kind != ".json" and not content.removeprefix(codecs.BOM_UTF8).lstrip().startswith((b"{", b"[")):
            raise IndicatorError(f"{path}: no list ({', '.join(sorted(_SUFFIXES | {'.txt'}))}); rename or convert it")
        return _structured(_json(content, str(path), read_json), path, only_malware)
    except ValueError as error:
        raise IndicatorError(f"{path}: {error}") from error


def _text(content: bytes) -> str:
    """UTF-8, or UTF-16 with a byte order mark, as spreadsheets save text."""
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 text (byte {error.start}); save it as UTF-8") from error


def _yaml(content: bytes) -> Any:
    if len(content) > _MOST_YAML_BYTES:
        raise ValueError("larger than 32 MiB; give large lists as JSON or CSV")
    text = _text(content)
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, Loader=yaml.SafeLoader)):
            # A few lines of aliases can stand for billions of entries.
            raise ValueError("holds aliases (*name); write the entries out")
        return read_yaml(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"not YAML ({str(error).splitlines()[0]})") from error


def _json(content: bytes, place: str, read: Callable[[str], Any] = json.loads) -> Any:
    try:
        return read(_text(content))
    except GivenTwice as error:
        raise IndicatorError(f"{place}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise IndicatorError(f"{place}: not JSON ({error}); mend or remove the file") from error


def _structured(value: Any, path: Path, only_malware: bool) -> Listed:
    if is_osv(value):
        return _osv([value], str(path), only_malware=only_malware)
    if isinstance(value, list) and value and all(is_osv(entry) for entry in value):
        return _osv(value, str(path), only_malware=only_malware)
    if isinstance(value, dict) and isinstance(value.get("vulns"), list):
        # OSV's API answers a question with records in such a list.
        return _structured(value["vulns"], path, only_malware)
    return listed(structured_entries(value), path.name)


def _osv(records: Iterable[Any], place: str, *, only_malware: bool) -> Listed:
    """The indicators of OSV records; those of other vulnerabilities, in a whole database, are passed over."""
    found: list[Indicator] = []
    withdrawn = 0
    silent = 0
    for record in records:
        if not is_osv(record) or (only_malware and not is_malware(record)):
            continue
        withdrawn += bool(record.get("withdrawn"))
        try:
            made = list(indicators_of_record(record))
        except (ValueError, TypeError, AttributeError) as error:
            raise IndicatorError(f"{place}, record {record['id']}: not of OSV's shape ({error})") from error
        usable = [item for item in made if item.is_any or item.versions or item.intervals]
        silent += len(made) - len(usable)
        found += usable
    warning = f"{place}: {silent} entries name neither versions nor ranges and match nothing"
    return Listed(tuple(found), (), withdrawn, (warning,) if silent else ())
