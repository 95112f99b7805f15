"""A key that is given twice is refused in YAML and JSON, wherever it stands; all else reads as it always did."""

import pytest
import yaml

from tasks.text.keyed import GivenTwice, read_json, read_keyed, read_yaml


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: [1, {c: 2020-01-02}]\n",
        "base: &base {x: 1}\nmade: {<<: *base, x: 2}\n",
        "one: {x: 1}\ntwo: {x: 1}\n",
        "",
    ],
)
def test_yaml_reads_as_the_library_reads_it(text: str) -> None:
    assert read_yaml(text) == (yaml.safe_load(text) if text else None)


def test_only_plain_types_are_made() -> None:
    with pytest.raises(yaml.YAMLError):
        read_yaml("x: !!python/object/apply:os.system ['true']")


@pytest.mark.parametrize("text", ["a: &a [*a]\nb: {c: 1, c: 2}", "- [{a: 1, a: 1}]"])
def test_a_key_given_twice_is_found_in_any_depth(text: str) -> None:
    with pytest.raises(GivenTwice, match="is given twice, in line"):
        read_yaml(text)


def test_json_with_tabs_is_json_and_braces_without_quotes_are_yaml() -> None:
    assert read_keyed('{\n\t"a": "b: c"\n}') == {"a": "b: c"}
    assert read_keyed("{a: 1}") == {"a": 1}


def test_a_key_given_twice_in_json_too_large_to_look_up_its_line_is_named() -> None:
    text = '{"a": "' + "x" * (1 << 20) + '", "a": 1}'
    with pytest.raises(GivenTwice, match=r"^a is given twice; keep one$"):
        read_json(text)
