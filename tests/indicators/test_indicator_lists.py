"""Lists of indicators in every format, and what is refused."""

import json
import zipfile
from pathlib import Path

import pytest

from tasks.indicators.interface import IndicatorError, Match
from tasks.indicators.load import Indicators, load_indicators

MAL = {
    "id": "MAL-2025-1",
    "summary": "Malicious code in chalk (npm)",
    "affected": [{"package": {"ecosystem": "npm", "name": "chalk"}, "versions": ["5.6.1"]}],
    "references": [{"type": "ADVISORY", "url": "https://example.org/advisory"}],
}
WHOLE = {
    "id": "MAL-2025-2",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "evil"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
        }
    ],
}
OTHER = {"id": "GHSA-1", "affected": [{"package": {"ecosystem": "npm", "name": "lodash"}, "versions": ["1.0.0"]}]}


def write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def hits(found: Indicators, ecosystem: str, name: str, version: str | None) -> list[str]:
    return [claim.id for claim, answer in found.index.matches(ecosystem, name, version) if answer is Match.YES]


def test_osv_record_folder_and_zip_say_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "osv"
    for record in (MAL, WHOLE, OTHER):
        write(folder / "npm" / f"{record['id']}.json", record)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for record in (MAL, WHOLE, OTHER):
            archive.writestr(f"{record['id']}.json", json.dumps(record))
    for path in (folder, tmp_path / "all.zip"):
        found = load_indicators([path])
        assert hits(found, "npm", "chalk", "5.6.1") == ["MAL-2025-1"]
        assert hits(found, "npm", "chalk", "5.6.2") == []
        assert hits(found, "PyPI", "Evil", "9.9") == ["MAL-2025-2"]
        assert hits(found, "npm", "lodash", "1.0.0") == []
    assert load_indicators([folder]).digest == load_indicators([tmp_path / "all.zip"]).digest


def test_the_source_of_a_record_is_its_reference(tmp_path: Path) -> None:
    found = load_indicators([write(tmp_path / "a.json", MAL)])
    ((claim, _),) = found.index.matches("npm", "chalk", "5.6.1")
    assert claim.source == "https://example.org/advisory"


def test_a_single_record_that_is_named_counts_whatever_its_id(tmp_path: Path) -> None:
    assert hits(load_indicators([write(tmp_path / "a.json", OTHER)]), "npm", "lodash", "1.0.0") == ["GHSA-1"]


def test_withdrawn_records_and_entries_do_not_count(tmp_path: Path) -> None:
    osv = write(tmp_path / "a.json", {**MAL, "withdrawn": "2026-05-26T00:00:00Z"})
    plain = write(tmp_path / "b.json", [{"ecosystem": "npm", "name": "x", "withdrawn": True}])
    found = load_indicators([osv, plain])
    assert (found.count, found.withdrawn) == (0, 2)


def test_a_record_that_names_no_version_is_mentioned(tmp_path: Path) -> None:
    record = {"id": "MAL-3", "affected": [{"package": {"ecosystem": "npm", "name": "x"}}]}
    found = load_indicators([write(tmp_path / "a.json", record)])
    assert "neither versions nor ranges" in found.warnings[0]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("l.json", [{"ecosystem": "npm", "name": "x", "versions": ["1.0.0"]}, {"ecosystem": "PyPI", "name": "y"}]),
        ("l.json", {"npm": {"x": ["1.0.0"]}, "PyPI": {"y": None}}),
        ("l.yaml", "- {ecosystem: npm, name: x, versions: ['1.0.0']}\n- {ecosystem: pypi, name: y, versions: '*'}\n"),
        (
            "l.yaml",
            "indicators:\n  - {ecosystem: npm, name: x, range: '>=1.0.0, <1.0.1'}\n  - {ecosystem: pip, name: y}\n",
        ),
        ("l.csv", "ecosystem,name,versions,source\nnpm,x,1.0.0,me\nPyPI,y,*,me\n"),
        ("l.csv", "\ufeffEcosystem;Name;Versions\nnpm;x;1.0.0|0.9\nPyPI;y;\n"),
        ("l.jsonl", '{"ecosystem":"npm","name":"x","versions":["1.0.0"]}\n{"ecosystem":"PyPI","name":"y"}\n'),
    ],
)
def test_plain_lists(tmp_path: Path, name: str, content: object) -> None:
    found = load_indicators([write(tmp_path / name, content)])
    assert len(hits(found, "npm", "x", "1.0.0")) == 1
    assert hits(found, "npm", "x", "1.0.1") == []
    assert len(hits(found, "PyPI", "Y", "77")) == 1


def test_python_lists_are_read_and_never_executed(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    text = f"""
import pathlib
pathlib.Path({str(marker)!r}).touch()
IOC_PACKAGES = {{"a": None, "b": {{"1.0.0", "1.0.1"}}}}
MAVEN_IOC_PACKAGES: dict = {{"g:a": ["2.0"]}}
"""
    found = load_indicators([write(tmp_path / "l.py", text)])
    assert not marker.exists()
    assert hits(found, "npm", "a", "3.0.0")
    assert hits(found, "npm", "b", "1.0.1")
    assert hits(found, "Maven", "g:a", "2.0")
    assert not hits(found, "PyPI", "a", "3.0.0")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("l.py", "IOC_PACKAGES = {n: None for n in open('x')}", "not made of literals"),
        ("l.py", "x = 1", "neither IOC_PACKAGES"),
        ("l.py", "IOC_PACKAGES = {'a': ()}", "names no version"),
        ("l.csv", "name\nx\n", "must name the columns"),
        ("l.json", "{", "not JSON"),
        ("l.json", [{"ecosystem": "npm"}], "entry 1"),
        ("l.json", [1], "no entry"),
        ("l.yaml", "a: &a [x]\nb: *a\n", "aliases"),
        ("l.yaml", "- {ecosystem: PyPI, name: x, versions: 1.10}", "in quotes"),
        ("l.yaml", "npm:\n  a: ['1.0']\n  a: ['2.0']\n", "a is given twice, in lines 2 and 3"),
        ("l.json", '{"npm": {"a": ["1.0"], "a": ["2.0"]}}', "a is given twice, in line 1"),
        ("l.yaml", "!!python/object/apply:os.system ['true']", "not YAML"),
        ("l.json", [{"ecosystem": "npm", "name": "x", "range": "~>> 1"}], "not understood"),
    ],
)
def test_a_list_that_is_none_is_refused_by_name(tmp_path: Path, name: str, content: object, reason: str) -> None:
    with pytest.raises(IndicatorError, match=reason) as error:
        load_indicators([write(tmp_path / name, content)])
    assert name in str(error.value)
    assert "\n" not in str(error.value)


def test_a_package_named_twice_in_a_python_list_counts_with_all_its_versions(tmp_path: Path) -> None:
    found = load_indicators([write(tmp_path / "l.py", "IOC_PACKAGES = {'a': ['1.0.0'], 'b': None, 'a': ['2.0.0']}")])
    assert [len(hits(found, "npm", "a", version)) for version in ("1.0.0", "2.0.0", "3.0.0")] == [1, 1, 0]


def test_a_missing_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IndicatorError, match="no such file"):
        load_indicators([tmp_path / "none.json"])


def test_an_empty_list_is_a_list(tmp_path: Path) -> None:
    assert load_indicators([write(tmp_path / "none.json", [])]).count == 0


def test_allow_lists(tmp_path: Path) -> None:
    own = {
        "indicators": [{"ecosystem": "npm", "name": "x"}],
        "allow": [{"ecosystem": "npm", "name": "x", "versions": ["2.0.0"]}],
    }
    listed = write(tmp_path / "l.json", own)
    allowed = write(tmp_path / "ok.csv", "ecosystem,name,versions\nnpm,x,3.0.0\n")
    found = load_indicators([listed], [allowed])
    assert [bool(hits(found, "npm", "x", version)) for version in ("1.0.0", "2.0.0", "3.0.0")] == [True, False, False]


def test_a_plain_list_among_zipped_records_is_not_passed_over(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("MAL-2025-1.json", json.dumps(MAL))
        archive.writestr("CVE-1.json", json.dumps({"id": "CVE-1", "modified": "2025-01-01T00:00:00Z"}))
        archive.writestr("__MACOSX/._MAL-2025-1.json", b"\0\5")
    assert load_indicators([tmp_path / "all.zip"]).count == 1
    with zipfile.ZipFile(tmp_path / "all.zip", "a") as archive:
        archive.writestr("own.json", json.dumps([{"ecosystem": "npm", "name": "x"}]))
    with pytest.raises(IndicatorError, match=r"all\.zip, own\.json: not a record of OSV"):
        load_indicators([tmp_path / "all.zip"])


def test_a_zip_of_something_else_is_no_empty_list(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "book.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(IndicatorError, match=r"book\.xlsx: a zip without records of OSV"):
        load_indicators([tmp_path / "book.xlsx"])
