"""The bundled sample, a newcomer's first sight: whole, consistent, small, and with the cases it is there to show."""

import importlib.util
import json
import sys
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cvss import CVSS3, CVSS4
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

SAMPLE = Path(__file__).parents[2] / "sample"
SNAPSHOT = SAMPLE / "snapshot"
PYPI_FILES = sorted((SNAPSHOT / "pypi").glob("*.json"))
OSV_FILES = sorted((SNAPSHOT / "osv").glob("*.json"))
MAX_TEXT = 300
MAX_TOTAL_BYTES = 200_000


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


MANIFEST: dict[str, Any] = load(SNAPSHOT / "snapshot.json")
COMPLETE: set[str] = set(MANIFEST["complete_for"])
ABSENT: set[str] = set(MANIFEST["absent"])


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("vetbook_sample_build", SAMPLE / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def sheet() -> Worksheet:
    found = load_workbook(SAMPLE / "packages.xlsx")["Packages"]
    assert isinstance(found, Worksheet)
    return found


def packages(sheet: Worksheet) -> list[tuple[str, str]]:
    """Return name and version text of every row from row 4 on."""
    rows = sheet.iter_rows(min_row=4, min_col=2, max_col=3, values_only=True)
    return [(str(name), str(version)) for name, version in rows]


def installed(sheet: Worksheet) -> dict[str, Version]:
    """Return the usable versions by PEP 503 name."""
    found: dict[str, Version] = {}
    for name, text in packages(sheet):
        try:
            found[canonicalize_name(name)] = Version(text.removeprefix("=="))
        except InvalidVersion:
            continue
    return found


def texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.items() for part in item for text in texts(part)]
    return [text for item in value for text in texts(item)] if isinstance(value, list) else []


def in_range(version: Version, events: list[dict[str, str]]) -> bool:
    """Tell whether OSV's evaluation of one range's events, in version order, ends with "affected"."""
    affected = False
    for event in sorted(events, key=lambda one: Version(next(iter(one.values())))):
        (kind, text), *_ = event.items()
        reached = version > Version(text) if kind == "last_affected" else version >= Version(text)
        if reached:
            affected = kind == "introduced"
    return affected


def affects(record: dict[str, Any], project: str, version: Version) -> bool:
    return "withdrawn" not in record and any(
        in_range(version, span["events"])
        for package in record["affected"]
        if canonicalize_name(package["package"]["name"]) == project
        for span in package["ranges"]
    )


RECORDS: dict[str, dict[str, Any]] = {path.stem: load(path) for path in OSV_FILES}


# -- the workbook


def test_the_workbook_is_what_the_table_in_build_makes(build: ModuleType, sheet: Worksheet) -> None:
    made = build.make_workbook()["Packages"]
    assert sheet.dimensions == made.dimensions
    for row in made.iter_rows():
        for cell in row:
            kept = sheet[cell.coordinate]
            assert (kept.value, kept.data_type) == (cell.value, cell.data_type), cell.coordinate
            assert (kept.fill.start_color.rgb, kept.font.b) == (cell.fill.start_color.rgb, cell.font.b), cell.coordinate
    assert sheet.freeze_panes == made.freeze_panes == "C4"
    assert sheet.auto_filter.ref == made.auto_filter.ref
    widths = {letter: dimension.width for letter, dimension in made.column_dimensions.items()}
    assert {letter: sheet.column_dimensions[letter].width for letter in widths} == widths


def test_building_twice_gives_the_same_bytes(build: ModuleType, tmp_path: Path) -> None:
    first, second = tmp_path / "first.xlsx", tmp_path / "second.xlsx"
    assert build.main([str(first)]) == 0
    build.write(second)
    assert first.read_bytes() == second.read_bytes()


def test_only_columns_kept_by_hand_are_filled(sheet: Worksheet) -> None:
    filled = {cell.column_letter for row in sheet.iter_rows(min_row=4) for cell in row if cell.value not in (None, "")}
    assert filled == {"A", "B", "C", "D", "N"}
    assert [cell.value for cell in sheet["A"][3:]] == list(range(1, sheet.max_row - 2))


def test_every_header_stands_where_the_review_workbook_has_it(sheet: Worksheet) -> None:
    headers = [cell.value for cell in sheet[3]]
    assert headers[:5] == ["#", "Package Name", "Version", "PyPi Links", "Date Published"]
    assert len(headers) == 23
    assert (headers[13], headers[22]) == ("Notes", "Recommendation")


def test_the_workbook_shows_the_odd_versions(sheet: Worksheet) -> None:
    versions = dict(packages(sheet))
    assert (versions["httpx"], versions["ipython"], versions["aiohttp"]) == ("NEW", "9.x", "==3.8.5")
    numbers = [row[1].value for row in sheet.iter_rows(min_row=4, max_col=3) if row[2].data_type == "n"]
    assert numbers == ["pytz"]
    assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)


# -- what the snapshot answers for


def test_every_package_is_answered_for(sheet: Worksheet) -> None:
    names = [canonicalize_name(name) for name, _ in packages(sheet)]
    assert len(names) == len(set(names)) == 40
    assert set(names) == COMPLETE | ABSENT
    assert not COMPLETE & ABSENT
    assert set(MANIFEST["selection_for"]) <= COMPLETE
    assert all(name == canonicalize_name(name) for name in COMPLETE | ABSENT)


def test_exactly_the_projects_that_exist_have_a_document() -> None:
    assert {path.stem for path in PYPI_FILES} == COMPLETE


def test_every_advisory_names_a_project_that_is_answered_for() -> None:
    for key, record in RECORDS.items():
        assert {canonicalize_name(one["package"]["name"]) for one in record["affected"]} & COMPLETE, key


def test_the_sample_is_small_and_its_texts_are_short() -> None:
    files = [path for path in SAMPLE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert sum(path.stat().st_size for path in files) < MAX_TOTAL_BYTES
    for path in [*PYPI_FILES, *OSV_FILES]:
        assert max(map(len, texts(load(path)))) <= MAX_TEXT, path.name


# -- PyPI's documents


@pytest.mark.parametrize("path", PYPI_FILES, ids=lambda path: path.stem)
def test_a_project_document_is_consistent(path: Path) -> None:
    document = load(path)
    info, releases = document["info"], document["releases"]
    assert canonicalize_name(info["name"]) == path.stem
    usable = [Version(text) for text, files in releases.items() if not all(one["yanked"] for one in files)]
    assert Version(info["version"]) == max(version for version in usable if not version.is_prerelease)
    for requirement in info["requires_dist"] or []:
        Requirement(requirement)
    for text, files in releases.items():
        for one in files:
            assert one["filename"].endswith(f"-{text}.tar.gz")
            uploaded = datetime.fromisoformat(one["upload_time_iso_8601"])
            assert uploaded <= datetime.fromisoformat(MANIFEST["created"])


def test_every_installed_version_is_among_the_releases(sheet: Worksheet) -> None:
    for name, version in installed(sheet).items():
        if name in COMPLETE:
            releases = {Version(text) for text in load(SNAPSHOT / "pypi" / f"{name}.json")["releases"]}
            assert version in releases, name


# -- the advisories


@pytest.mark.parametrize("path", OSV_FILES, ids=lambda path: path.stem)
def test_an_advisory_is_well_formed(path: Path) -> None:
    record = load(path)
    assert (record["id"], record["schema_version"]) == (path.stem, "1.6.0")
    assert record["id"] not in record.get("aliases", [])
    assert record["summary"].endswith(".")
    assert not {"details", "references", "credits"} & set(record)
    for key in ("modified", "published"):
        assert datetime.fromisoformat(record[key]) <= datetime.fromisoformat(MANIFEST["created"])
    for severity in record.get("severity", []):
        parse = {"CVSS_V3": CVSS3, "CVSS_V4": CVSS4}[severity["type"]]
        assert 0 <= float(parse(severity["score"]).base_score) <= 10
    assert record.get("database_specific", {}).get("severity", "LOW") in {"LOW", "MODERATE", "HIGH", "CRITICAL"}


@pytest.mark.parametrize("path", OSV_FILES, ids=lambda path: path.stem)
def test_the_ranges_of_an_advisory_are_pep_440(path: Path) -> None:
    for package in load(path)["affected"]:
        assert package["package"]["ecosystem"] == "PyPI"
        assert package["ranges"]
        for span in package["ranges"]:
            assert span["type"] == "ECOSYSTEM"
            assert "introduced" in span["events"][0]
            for event in span["events"]:
                ((kind, text),) = event.items()
                assert kind in {"introduced", "fixed", "last_affected"}
                Version(text)


def test_the_advisories_show_what_a_review_must_handle(sheet: Worksheet) -> None:
    versions = installed(sheet)
    hits = {name: [r for r in RECORDS.values() if affects(r, name, version)] for name, version in versions.items()}
    assert sum(bool(found) for found in hits.values()) >= 20
    assert sum(not found for found in hits.values()) >= 12
    assert any("withdrawn" in record for record in RECORDS.values())
    # twin records of one vulnerability, several release lines, no fixed release, a label without a vector
    assert {"GHSA-x84v-xcm2-53pg", "PYSEC-2018-28"} <= {record["id"] for record in hits["requests"]}
    assert any(len(package["ranges"]) > 2 for record in hits["django"] for package in record["affected"])
    assert any(
        "last_affected" in event for record in hits["py"] for event in record["affected"][0]["ranges"][0]["events"]
    )
    assert any("severity" not in record and "database_specific" in record for record in hits["cryptography"])
    # an advisory that does not affect the installed version
    assert not hits["sqlalchemy"]
    assert any(record["affected"][0]["package"]["name"] == "sqlalchemy" for record in RECORDS.values())


def test_no_latest_release_is_affected_but_the_one_without_a_fix() -> None:
    affected = set()
    for path in PYPI_FILES:
        latest = Version(load(path)["info"]["version"])
        affected |= {path.stem for record in RECORDS.values() if affects(record, path.stem, latest)}
    assert affected == {"py"}
