"""Entries of plain lists as people write them: what is understood, and that nothing is misread without a word."""

import json
from pathlib import Path

import pytest

from tasks.indicators.interface import IndicatorError, Match
from tasks.indicators.load import Indicators, load_indicators


def loaded(folder: Path, name: str, content: object) -> Indicators:
    path = folder / name
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_bytes(text.encode())
    return load_indicators([path])


def is_hit(found: Indicators, ecosystem: str, name: str, version: str) -> bool:
    return any(answer is Match.YES for _, answer in found.index.matches(ecosystem, name, version))


AFFECTED = {"package": {"ecosystem": "npm", "name": "x"}, "versions": ["1.0.0"]}
ONLY_100 = [
    ("l.csv", "Ecosystem,Package Name,Affected Versions\nNPM,x,1.0.0\n"),
    ("l.csv", "registry,package,version\njavascript,x,=1.0.0\n"),
    ("l.csv", "ecosystem,name,versions,fixed_version\nnpm,x,1.0.0,1.0.1\n"),
    ("l.csv", "ecosystem,name\nnpm,x@1.0.0\n"),
    ("l.csv", 'ecosystem,name,versions\nnpm,x,">=1.0.0 <1.0.1"\n'),
    ("l.csv", "ecosystem,name,versions\nnpm,x\u200b,1.0.0\u200b\n"),
    ("l.csv", "purl\npkg:npm/x@1.0.0\n"),
    ("l.csv", "purl,versions,note\npkg:npm/x,1.0.0,seen\n"),
    ("l.txt", "# of an advisory\npkg:npm/x@1.0.0  # found today\n"),
    ("l.json", ["pkg:npm/x@1.0.0"]),
    ("l.json", {"iocs": [{"package": "x", "ecosystem": "npm", "malicious_versions": ["1.0.0"]}]}),
    ("l.json", {"npm": ["x@1.0.0"]}),
    ("l.json", {"vulns": [{"id": "MAL-1", "affected": [AFFECTED]}]}),
    ("l.py", "IOC_PACKAGES = {'x@1.0.0': None}"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content"), ONLY_100)
def test_one_version_is_understood_however_it_is_written(tmp_path: Path, name: str, content: object) -> None:
    found = loaded(tmp_path, name, content)
    assert [is_hit(found, "npm", "x", version) for version in ("1.0.0", "1.0.1")] == [True, False]


@pytest.mark.parametrize("word", ["*", "all", "ANY", "all versions", ""])
def test_every_version_is_understood(tmp_path: Path, word: str) -> None:
    found = loaded(tmp_path, "l.csv", f"ecosystem,name,versions\nnpm,x,{word}\n")
    assert is_hit(found, "npm", "x", "7.0.0")


def test_names_are_taken_as_registries_write_them(tmp_path: Path) -> None:
    rows = "Go,github[.]com/x/y,v1.0.0\nnpm,@scope/x@1.0.0,\nSwiftURL,https://github.com/a/b.git,1.0.0\n"
    found = loaded(tmp_path, "l.csv", f"ecosystem,name,versions\n{rows}")
    assert is_hit(found, "Go", "github.com/x/y", "1.0.0")
    assert is_hit(found, "npm", "@scope/x", "1.0.0")
    assert is_hit(found, "SwiftURL", "github.com/a/b", "1.0.0")


@pytest.mark.parametrize("ecosystem", ["crates.io", "Hex", "Pub", "CocoaPods"])
def test_a_leading_v_is_no_part_of_a_version(tmp_path: Path, ecosystem: str) -> None:
    found = loaded(tmp_path, "l.csv", f"ecosystem,name,versions\n{ecosystem},x,v1.0.0\n")
    assert is_hit(found, ecosystem, "x", "1.0.0")


REFUSED = [
    ("l.csv", "ecosystem,name,versions\nnpm,x,1.0.0,1.0.1\n", "4 columns"),
    ("l.csv", "ecosystem,name,infected_version\nnpm,x,1.0.0\n", "infected_version"),
    ("l.csv", "ecosystem,name,versions\nnmp,x,1.0.0\n", "ecosystem 'nmp' is not known"),
    ("l.csv", "ecosystem,name,versions\nnpm,x,^1.0.0\n", "no exact version"),
    ("l.csv", "ecosystem,name,versions\nnpm,x,1.x\n", "no exact version"),
    ("l.csv", "ecosystem,name,versions\nnpm,x,1.0.0 - 1.5.0\n", "no exact version"),
    ("l.csv", "ecosystem,name,versions\nnpm,x,latest\n", "no exact version"),
    ("l.csv", "ecosystem,name,versions\nnpm,x@1.0.0,1.0.1\n", "otherwise"),
    ("l.csv", "ecosystem,name,versions\nnpm,x 1.0.0,\n", "no package's name"),
    ("l.csv", "ecosystem,name,range\nnpm,x,before 2.0\n", "not understood"),
    ("l.csv", 'ecosystem,name,range\nnpm,x,">1.0, >2.0"\n', "not understood"),
    ("l.csv", 'ecosystem,name,versions,note\nnpm,x,1.0.0,"open\n', "check the quotes"),
    ("l.yaml", "- {ecosystem: npm, name: x, versions: [1.10, 1.0.0]}", "in quotes"),
    ("l.yaml", "- {ecosystem: npm, name: yes}", "in quotes"),
    ("l.json", {"campaign": {"x": ["1.0.0"]}}, "ecosystem 'campaign' is not known"),
    ("l.txt", "x 1.0.0\n", "line 1"),
    ("l.md", "| npm | x | 1.0.0 |", "no list"),
    ("l.py", "IOC_PACKAGES = {'x': None}\nIOC_PACKAGES.update(y=None)", "changed in line 2"),
    ("l.py", "IOC_PACKAGES = {'x': None}\nIOC_PACKAGES['y'] = None", "changed in line 2"),
    ("l.py", "IOC_PACKAGES = {'x': None}\nIOC_PACKAGES |= {'y': None}", "changed in line 2"),
]


@pytest.mark.parametrize(("name", "content", "reason"), REFUSED)
def test_what_would_match_nothing_is_refused_by_name(tmp_path: Path, name: str, content: object, reason: str) -> None:
    with pytest.raises(IndicatorError, match=reason) as error:
        loaded(tmp_path, name, content)
    assert name in str(error.value)


def test_lines_inside_quotes_are_no_comments(tmp_path: Path) -> None:
    note = '"first\n\n#second"'
    found = loaded(
        tmp_path, "l.csv", f'# a "list\necosystem,name,versions,note\nnpm,x,1.0.0,{note}\n\n#\nnpm,y,1.0.0,\n'
    )
    assert found.count == 2
    assert is_hit(found, "npm", "y", "1.0.0")


def test_a_spreadsheets_utf_16_is_read(tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_bytes("ecosystem\tname\tversions\r\nnpm\tx\t1.0.0\r\n".encode("utf-16"))
    assert is_hit(load_indicators([path]), "npm", "x", "1.0.0")


@pytest.mark.parametrize(
    ("name", "content"),
    [("l.csv", ""), ("l.csv", "ecosystem,name\n"), ("l.json", "null"), ("l.json", "{}"), ("l.yaml", "")],
)
def test_a_list_without_an_indicator_is_named_beside_others(tmp_path: Path, name: str, content: str) -> None:
    full = tmp_path / "full.json"
    full.write_text('[{"ecosystem": "npm", "name": "x"}]')
    empty = tmp_path / name
    empty.write_text(content)
    assert load_indicators([full, empty]).warnings == (f"{empty}: holds no indicator",)
