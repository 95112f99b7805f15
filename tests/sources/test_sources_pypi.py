"""A project's facts out of PyPI's JSON: releases, dates, requirements, repository."""

import asyncio
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker
from packaging.version import Version
from pytest_httpserver import HTTPServer

from tasks.errors import SourceAnswerInvalid
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName, ServicePolicy
from tasks.sources.github_url import github_repository, normal_repository
from tasks.sources.interface import ProjectFacts
from tasks.sources.pypi import PypiApi, _lacks, project_facts
from tasks.sources.requirements import bounding, needs_extra, required_names


def file(day: int = 1, *, yanked: bool = False, **more: Any) -> dict[str, Any]:
    return {"upload_time_iso_8601": f"2024-01-{day:02}T10:20:30.987654Z", "yanked": yanked, **more}


def document(releases: Any = None, **info: Any) -> dict[str, Any]:
    return {"info": {"name": "a", "version": "1.0", **info}, "releases": releases or {}, "urls": []}


def facts(releases: Any = None, installed: str | None = None, **info: Any) -> ProjectFacts:
    return project_facts(document(releases, **info), "a", installed)


def test_latest_is_the_highest_stable_release_that_can_be_installed() -> None:
    got = facts(
        {
            "1.0": [file(1)],
            "1.10": [file(2), file(3)],
            "1.9": [file(4)],
            "1.11": [file(5, yanked=True), file(5, yanked=True)],
            "1.12": [],
            "2.0rc1": [file(6)],
            "2.0.dev3": [file(6)],
            "2004d": [file(7)],
            "3.0": None,
        },
        version="2.0rc1",
    )
    assert got.latest_version == "1.10"
    assert got.latest_released_at == datetime(2024, 1, 2, 10, 20, 30)  # noqa: DTZ001 - naive UTC by contract
    assert got.stable_versions == ("1.0", "1.9", "1.10")


def test_a_release_with_one_file_left_is_not_yanked() -> None:
    assert facts({"1.0": [file(1, yanked=True), file(2)]}).latest_version == "1.0"


def test_without_stable_releases_the_highest_pre_release_counts() -> None:
    assert facts({"0.1a1": [file()], "0.1rc1": [file()], "0.2rc1": [file(yanked=True)]}).latest_version == "0.1rc1"


def test_where_everything_is_yanked_there_is_no_latest() -> None:
    got = facts({"1.0": [file(yanked=True)]}, installed="1.0")
    assert (got.latest_version, got.installed_yanked, got.stable_versions) == (None, True, ())


@pytest.mark.parametrize(
    ("installed", "day"), [("6", 1), ("6.0", 1), ("6.0.0", 1), ("v6.0", 1), ("6.1", 2), ("6.0.1", None), ("x", None)]
)
def test_the_installed_version_is_found_by_equality_and_never_another(installed: str, day: int | None) -> None:
    got = facts({"6.0": [file(1)], "6.1": [file(2)], "6.0.post1": [file(3)], "6.0+local": [file(4)]}, installed)
    assert (got.released_at.day if got.released_at else None) == day


def test_of_two_equal_releases_the_very_text_wins() -> None:
    releases = {"1.0": [file(1)], "1.0.0": [file(2)]}
    assert [getattr(facts(releases, v).released_at, "day", None) for v in ("1.0", "1.0.0", "1")] == [1, 2, 1]


def test_a_date_is_the_first_upload_in_utc_whole_seconds() -> None:
    got = facts({"1.0": [file(9), {"upload_time_iso_8601": "2024-01-02T01:00:00+02:00"}, {"upload_time": "x"}, 7]})
    assert got.latest_released_at == datetime(2024, 1, 1, 23, 0, 0)  # noqa: DTZ001 - naive UTC by contract


def test_old_answers_have_only_the_older_date() -> None:
    got = facts({"1.0": [{"upload_time": "2012-03-04T05:06:07"}]}, "1.0")
    assert got.released_at == datetime(2012, 3, 4, 5, 6, 7)  # noqa: DTZ001 - naive UTC by contract


def test_a_document_full_of_nulls_is_still_one() -> None:
    fields = ("classifiers", "project_urls", "home_page", "requires_dist", "yanked")
    got = facts({"1.0": [{"yanked": None, "upload_time_iso_8601": None}]}, "1.0", **dict.fromkeys(fields))
    known = {"latest_version": "1.0", "stable_versions": ("1.0",), "described_version": "1.0"}
    assert got == ProjectFacts.model_validate({"name": "a", "found": True, **known})


@pytest.mark.parametrize(
    "other", [[], {}, {"message": "Not Found"}, {"info": None}, {"info": {}}, {"info": {"version": 1}}, {"files": []}]
)
def test_what_is_not_pypis_document_is_not_believed(other: Any) -> None:
    with pytest.raises(SourceAnswerInvalid, match="the answer for a is not"):
        project_facts(other, "a", None)


def test_development_status_is_the_text_behind_the_colons() -> None:
    assert facts(classifiers=[None, "Topic :: X", "Development Status :: 4 - Beta"]).development_status == "4 - Beta"
    assert facts(classifiers=["Development Status ::"]).development_status is None


@given(st.dictionaries(st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,2}){0,2}(rc1|\.dev2)?", fullmatch=True), st.booleans()))
def test_latest_is_never_below_any_stable_version(releases: dict[str, bool]) -> None:
    got = facts({text: [file(yanked=yanked)] for text, yanked in releases.items()})
    versions = [Version(text) for text in got.stable_versions]
    assert versions == sorted(set(versions))
    assert not any(version.is_prerelease for version in versions)
    if versions:
        assert Version(str(got.latest_version)) == versions[-1]
    if got.latest_version is not None:
        assert releases[got.latest_version] is False


@pytest.mark.parametrize("line", [f"a<{'9' * 5000}", f"a{' ' * 1000}"], ids=["digits", "blanks"])
def test_a_requirement_that_nobody_can_mean_is_left_out(line: str) -> None:
    assert required_names([line, "b"]) == ("b",)
    assert bounding([line, "b<2"]) == ("b<2",)


def test_versions_and_pythons_without_end_are_none() -> None:
    endless = "9" * 5000
    released = {"1.0": [file(1, requires_python=f">={endless}")], endless: [file(2)]}
    assert facts(released, installed="1.0").pythons == {}
    assert facts(released).latest_version == "1.0"
    assert _lacks({"info": {"version": endless}}, "1.0")


def test_required_names_in_order_without_extras_and_odd_lines() -> None:
    lines = [
        "PySocks!=1.5.7,>=1.5.6",
        'colorama>=0.4; platform_system == "Windows"',
        "foo~=2.0",
        "bar @ https://example.test/bar.whl",
        'pytest; extra == "test"',
        'tomli; python_version < "3.11" and extra == "toml"',
        'both; extra == "x" or python_version < "3.9"',
        "pysocks",
        "not a requirement !!",
        None,
        "baz[extra]",
    ]
    assert required_names(lines) == ("PySocks", "colorama", "foo", "bar", "both", "baz")


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ('extra == "a"', True),
        ('"a" == extra', True),
        ('extra == "a" or extra == "b"', True),
        ('(extra == "a" or extra == "b") and python_version < "3"', True),
        ('(python_version < "3" or os_name == "nt") and extra == "a"', True),
        ('python_version < "3" and extra == "a" or os_name == "nt" and extra == "b"', True),
        ('python_version < "3" or os_name == "nt" and extra == "b"', False),
        ('extra == "b" and os_name == "nt" or python_version < "3"', False),
        ('extra != "a"', False),
        ("os_name == \"extra == 'a'\"", False),
        ('sys_platform not in "win32" and os_name == "and or"', False),
        ('python_full_version >= "3" and (extra == "a" or os_name == "nt")', False),
    ],
)
def test_what_only_an_extra_asks_for(marker: str, expected: bool) -> None:
    assert needs_extra(Marker(marker)) is expected


ATOMS = st.sampled_from(['extra == "a"', 'extra == "b"', 'os_name == "nt"', 'os_name != "nt"'])
MARKERS = st.recursive(
    ATOMS, lambda inner: st.builds(lambda a, op, b: f"({a} {op} {b})", inner, st.sampled_from(["and", "or"]), inner)
)


@given(MARKERS)
def test_needing_an_extra_agrees_with_evaluation(marker: str) -> None:
    # Comparisons count as possible one by one, so `os_name == "nt" and os_name != "nt"` is not seen through.
    held = any(Marker(marker).evaluate({"extra": "", "os_name": name}) for name in ("nt", "posix"))
    if held:
        assert not needs_extra(Marker(marker))
    elif "os_name" not in marker:
        assert needs_extra(Marker(marker))


@pytest.mark.parametrize(
    ("address", "repository"),
    [
        ("https://github.com/pallets/jinja", "https://github.com/pallets/jinja"),
        ("http://www.github.com/pallets/jinja/", "https://github.com/pallets/jinja"),
        ("https://github.com/pallets/jinja.git", "https://github.com/pallets/jinja"),
        ("git+https://github.com/pallets/jinja.git@main#egg=x", "https://github.com/pallets/jinja"),
        ("https://github.com/pallets/jinja/tree/main/src?x=1#readme", "https://github.com/pallets/jinja"),
        ("https://user:pw@github.com/pallets/jinja", "https://github.com/pallets/jinja"),
        ("git@github.com:pallets/jinja.git", "https://github.com/pallets/jinja"),
        ("github.com/zopefoundation/zope.interface/issues", "https://github.com/zopefoundation/zope.interface"),
        ("https://github.com/sponsors/hynek", None),
        ("https://github.com/orgs/pallets/repositories", None),
        ("https://github.com/pallets", None),
        ("https://github.com/", None),
        ("https://github.com.evil.test/a/b", None),
        ("https://pallets.github.io/jinja", None),
        ("https://gitlab.com/a/github.com/b", None),
        ("https://github.com/a/..", None),
        ("https://github.com/a b/c", None),
        ("https://[::1/a/b", None),
        ("UNKNOWN", None),
    ],
)
def test_repository_of_an_address(address: str, repository: str | None) -> None:
    assert normal_repository(address) == repository


def test_the_first_address_that_is_a_repository_wins_over_the_home_page() -> None:
    urls = {
        "GitHub Sponsors": "https://github.com/sponsors/a",
        "GitHub": "https://gitlab.com/a/b",
        "Docs": None,
        "Issues": "https://github.com/a/b/issues",
        "Source": "https://github.com/c/d",
    }
    assert github_repository({"project_urls": urls, "home_page": "https://github.com/e/f"}) == "https://github.com/a/b"
    assert github_repository({"project_urls": None, "home_page": "https://github.com/e/f"}) == "https://github.com/e/f"
    assert github_repository({"project_urls": {}, "home_page": "https://e.test"}) is None


def ask(server: HTTPServer, name: str, installed: str | None) -> ProjectFacts:
    async def run() -> ProjectFacts:
        async with HttpClient({ServiceName.PYPI: ServicePolicy(server.url_for("/pypi-host"))}) as client:
            return await PypiApi.asking(client).project(name, installed)

    return asyncio.run(run())


def test_one_request_per_project(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/pypi-host/pypi/a/json").respond_with_json(document({"1.0": [file(3)]}))
    assert ask(httpserver, "a", "1").released_at == datetime(2024, 1, 3, 10, 20, 30)  # noqa: DTZ001 - naive UTC
    assert len(httpserver.log) == 1


def test_a_project_that_does_not_exist(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/pypi-host/pypi/a/json").respond_with_json({"message": "Not Found"}, status=404)
    assert ask(httpserver, "a", "1.0") == ProjectFacts(name="a", found=False)


def test_without_the_deprecated_releases_the_installed_version_is_asked_for(httpserver: HTTPServer) -> None:
    project = {"info": {"version": "2.0"}, "urls": [file(5)]}
    httpserver.expect_request("/pypi-host/pypi/a/json").respond_with_json(project)
    httpserver.expect_request("/pypi-host/pypi/a/1.0/json").respond_with_json({**project, "urls": [file(1)]})
    got = ask(httpserver, "a", "1.0")
    assert (got.latest_version, got.latest_released_at and got.latest_released_at.day) == ("2.0", 5)
    assert got.released_at is not None
    assert got.released_at.day == 1
    assert len(httpserver.log) == 2
    assert ask(httpserver, "a", "2") == ask(httpserver, "a", "2.0")
    assert len(httpserver.log) == 4
