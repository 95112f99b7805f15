"""Result documents for the history tests, in the shape of the result file."""

from typing import Any

from tasks.history.iocmodel import IocDocument
from tasks.history.model import DocumentKind
from tasks.history.reading import parse_document
from tasks.history.scanmodel import ScanDocument


def vulnerability(*ids: str, **more: Any) -> dict[str, Any]:
    """One vulnerability told by OSV."""
    return {"ids": list(ids), "severity": "HIGH", "cvss": 7.5, "sources": ["osv"], **more}


def package(name: str, version: str = "1.0", *found: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One reviewed package; OSV answered."""
    sources: dict[str, Any] = {"osv": {"status": "affected" if found else "none_found", "ids": [], "reason": None}}
    tier = "security_risk" if found else "proceed"
    return {
        "row": 4,
        "name": name,
        "version": version,
        "status": "reviewed",
        "sources": sources,
        "vulnerabilities": list(found),
        "recommendation": {"tier": tier, "text": "words"},
        **more,
    }


def unanswered(name: str, version: str = "1.0", **more: Any) -> dict[str, Any]:
    """A package for which OSV was down."""
    silent = {"osv": {"status": "unknown", "ids": [], "reason": "no answer after 5 tries"}}
    return package(name, version, status="failed", reason="could not check: osv", sources=silent, **more)


def scan_plain(*packages: dict[str, Any], scan_id: str = "aaaa", day: int = 1, **summary: Any) -> dict[str, Any]:
    """A scan's document as plain data."""
    finished = f"2026-03-{day:02}T05:06:07Z"
    return {
        "schema": 1,
        "scan_id": scan_id,
        "input": "packages.xlsx",
        "started_at": finished,
        "finished_at": finished,
        "packages": list(packages),
        "summary": summary,
        "metrics": {"wall_s": 1.5, "batches": 1},
    }


def scan(*packages: dict[str, Any], **more: Any) -> ScanDocument:
    """The same, read."""
    document = parse_document(DocumentKind.SCAN, scan_plain(*packages, **more), "test")
    assert isinstance(document, ScanDocument)
    return document


def finding(repository: str = "acme/one", path: str = "yarn.lock", name: str = "evil", **more: Any) -> dict[str, Any]:
    """One finding of an IOC scan."""
    place = {"repository": repository, "path": path, "ecosystem": "npm", "name": name, "version": "1.0.0"}
    return {**place, "indicator": "MAL-2026-1", "source": "list.zip", **more}


def ioc_plain(*findings: dict[str, Any], scan_id: str = "cccc", day: int = 1, **more: Any) -> dict[str, Any]:
    """An IOC scan's document as plain data: every finding's file and repository was read."""
    finished = f"2026-03-{day:02}T05:06:07Z"
    files = [{"repository": f["repository"], "path": f["path"], "status": "scanned"} for f in findings]
    return {
        "schema": 1,
        "scan_id": scan_id,
        "target": "github:acme",
        "started_at": finished,
        "finished_at": finished,
        "findings": list(findings),
        "files": files,
        "repositories": [{"repository": name} for name in dict.fromkeys(f["repository"] for f in findings)],
        "indicators": {"count": 1, "withdrawn": 0, "digest": "d"},
        **more,
    }


def ioc(*findings: dict[str, Any], **more: Any) -> IocDocument:
    """The same, read."""
    document = parse_document(DocumentKind.IOC, ioc_plain(*findings, **more), "test")
    assert isinstance(document, IocDocument)
    return document
