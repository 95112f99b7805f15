"""The bulk services on loopback, with what they serve open to change: OSV's export, KEV, EPSS, Exploit-DB, NVD."""

import csv
import gzip
import hashlib
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tasks.engine.lookup import LookupSettings, lookup_settings
from tasks.settings.load import load_settings

HEADER = [
    "id",
    "file",
    "description",
    "date_published",
    "author",
    "type",
    "platform",
    "port",
    "date_added",
    "date_updated",
    "verified",
    "codes",
    "tags",
    "aliases",
    "screenshot_url",
    "application_url",
    "source_url",
]


def record(identifier: str, name: str = "demo", fixed: str = "2.0", **more: Any) -> dict[str, Any]:
    """An OSV record: affected from the beginning up to `fixed`."""
    events = [{"introduced": "0"}, {"fixed": fixed}]
    package = {"ecosystem": "PyPI", "name": name}
    made = {
        "id": identifier,
        "modified": "2024-05-01T00:00:00Z",
        "aliases": [f"CVE-2024-{identifier[-4:]}"],
        "affected": [{"package": package, "ranges": [{"type": "ECOSYSTEM", "events": events}], "versions": ["1.0"]}],
    }
    return {**made, **more}


def records(count: int, first: int = 1000) -> dict[str, dict[str, Any]]:
    """That many records, of one project each."""
    numbers = range(first, first + count)
    return {f"GHSA-{n}": record(f"GHSA-{n}", f"demo-{n}") for n in numbers}


def exploit(identifier: int, codes: str) -> list[str]:
    """A line of Exploit-DB's list."""
    row = dict.fromkeys(HEADER, "") | {"id": str(identifier), "codes": codes, "description": 'a "quoted", text'}
    return [row[column] for column in HEADER]


def nvd_entry(cve: str, **more: Any) -> dict[str, Any]:
    """An entry of a year feed."""
    return {"cve": {"id": cve, "lastModified": "2024-06-01T00:00:00.000", "vulnStatus": "Analyzed", **more}}


def metric(score: float, kind: str = "Primary", vector: str = "CVSS:3.1/AV:N") -> dict[str, Any]:
    """A CVSS entry of NVD."""
    return {"type": kind, "cvssData": {"baseScore": score, "vectorString": vector}}


@dataclass
class World:
    """What the services know; `instead` are bodies sent in place of the right ones, by path; `down` are prefixes."""

    server: HTTPServer
    osv: dict[str, dict[str, Any]] = field(default_factory=dict)
    kev: list[dict[str, Any]] = field(default_factory=list)
    exploits: list[list[str]] = field(default_factory=list)
    epss: dict[str, str] = field(default_factory=dict)
    epss_date: str = "2024-06-01"
    nvd: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    instead: dict[str, bytes] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    asked: Counter[str] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)

    def begin(self) -> None:
        """Start answering."""
        self.server.expect_request(re.compile("/.*")).respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        self.asked[request.path] += 1
        if any(request.path.startswith(f"/{name}") for name in self.down):
            return Response("down", 500)
        body = self.instead.get(request.path, self._body(request))
        if body is None:
            return Response("NoSuchKey", 404)
        etag = f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"'
        if request.headers.get("If-None-Match") == etag:
            self.unchanged[request.path] += 1
            return Response("", 304, headers={"ETag": etag})
        return Response(body, headers={"ETag": etag})

    def _body(self, request: Request) -> bytes | None:
        place, _, rest = request.path.strip("/").partition("/")
        if place == "osv-bulk":
            return self._export(rest.partition("/")[2])
        if place == "kev":
            return json.dumps({"count": len(self.kev), "vulnerabilities": self.kev}).encode()
        if place == "exploitdb":
            text = io.StringIO()
            csv.writer(text).writerows([HEADER, *self.exploits])
            return text.getvalue().encode()
        if place == "epss":
            return self._scores(request.args)
        year = int(rest.partition("nvdcve-2.0-")[2][:4])
        feed = {"totalResults": len(self.nvd.get(year, [])), "vulnerabilities": self.nvd.get(year, [])}
        return gzip.compress(json.dumps(feed).encode(), mtime=0)

    def _export(self, file: str) -> bytes | None:
        if file == "all.zip":
            return self.zipped()
        if file == "modified_id.csv":
            rows = sorted(((r["modified"], i) for i, r in self.osv.items()), reverse=True)
            return "".join(f"{modified},{i}\n" for modified, i in rows).encode()
        found = self.osv.get(file.removesuffix(".json"))
        return None if found is None else json.dumps(found).encode()

    def zipped(self) -> bytes:
        """The whole export."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as export:
            for identifier, content in self.osv.items():
                export.writestr(f"{identifier}.json", json.dumps(content))
        return buffer.getvalue()

    def _scores(self, args: Mapping[str, str]) -> bytes:
        wanted = [cve for cve in args["cve"].split(",") if cve in self.epss]
        data = [{"cve": cve, "epss": self.epss[cve], "percentile": "0.5", "date": self.epss_date} for cve in wanted]
        return json.dumps({"status": "OK", "total": len(data), "data": data}).encode()

    def environment(self) -> dict[str, str]:
        """The settings that make the product use these services."""
        places = {"OSV_BULK": "osv-bulk", "NVD_FEEDS": "nvd-feeds"}
        names = ("OSV_BULK", "KEV", "EPSS", "EXPLOITDB", "NVD_FEEDS")
        return {
            f"VETBOOK_SOURCES__{name}__BASE_URL": self.server.url_for(f"/{places.get(name, name.lower())}")
            for name in names
        }

    def lookup(self, data: Path) -> LookupSettings:
        """Settings for a sync into data, with a single attempt per request."""
        found = load_settings(None, self.environment(), {"processing": {"retry_attempts": 1}})
        return lookup_settings(found.settings, offline=False, store=data / "store" / "advisories.sqlite")
