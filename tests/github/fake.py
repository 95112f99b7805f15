"""A small GitHub over a real socket: trees, blobs, listings and GraphQL by pattern, with faults on demand."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

ALIAS = re.compile(
    r'(\w+): (?:object\(expression: ("(?:[^"\\]|\\.)*")\)|repository\(owner: ("[^"]*"), name: ("[^"]*")\))'
)


def sha(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@dataclass
class FakeRepository:
    files: dict[str, bytes]
    commit: str | None = "c" * 40
    archived: bool = False
    truncated: bool = False
    extra: list[dict[str, Any]] = field(default_factory=list)


class FakeGitHub:
    """Serves `repositories` of the organisation acme; `before` may answer instead."""

    def __init__(self, server: HTTPServer) -> None:
        self.repositories: dict[str, FakeRepository] = {}
        self.seen: list[Request] = []
        self.calls: Counter[str] = Counter()
        self.before: Callable[[str, Request], Response | None] = lambda kind, request: None
        self.headers: dict[str, str] = {}
        self.text_bytes = 512_000
        self.page = 100
        self.directories: dict[str, tuple[str, str]] = {}
        self.base_url = server.url_for("").rstrip("/")
        server.expect_request(re.compile(".*")).respond_with_handler(self._answer)

    def add(self, name: str, **files: bytes | str) -> FakeRepository:
        content = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
        commit = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
        self.repositories[name] = FakeRepository(content, commit)
        return self.repositories[name]

    def put(self, name: str, files: dict[str, bytes]) -> FakeRepository:
        repository = self.add(name)
        repository.files.update(files)
        return repository

    def _answer(self, request: Request) -> Response:
        kind, answer = self._route(request)
        self.seen.append(request)
        self.calls[kind] += 1
        response = self.before(kind, request) or answer()
        for header, value in self.headers.items():
            response.headers.setdefault(header, value)
        return response

    def _route(self, request: Request) -> tuple[str, Callable[[], Response]]:
        parts = request.path.strip("/").split("/")
        name, rest = parts[2] if len(parts) > 2 else "", "/".join(parts[5:])
        routes: list[tuple[bool, str, Callable[[], Response]]] = [
            (request.path == "/graphql", "graphql", lambda: self.graphql(request.get_json())),
            (request.path == "/rate_limit", "rate_limit", lambda: js({"resources": {}})),
            (parts[0] == "orgs", "team", lambda: js([self._described(one) for one in self.repositories])),
            (len(parts) == 3, "repo", lambda: js(self._described(name)) if name in self.repositories else missing()),
            (parts[3:5] == ["git", "trees"], "tree", lambda: self._tree(name, rest, request)),
            (parts[3:5] == ["git", "blobs"], "blob", lambda: self._blob(name, rest)),
            (True, "contents", lambda: self._contents(name, "/".join(parts[4:]))),
        ]
        return next((kind, answer) for fits, kind, answer in routes if fits)

    def _described(self, name: str) -> dict[str, Any]:
        one = self.repositories[name]
        return {
            "name": name,
            "full_name": f"acme/{name}",
            "default_branch": "main",
            "archived": one.archived,
            "pushed_at": "2026-01-02T03:04:05Z",
            "size": 7,
        }

    def _tree(self, name: str, ref: str, request: Request) -> Response:
        one = self.repositories.get(name)
        if one is None:
            return missing()
        if one.commit is None:
            return js({"message": "Git Repository is empty."}, 409)
        folder = self.directories.get(ref, (name, ""))[1]
        if "recursive" not in request.args:
            return js({"sha": ref, "tree": self._level(name, folder), "truncated": False})
        below = {path[len(folder) :]: content for path, content in one.files.items() if path.startswith(folder)}
        entries = [blob_entry(path, content) for path, content in sorted(below.items())] + one.extra
        kept = entries[: max(1, len(entries) // 4)] if one.truncated and not folder else entries
        response = js({"sha": ref, "tree": kept, "truncated": len(kept) < len(entries)})
        response.set_etag(hashlib.sha1(response.data, usedforsecurity=False).hexdigest())
        return response.make_conditional(request)

    def _level(self, name: str, folder: str) -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for path, content in self.repositories[name].files.items():
            if path.startswith(folder):
                head, slash, _ = path[len(folder) :].partition("/")
                found[head] = self._directory(name, folder + head, head) if slash else blob_entry(head, content)
        return list(found.values())

    def _directory(self, name: str, path: str, head: str) -> dict[str, Any]:
        oid = hashlib.sha1(f"{name}:{path}".encode(), usedforsecurity=False).hexdigest()
        self.directories[oid] = (name, f"{path}/")
        return {"path": head, "mode": "040000", "type": "tree", "sha": oid}

    def _blob(self, name: str, wanted: str) -> Response:
        one = self.repositories.get(name)
        found = [content for content in one.files.values() if sha(content) == wanted] if one else []
        return Response(found[0], content_type="application/octet-stream") if found else missing()

    def _contents(self, name: str, path: str) -> Response:
        one = self.repositories.get(name)
        return Response(one.files[path]) if one and path in one.files else missing()

    def graphql(self, payload: dict[str, Any]) -> Response:
        """The plain answer to a query, for `before` to spoil."""
        query = payload["query"]
        if "organization(" in query:
            return self._listing(payload["variables"])
        data: dict[str, Any] = {}
        held: dict[str, Any] = {}
        name = ""
        for alias, expression, _, repository in ALIAS.findall(query):
            if repository:
                name = json.loads(repository)
                held = {}
                data[alias] = held if name in self.repositories else None
            else:
                held[alias] = self._object(name, json.loads(expression))
        return js({"data": data})

    def _object(self, name: str, expression: str) -> dict[str, Any] | None:
        path = expression.partition(":")[2]
        one = self.repositories.get(name)
        if one is None or (path and path not in one.files and not any(p.startswith(f"{path}/") for p in one.files)):
            return None
        if path in one.files:
            return blob_object(one.files[path], self.text_bytes)
        level = self._level(name, f"{path}/" if path else "")
        entries = [{**e, "name": e["path"], "oid": e["sha"], "mode": int(e["mode"], 8)} for e in level]
        return {"oid": one.commit, "entries": entries}

    def _listing(self, variables: dict[str, Any]) -> Response:
        start = int(variables["cursor"] or 0)
        names = list(self.repositories)
        nodes = [self._node(name) for name in names[start : start + self.page]]
        more = start + self.page < len(names)
        info = {"hasNextPage": more, "endCursor": str(start + self.page)}
        found = {"pageInfo": info, "nodes": nodes} if variables["org"] == "acme" else None
        return js({"data": {"organization": {"repositories": found}}})

    def _node(self, name: str) -> dict[str, Any]:
        one = self.repositories[name]
        head = {"name": "main", "target": {"oid": one.commit}} if one.commit else None
        pushed = "2026-01-02T03:04:05Z"
        return {
            "name": name,
            "nameWithOwner": f"acme/{name}",
            "isArchived": one.archived,
            "pushedAt": pushed,
            "diskUsage": 7,
            "defaultBranchRef": head,
        }


def blob_entry(path: str, content: bytes) -> dict[str, Any]:
    return {"path": path, "mode": "100644", "type": "blob", "sha": sha(content), "size": len(content)}


def blob_object(content: bytes, most: int) -> dict[str, Any]:
    binary = b"\0" in content
    text = None if binary else content[:most].decode("utf-8", "replace")
    size, cut = len(content), len(content) > most
    return {"oid": sha(content), "byteSize": size, "isBinary": binary, "isTruncated": cut, "text": text}


def js(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")


def missing() -> Response:
    return js({"message": "Not Found"}, 404)
