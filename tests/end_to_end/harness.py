"""A whole scan as its user runs it: a workbook, services on loopback, the command in a process of its own."""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tasks.workbook.headers import STANDARD_HEADERS
from tasks.workbook.model import STANDARD_COLUMNS
from tests.end_to_end.processes import Running, start_anew, start_forked


def make_workbook(path: Path, packages: Sequence[tuple[str, object]]) -> Path:
    """A review workbook with these (name, version) rows from row 4 on."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Packages"
    sheet["A1"] = "Review"
    for key, text in STANDARD_HEADERS.items():
        sheet[f"{STANDARD_COLUMNS[key]}3"] = text
    for place, (name, version) in enumerate(packages):
        sheet.cell(4 + place, 1, 1 + place)
        sheet.cell(4 + place, 2, name)
        sheet.cell(4 + place, 3, version)  # type: ignore[call-overload]  # whatever a reviewer types
        sheet.cell(4 + place, 14, f"note {place}")
    book.save(path)
    return path


def pypi_document(name: str, versions: Sequence[str] = ("1.0", "2.0")) -> dict[str, Any]:
    """A project's document in the shape of PyPI's JSON API."""
    files = {
        version: [
            {
                "filename": f"{name}-{version}.tar.gz",
                "upload_time_iso_8601": f"2024-01-{place + 1:02}T12:00:00.000000Z",
                "yanked": False,
            }
        ]
        for place, version in enumerate(versions)
    }
    info = {
        "name": name,
        "version": versions[-1],
        "classifiers": ["Development Status :: 5 - Production/Stable"],
        "requires_dist": ["six>=1"],
        "project_urls": {"Source": f"https://github.com/example/{name}"},
        "yanked": False,
    }
    return {"info": info, "releases": files, "urls": files[versions[-1]], "vulnerabilities": []}


def advisory(identifier: str, name: str, fixed: str, **more: Any) -> dict[str, Any]:
    """An OSV record: affected from the beginning up to `fixed`."""
    events = [{"introduced": "0"}, {"fixed": fixed}]
    package = {"ecosystem": "PyPI", "name": name}
    record = {
        "id": identifier,
        "modified": "2024-05-01T00:00:00Z",
        "affected": [{"package": package, "ranges": [{"type": "ECOSYSTEM", "events": events}]}],
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}],
    }
    return {**record, **more}


OTHERS = ("GITHUB", "NVD", "MITRE", "SNYK", "EXPLOITDB", "KEV", "EPSS")
"""The sources that most tests do without."""


@dataclass
class Services:
    """PyPI and OSV on loopback: what they know, what they were asked, and whether they are down.

    `hold` is called with the number of PyPI requests so far before each of them is answered, `gate` with the name.
    """

    server: HTTPServer
    projects: dict[str, dict[str, Any]] = field(default_factory=dict)
    advisories: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    down: set[str] = field(default_factory=set)
    hold: Callable[[int], None] = lambda _: None
    gate: Callable[[str], None] = lambda _: None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        """Start answering."""
        self.server.expect_request(re.compile("/pypi/.*")).respond_with_handler(self._pypi)
        self.server.expect_request("/osv/v1/querybatch", method="POST").respond_with_handler(self._query)
        self.server.expect_request(re.compile("/osv/v1/vulns/.*")).respond_with_handler(self._record)

    def _count(self, what: str) -> int:
        with self._lock:
            self.asked[what] += 1
            self.asked[what.split(maxsplit=1)[0]] += 1
            return self.asked[what.split(maxsplit=1)[0]]

    def _pypi(self, request: Request) -> Response:
        name = request.path.split("/")[3]
        number = self._count(f"pypi {name}")
        self.hold(number)
        self.gate(name)
        if "pypi" in self.down:
            return Response("down", 503)
        document = self.projects.get(name)
        return _json(document) if document else _json({"message": "Not Found"}, 404)

    def _query(self, request: Request) -> Response:
        self._count("osv querybatch")
        if "osv" in self.down:
            return Response("down", 503)
        names = [query["package"]["name"] for query in json.loads(request.data)["queries"]]
        return _json({"results": [self._named(name) for name in names]})

    def _named(self, name: str) -> dict[str, Any]:
        found = [a for a in self.advisories.values() if any(p["package"]["name"] == name for p in a["affected"])]
        return {"vulns": [{"id": a["id"], "modified": a["modified"]} for a in found]} if found else {}

    def _record(self, request: Request) -> Response:
        identifier = request.path.split("/")[-1]
        self._count(f"osv {identifier}")
        return _json(self.advisories[identifier]) if "osv" not in self.down else Response("down", 503)

    def environment(self) -> dict[str, str]:
        """The settings that make the product use these services."""
        return {
            "VETBOOK_SOURCES__PYPI__BASE_URL": self.server.url_for("/pypi"),
            "VETBOOK_SOURCES__OSV__BASE_URL": self.server.url_for("/osv"),
            "VETBOOK_SOURCES__OSV_BULK__BASE_URL": self.server.url_for("/osv-bulk"),
            **{f"VETBOOK_SOURCES__{name}__LIVE": "false" for name in OTHERS},
        }


def _json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")


@dataclass(frozen=True)
class Ran:
    """How a command ended; result is its JSON file, if it wrote one."""

    code: int
    out: str
    err: str
    result: dict[str, Any] | None

    def package(self, row: int) -> dict[str, Any]:
        """One row of the result."""
        assert self.result is not None, self.err
        found: dict[str, Any] = next(p for p in self.result["packages"] if p["row"] == row)
        return found


@dataclass(frozen=True)
class Command:
    """`python -m flows.scan` with a data folder of its own; anew starts each in a new process, see `processes`."""

    folder: Path
    root: Path
    environment: dict[str, str]
    anew: bool = False

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    def start(self, *words: str | Path, **environment: str) -> Running:
        """Start it and return at once."""
        options = ("--data-dir", self.data, "--json", self.folder / "result.json")
        return self.start_module("flows.scan", *options, *words, **environment)

    def start_module(self, module: str, *words: str | Path, **environment: str) -> Running:
        """Start another command in the same way."""
        given = {**self.environment, **environment}
        if self.anew:
            return start_anew(module, words, self.root, given)
        number = sum(1 for _ in self.folder.glob("said-*"))
        return start_forked(module, words, self.root, given, self.folder / f"said-{number}")

    def run(self, *words: str | Path, **environment: str) -> Ran:
        """Run it to its end."""
        (self.folder / "result.json").unlink(missing_ok=True)
        process = self.start(*words, **environment)
        out, err = process.communicate(timeout=150)
        file = self.folder / "result.json"
        return Ran(process.returncode, out, err, json.loads(file.read_text()) if file.exists() else None)
