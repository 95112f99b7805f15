"""The part of PyPI's document that is kept says the same as the whole."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tasks.sources.pypi import project_facts, reduced

versions = st.sampled_from(["1.0", "1.0.0", "0.9", "2.0rc1", "2.0", "2004d", "3.0.dev1", "1!0.5", "1.0+local", ""])
times = st.sampled_from(
    ["2024-01-01T10:20:30.987654Z", "2023-05-06T00:00:00+02:00", "2024-02-03T04:05:06", "yesterday", None]
)
files = st.fixed_dictionaries(
    {},
    optional={
        "upload_time_iso_8601": times,
        "upload_time": times,
        "yanked": st.sampled_from([True, False, None, "yes"]),
        "digests": st.just({"sha256": "0" * 64}),
    },
)
listed = st.lists(files | st.none() | st.text(max_size=2), max_size=3) | st.none()
infos = st.fixed_dictionaries(
    {"version": versions},
    optional={
        "name": st.just("a"),
        "description": st.just("x" * 500),
        "requires_dist": st.lists(st.sampled_from(["six>=1", "b; extra == 'c'", "bad["])) | st.none(),
        "classifiers": st.lists(
            st.sampled_from(["Development Status :: 4 - Beta", "Topic :: X", " Development Status ::  5", 7])
        ),
        "project_urls": st.just({"Source": "https://github.com/o/r"}) | st.none(),
        "home_page": st.just("https://github.com/h/p") | st.none(),
    },
)
documents = st.fixed_dictionaries(
    {"info": infos}, optional={"releases": st.dictionaries(versions, listed) | st.none(), "urls": listed}
)


@given(document=documents, installed=versions | st.none())
def test_facts_of_the_kept_part_are_those_of_the_whole(document: dict[str, Any], installed: str | None) -> None:
    kept = json.loads(json.dumps(reduced(document, "a")))
    assert project_facts(kept, "a", installed) == project_facts(document, "a", installed)
    assert reduced(kept, "a") == kept


def test_it_is_much_smaller() -> None:
    release = [{"filename": "f" * 80, "digests": {"sha256": "0" * 64}, "upload_time": "2024-01-01T00:00:00"}] * 40
    document = {
        "info": {"version": "1.0", "description": "d" * 50_000},
        "releases": {f"1.{n}": release for n in range(50)},
    }
    assert len(json.dumps(reduced(document, "a"))) < len(json.dumps(document)) / 50
