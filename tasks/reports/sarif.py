"""Findings of an IOC scan as SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/)."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tasks.http.policy import user_agent
from tasks.ioc.model import Finding
from tasks.reports.files import write_document
from tasks.reports.findings import IocResult

__all__ = ["sarif_document", "write_sarif"]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def write_sarif(path: Path, result: IocResult) -> None:
    """Write the SARIF file, whole or not at all; CheckpointError when it cannot be written."""
    write_document(path, sarif_document(result))


def sarif_document(result: IocResult) -> dict[str, Any]:
    """One run: a rule for each indicator, a result for each finding, a notification for whatever was not read."""
    findings = (*result.findings, *result.possible)
    name, _, version = user_agent().partition("/")
    rules = list(_rules(findings))
    places = {rule["id"]: number for number, rule in enumerate(rules)}
    notifications = list(_notifications(result))
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": name, "version": version, "rules": rules}},
                "invocations": [
                    {
                        "executionSuccessful": not notifications,
                        "startTimeUtc": result.started_at.isoformat() + "Z",
                        "endTimeUtc": result.finished_at.isoformat() + "Z",
                        "toolExecutionNotifications": notifications,
                    }
                ],
                "results": [_result(one, places[one.indicator]) for one in findings],
            }
        ],
    }


def _rules(findings: tuple[Finding, ...]) -> Iterator[dict[str, Any]]:
    for one in {finding.indicator: finding for finding in findings}.values():
        rule: dict[str, Any] = {
            "id": one.indicator,
            "shortDescription": {"text": one.note or f"{one.name} ({one.ecosystem}) is known to be malicious"},
        }
        if one.source.startswith(("https://", "http://")):
            rule["helpUri"] = one.source
        yield rule


def _result(one: Finding, place: int) -> dict[str, Any]:
    what = f"{one.name} {one.version or '(no version)'} ({one.ecosystem})"
    text = f"{what} in {one.repository}: {one.indicator}, says {one.source}"
    identity = "\0".join((one.repository, one.path, one.ecosystem, one.name, one.version or "", one.indicator))
    return {
        "ruleId": one.indicator,
        "ruleIndex": place,
        "level": "error" if one.certain else "note",
        "message": {"text": text},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": quote(f"{one.repository}/{one.path}")}},
                "logicalLocations": [{"fullyQualifiedName": one.purl, "kind": "package"}],
            }
        ],
        "partialFingerprints": {"vetbook/v1": hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()},
    }


def _notifications(result: IocResult) -> Iterator[dict[str, Any]]:
    for repository in result.failed_repositories:
        yield _notification(repository.repository, repository.reason)
    for file in result.failed_files:
        yield _notification(f"{file.repository}/{file.path}", file.reason)
    for name in result.uncompared:
        yield {"level": "error", "message": {"text": f"packages of {name} were compared with nothing"}}


def _notification(where: str, reason: str | None) -> dict[str, Any]:
    return {
        "level": "error",
        "message": {"text": f"{where} could not be read: {reason}"},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": quote(where)}}}],
    }
