"""Lockfiles that were read as less than they hold: old spellings, documents without identity, texts that take time."""

import json
import time
from contextlib import suppress

import pytest

from tasks.lockfiles import reading, yamltext
from tasks.lockfiles.interface import LockfileError
from tasks.lockfiles.registry import siblings_of
from tests.lockfiles.lock_samples import pairs

HEX = '{:hex, :%s, "%s", "0c2a", [:mix], [{:other, "~> 1.0", [hex: :other, repo: "hexpm", optional: false]}], "hexpm"}'
ONE, TWO = HEX % ("one", "1.0.0"), HEX % ("two", "2.0.0")


@pytest.mark.parametrize(
    "text",
    [
        f'%{{"one": {ONE},\n  "two": {TWO}}}\n',
        f'%{{"one": {ONE}, "two": {TWO}}}',
        f'%{{\n  "one" => {ONE},\n  "two" => {TWO}\n}}\n',
        f"%{{one: {ONE},\n  two: {TWO}}}\n",
        f'# of an umbrella\n%{{\n  "one": {ONE},\n  "two": {TWO},\n}}\n',
    ],
)
def test_mix_lock_of_every_age_gives_all_its_packages(text: str) -> None:
    assert pairs("mix.lock", text) == ["one@1.0.0", "two@2.0.0"]


def test_mix_lock_that_is_a_map_of_something_else_is_refused_and_an_empty_one_is_not() -> None:
    with pytest.raises(LockfileError, match="without a package"):
        pairs("mix.lock", "%{ not: a_lock }")
    assert pairs("mix.lock", "# nothing yet\n%{\n}\n") == []


@pytest.mark.parametrize(("target", "name"), [("real", "real"), ("@scope/real", "@scope/real"), ("^1.0.0", "alias")])
def test_classic_yarn_alias_may_name_no_version(target: str, name: str) -> None:
    assert pairs("yarn.lock", f'# yarn lockfile v1\n\n\n"alias@npm:{target}":\n  version "1.0.0"\n') == [
        f"{name}@1.0.0"
    ]


ADDRESS = "https://registry.npmjs.org/@scope/real/-/real-2.0.0-rc.1.tgz"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("package-lock.json", {"packages": {"node_modules/other": {"version": "1.0.0", "resolved": ADDRESS}}}),
        ("package-lock.json", {"dependencies": {"other": {"version": "1.0.0", "resolved": ADDRESS}}}),
        ("yarn.lock", f'other@^1.0.0:\n  version "1.0.0"\n  resolved "{ADDRESS}#00"\n'),
    ],
)
def test_a_lockfile_that_takes_another_package_from_the_registry_names_that_too(path: str, text: object) -> None:
    content = text if isinstance(text, str) else json.dumps(text)
    assert pairs(path, content) == ["@scope/real@2.0.0-rc.1", "other@1.0.0"]
    assert pairs(path, content.replace("other", "@scope/real")) == ["@scope/real@1.0.0"]


def test_a_version_that_is_an_address_of_the_registry_is_one() -> None:
    text = json.dumps({"dependencies": {"x": {"version": "https://registry.npmjs.org/a-1/-/a-1-2.0.0.tgz"}}})
    assert pairs("package-lock.json", text) == ["a-1@2.0.0", "x@None"]


def test_npm_dependencies_are_read_where_packages_is_empty() -> None:
    text = json.dumps({"lockfileVersion": 2, "packages": {}, "dependencies": {"a": {"version": "1.0.0"}}})
    assert pairs("package-lock.json", text) == ["a@1.0.0"]


@pytest.mark.parametrize("end", ["\x0c", "\x0b", "\x85", "\u2028", "\r"])
def test_requirements_end_lines_where_pip_ends_them(end: str) -> None:
    assert pairs("requirements.txt", f"a==1.0{end}b==2.0\n") == ["a@1.0", "b@2.0"]


def test_constraints_at_hand_pin_what_requirements_leave_open() -> None:
    text = "-c pins/all.txt\n-r more/in.txt\nopen\nranged>=1.0\nOwn_Pin==3.0\nurl @ https://e.org/u.whl\nfree\n"
    beside = {
        "pins/all.txt": "-r rest.txt\nopen==1.5\nunused==9.0\nown-pin==9.0\nurl==9.0\n",
        "pins/rest.txt": "ranged==2.0 ; python_version < '3'\nranged==2.5\nincluded==4.0\nfree>=5.0\n",
        "more/in.txt": "included\n",
    }
    found = pairs("requirements.txt", text, beside)
    assert found == ["Own_Pin@3.0", "free@None", "included@4.0", "open@1.5", "ranged@2.0", "ranged@2.5", "url@None"]
    assert siblings_of("app/requirements.txt", text.encode()) == ("app/more/in.txt", "app/pins/all.txt")
    assert pairs("requirements.txt", "-c gone.txt\nopen\n") == ["open@None"]


def test_included_files_of_any_name_include_others() -> None:
    assert siblings_of("a/deps.req", b"-r more\n") == ("a/more",)
    assert siblings_of("a/more", b"-c ../pins\n") == ("pins",)


@pytest.mark.parametrize(
    ("line", "package"),
    [
        ("https://files.pythonhosted.org/packages/ab/cd/ef/Bad_Name-1.0-py3-none-any.whl", "bad-name@1.0"),
        ("x @ https://files.pythonhosted.org/packages/ab/x-2.0rc1.tar.gz#sha256=00 ; python_version > '3'", "x@2.0rc1"),
        ("x[all] @ https://files.pythonhosted.org/packages/ab/x-2.0%2Blocal-py3-none-any.whl", "x@2.0+local"),
        ("x @ https://files.pythonhosted.org/packages/ab/no-file", "x@None"),
        ("x @ https://elsewhere.example/x-2.0.tar.gz", "x@None"),
    ],
)
def test_a_file_of_pypi_is_known_by_its_address(line: str, package: str) -> None:
    assert pairs("requirements.txt", f"{line}\n") == [package]


def test_cabal_constraints_need_no_qualifier() -> None:
    assert pairs("cabal.project.freeze", "constraints: any.a ==1.0,\n  b ==2.0,\n  b +flag\n") == ["a@1.0", "b@2.0"]


def test_renv_repositories_are_known_by_address_too() -> None:
    packages = {
        "named": "CRAN",
        "mirror": "https://packagemanager.posit.co/cran/__linux__/jammy/latest",
        "explained": "HERE",
        "of-bioconductor": "https://packagemanager.posit.co/bioconductor",
        "unknown": "OURS",
    }
    text = json.dumps(
        {
            "R": {"Version": "4.3.1", "Repositories": [{"Name": "HERE", "URL": "https://cloud.r-project.org"}]},
            "Packages": {name: {"Package": name, "Version": "1.0", "Repository": at} for name, at in packages.items()},
        }
    )
    assert pairs("renv.lock", text) == ["explained@1.0", "mirror@1.0", "named@1.0"]


def test_sboms_none_of_whose_packages_can_be_told_are_refused() -> None:
    component = {"type": "library", "name": "requests", "version": "2.0"}
    with pytest.raises(LockfileError, match="none of its 2 packages has a package URL"):
        pairs("bom.json", json.dumps({"bomFormat": "CycloneDX", "components": [component, component]}))
    with pytest.raises(LockfileError, match="none of its 1 packages"):
        pairs("bom.xml", '<bom><components><component type="library"><name>a</name></component></components></bom>')
    with pytest.raises(LockfileError, match="none of its 2 packages"):
        pairs("a.spdx.json", json.dumps({"spdxVersion": "SPDX-2.3", "packages": [{"name": "a"}, {"name": "b"}]}))


def test_sboms_of_other_things_than_packages_are_empty() -> None:
    file = {"type": "file", "name": "a.txt"}
    assert pairs("bom.json", json.dumps({"bomFormat": "CycloneDX", "components": [file]})) == []
    assert pairs("a.spdx.json", json.dumps({"spdxVersion": "SPDX-2.3", "packages": [{"name": "about-this"}]})) == []


def test_half_a_character_is_refused_before_a_report_meets_it() -> None:
    with pytest.raises(LockfileError, match=r"U\+D800"):
        pairs("package-lock.json", '{"lockfileVersion": 3, "packages": {"node_modules/\\ud800": {"version": "1.0.0"}}}')


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("bun.lock", '{"a":"' + '\\"' * 100_000 + "\\"),
        ("go.mod", "module x\nrequire " + '\\"' * 100_000),
        ("mix.lock", "%{" + "\n" * 200_000),
        ("poetry.lock", "a." * 200_000 + "a = 1"),
        ("uv.lock", "x = {" + "a." * 200_000 + "a = 1}"),
    ],
)
def test_no_text_takes_time_that_grows_with_its_square(path: str, text: str) -> None:
    began = time.process_time()
    with suppress(LockfileError):
        pairs(path, text)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("package-lock.json", '{"packages": [' + "[]," * 60),
        ("bun.lock", '{"packages": [' + "[]," * 60),
        ("uv.lock", "a = [" + "[]," * 60),
        ("pnpm-lock.yaml", "packages: [" + "[]," * 60),
        ("bom.xml", "<bom>" + "<a/>" * 60),
        ("packages.config", "<packages><package " + " ".join(f"a{n}=''" for n in range(60)) + "/>"),
    ],
)
def test_a_document_is_bounded_by_what_it_weighs_in_memory(
    path: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_VALUES", 50)
    monkeypatch.setattr(reading, "_XML_ELEMENTS", 50)
    monkeypatch.setattr(yamltext, "MOST_VALUES", 50)
    with pytest.raises(LockfileError, match="more than 50 "):
        pairs(path, text)
