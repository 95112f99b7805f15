"""Settings from file, environment and flags: precedence, both names of a key, refusals and warnings."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import ExitCode, SettingsError
from tasks.settings.former import INERT_KEYS, INERT_SECTIONS
from tasks.settings.load import load_settings
from tasks.settings.model import Settings
from tasks.settings.processing import BatchConfiguration, Strategy

Write = Callable[[str], Path]

BATCH_GUIDE = """
processing:
  batch_size: 12
  checkpoint_frequency: 7  # Create checkpoint every 7 batches
  memory_threshold: 0.7

batch_processing:
  strategy: "time-based"
  time_interval: 120
  max_retries: 2
  enable_atomic_saves: true
"""


@pytest.fixture
def written(tmp_path: Path) -> Write:
    def write(text: str, name: str = "settings.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def _loaded(
    file: Path | None = None, environment: dict[str, str] | None = None, flags: dict[str, Any] | None = None
) -> Settings:
    loaded = load_settings(file, environment or {}, flags)
    assert loaded.warnings == ()
    return loaded.settings


def _refusal(file: Path | None = None, environment: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(file, environment or {})
    assert caught.value.exit_code is ExitCode.USAGE
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_nothing_given_is_all_defaults() -> None:
    assert _loaded() == Settings()


def test_an_empty_environment_is_not_this_process_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VETBOOK_PROCESSING__REQUEST_TIMEOUT", "77")
    assert load_settings(None, {}).settings.processing.request_timeout == 30
    assert load_settings().settings.processing.request_timeout == 77


def test_file_is_under_environment_is_under_flags(written: Write) -> None:
    file = written("processing: {request_timeout: 1, concurrent_requests: 2, retry_attempts: 3}")
    environment = {"VETBOOK_PROCESSING__CONCURRENT_REQUESTS": "4", "VETBOOK_PROCESSING__RETRY_ATTEMPTS": "5"}
    found = _loaded(file, environment, {"processing": {"retry_attempts": 6}}).processing
    assert (found.request_timeout, found.concurrent_requests, found.retry_attempts) == (1, 4, 6)


@pytest.mark.parametrize(
    ("first", "second", "field", "low", "high"),
    [
        ("default_batch_size", "batch_size", "default_batch_size", 3, 4),
        ("time_based_interval", "time_interval", "time_based_interval", 30, 40),
        ("max_retry_attempts", "max_retries", "max_retry_attempts", 1, 2),
    ],
)
def test_both_names_of_a_key_are_the_same_key(
    written: Write, first: str, second: str, field: str, low: int, high: int
) -> None:
    for file_name, flag_name in ((first, second), (second, first), (first, first), (second, second)):
        file = written(f"batch_processing: {{{file_name}: {low}}}")
        assert getattr(_loaded(file).batch_processing, field) == low
        assert getattr(_loaded(file, flags={"batch_processing": {flag_name: high}}).batch_processing, field) == high
        environment = {f"VETBOOK_BATCH_PROCESSING__{flag_name.upper()}": str(high)}
        assert getattr(_loaded(file, environment).batch_processing, field) == high


def test_of_two_names_in_one_section_the_first_name_counts(written: Write) -> None:
    for text in ("{default_batch_size: 7, batch_size: 9}", "{batch_size: 9, default_batch_size: 7}"):
        assert _loaded(written(f"batch_processing: {text}")).batch_processing.default_batch_size == 7


def test_a_size_under_processing_yields_to_batch_processing_s_own(written: Write) -> None:
    file = written("processing: {batch_size: 50}\nbatch_processing: {default_batch_size: 7}")
    assert _loaded(file).batch_processing.default_batch_size == 7


def test_a_size_under_processing_in_a_higher_layer_wins(written: Write) -> None:
    file = written("batch_processing: {default_batch_size: 7}")
    environment = {"VETBOOK_PROCESSING__BATCH_SIZE": "50"}
    assert _loaded(file, environment).batch_processing.default_batch_size == 50


def test_every_key_of_the_batch_guide_is_known_and_effective(written: Write) -> None:
    found = _loaded(written(BATCH_GUIDE)).batch_processing
    assert found.default_batch_size == 12
    assert found.checkpoint_frequency == 7
    assert found.memory_threshold == 0.7
    assert found.strategy is Strategy.TIME_BASED
    assert found.time_based_interval == 120
    assert found.max_retry_attempts == 2
    assert found.atomic_operations is True


def test_every_key_of_batch_configuration_is_known_and_effective(written: Write) -> None:
    wanted: dict[str, Any] = {
        "strategy": "memory-adaptive",
        "default_batch_size": 11,
        "min_batch_size": 2,
        "max_batch_size": 90,
        "checkpoint_frequency": 6,
        "memory_threshold": 0.75,
        "time_based_interval": 200,
        "max_concurrent_batches": 2,
        "atomic_operations": True,
        "backup_on_checkpoint": False,
        "cleanup_on_success": False,
        "retry_failed_batches": False,
        "max_retry_attempts": 1,
    }
    assert set(wanted) == set(BatchConfiguration.model_fields)
    found = _loaded(written(json.dumps({"batch_processing": wanted})))
    assert found.batch_processing.model_dump(mode="json") == wanted


def test_the_defaults_of_the_batch_design_hold() -> None:
    found = Settings().batch_processing
    assert (found.strategy, found.min_batch_size, found.max_batch_size) == (Strategy.FIXED_SIZE, 1, 100)
    assert (found.checkpoint_frequency, found.memory_threshold, found.time_based_interval) == (5, 0.8, 300)
    assert (found.backup_on_checkpoint, found.cleanup_on_success, found.retry_failed_batches) == (True, True, True)
    assert found.max_retry_attempts == 3


def test_atomic_operations_cannot_be_switched_off(written: Write) -> None:
    for key in ("atomic_operations", "enable_atomic_saves"):
        assert "always replaced atomically" in _refusal(written(f"batch_processing: {{{key}: false}}"))


@pytest.mark.parametrize(
    ("text", "place", "allowed"),
    [
        ("processing: {concurrent_requests: 0}", "processing.concurrent_requests (is 0)", "1 to 100"),
        ("processing: {request_timeout: 0}", "processing.request_timeout (is 0)", "above 0 to 600"),
        ("processing: {batch_size: 5000}", "batch_processing.default_batch_size (is 5000)", "1 to 1000"),
        ("batch_processing: {batch_size: -1}", "batch_processing.default_batch_size (is -1)", "1 to 1000"),
        ("batch_processing: {max_retries: 11}", "batch_processing.max_retry_attempts (is 11)", "0 to 10"),
        ("batch_processing: {memory_threshold: 80}", "batch_processing.memory_threshold (is 80)", "0.1 to 0.99"),
        ("sources: {nvd: {requests_per_second: 0}}", "sources.nvd.requests_per_second (is 0)", "above 0 to 10000"),
        ("excel: {header_row: 0}", "excel.header_row (is 0)", "1 to 1048576"),
    ],
)
def test_a_value_out_of_range_is_refused_with_key_value_and_range(
    written: Write, text: str, place: str, allowed: str
) -> None:
    said = _refusal(written(text))
    assert place in said
    assert f"(allowed: {allowed})" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("batch_processing: {strategy: magic}", "'fixed-size', 'memory-adaptive' or 'time-based'"),
        ("batch_processing: {min_batch_size: 50, max_batch_size: 20}", "min_batch_size 50 is above max_batch_size 20"),
        ("sources: {pypi: {base_url: pypi.org}}", "sources.pypi.base_url (is 'pypi.org')"),
        ("excel: {columns: {package_name: B2}}", "excel.columns.package_name"),
        ("excel: {columns: {packagename: B}}", "excel.columns.packagename"),
        ("processing: {retry_attempts: many}", "processing.retry_attempts (is 'many')"),
        ("processing: {request_timeout: .nan}", "processing.request_timeout"),
    ],
)
def test_a_wrong_value_is_refused_by_name(written: Write, text: str, said: str) -> None:
    assert said in _refusal(written(text))


def test_several_wrong_values_are_counted(written: Write) -> None:
    assert "; and 1 more" in _refusal(written("processing: {retry_attempts: 0, concurrent_requests: 0}"))


@pytest.mark.parametrize("scheme", ["ftp://", "//", ""])
def test_a_refused_address_is_shown_without_its_credentials(scheme: str) -> None:
    variables = {"VETBOOK_SOURCES__OSV__BASE_URL": f"{scheme}user:pw@WORD@osv.example.org/osv"}
    with pytest.raises(SettingsError, match=r"sources.osv.base_url \(is '") as caught:
        load_settings(environment=variables)
    assert "user" not in str(caught.value)
    assert "WORD" not in str(caught.value)


def test_a_huge_wrong_value_is_shown_short(written: Write) -> None:
    levels = "\n".join(f"  l{n}: &l{n} [*l{n - 1}, *l{n - 1}, *l{n - 1}, *l{n - 1}]" for n in range(1, 12))
    said = _refusal(written(f"app:\n  l0: &l0 [x]\n{levels}\nprocessing:\n  retry_attempts: *l11\n"))
    assert len(said) < 400


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("batch_procesing: {strategy: fixed-size}", "batch_processing"),
        ("batch_processing: {stratgy: fixed-size}", "batch_processing.strategy"),
        ("batch_processing: {batchsize: 4}", "batch_processing.batch_size"),
        ("processing: {checkpoint_freqency: 4}", "processing.checkpoint_frequency"),
        ("sources: {pypi: {base_urll: 'https://x'}}", "sources.pypi.base_url"),
        ("sources: {pipy: {}}", "sources.pypi"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_known_one(written: Write, text: str, near: str) -> None:
    loaded = load_settings(written(text), {})
    assert len(loaded.warnings) == 1
    assert "is not known and has no effect" in loaded.warnings[0]
    assert loaded.warnings[0].endswith(f"did you mean {near}?")


def test_an_unknown_key_with_nothing_near_is_named_alone(written: Write) -> None:
    (warning,) = load_settings(written("zzz: {qqq: 1}"), {}).warnings
    assert warning == "settings section zzz is not known and has no effect"


def test_an_unknown_environment_key_is_named_too() -> None:
    (warning,) = load_settings(None, {"VETBOOK_PROCESSING__RETRY_ATEMPTS": "3"}).warnings
    assert "processing.retry_atempts" in warning


def test_every_key_of_the_older_tool_is_accepted_and_named(written: Write) -> None:
    tree = {section: dict.fromkeys(keys, 1) for section, keys in INERT_KEYS.items()}
    tree |= {section: {"anything": 1} for section in INERT_SECTIONS}
    loaded = load_settings(written(json.dumps(tree)), {})
    assert loaded.settings.model_dump(include={"batch_processing", "sources"}) == Settings().model_dump(
        include={"batch_processing", "sources"}
    )
    assert all("is of an older tool and has no effect here" in warning for warning in loaded.warnings)
    for place in (
        "processing.retry_delay",
        "excel.total_columns",
        "output.export_formats",
        "performance.keep_alive",
        "security",
    ):
        assert any(f" {place} " in warning for warning in loaded.warnings), place


@pytest.mark.parametrize(
    "text",
    [
        "processing: [",
        "a: {b: 2020-13-45}",
        "a:\n  b: " + "1" * 5000,
        "x: !!python/object/apply:os.system ['true']",
        "a: {b: *missing}",
        "[" * 20_000,
        "a: \x00",
    ],
    ids=["torn", "no-such-date", "huge-integer", "python-object", "no-such-anchor", "deep", "control"],
)
def test_text_that_is_no_yaml_is_one_plain_line(written: Write, text: str) -> None:
    said = _refusal(written(text))
    assert "settings.yaml" in said
    assert "not YAML or JSON; mend the file" in said


def test_broken_yaml_is_refused_with_its_line(written: Write) -> None:
    assert "line 3" in _refusal(written("processing:\n  retry_attempts: 3\n :\n"))


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("sources:\n  osv: {}\nprocessing: {}\nsources: {}\n", "sources is given twice, in lines 1 and 4"),
        ("processing:\n  retry_attempts: 3\n  retry_attempts: 5\n", "retry_attempts is given twice, in lines 2 and 3"),
        ('{"processing": {\n\t"timeout": 5,\n\t"timeout": 6}}', "timeout is given twice, in lines 2 and 3"),
        ("sources: {osv: {timeout: 1}, osv: {}}", "osv is given twice, in line 1"),
    ],
)
def test_a_key_that_is_given_twice_is_refused_with_both_lines(written: Write, text: str, where: str) -> None:
    said = _refusal(written(text))
    assert said.endswith(f"settings.yaml: {where}; keep one")


def test_a_variable_with_a_key_given_twice_is_refused() -> None:
    with pytest.raises(SettingsError, match="VETBOOK_SOURCES__OSV: timeout is given twice"):
        load_settings(None, {"VETBOOK_SOURCES__OSV": '{"timeout": 5, "timeout": 6}'})


@pytest.mark.parametrize("text", ["- a\n- b\n", "word", "5", "batch_size: 10", "[1, 2]"])
def test_a_file_without_sections_is_refused(written: Write, text: str) -> None:
    assert "holds no sections" in _refusal(written(text))


def test_binary_huge_missing_and_folder_are_refused_in_one_line(tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(bytes(range(256)) * 8)
    assert "not YAML or JSON" in _refusal(binary)
    huge = tmp_path / "huge"
    huge.write_bytes(b"#" * ((1 << 20) + 1))
    assert "larger than 1 MiB" in _refusal(huge)
    assert "give an existing file to --config" in _refusal(tmp_path / "missing.yaml")
    assert "cannot be read" in _refusal(tmp_path)


def test_a_broken_environment_variable_is_named() -> None:
    assert _refusal(environment={"VETBOOK_EXCEL__COLUMNS": "{a"}).startswith("VETBOOK_EXCEL__COLUMNS: ")
    both = {"VETBOOK_SOURCES__PYPI": "x", "VETBOOK_SOURCES__PYPI__BASE_URL": "https://mirror.example"}
    assert _refusal(environment=both).startswith("VETBOOK_SOURCES__PYPI__BASE_URL: ")


def test_environment_reaches_every_depth(written: Write) -> None:
    environment = {
        "VETBOOK_SOURCES__PYPI__BASE_URL": "https://mirror.example",
        "VETBOOK_EXCEL__COLUMNS": '{"package_name": "C"}',
        "VETBOOK_BATCH_PROCESSING__CLEANUP_ON_SUCCESS": "false",
        "UNRELATED__KEY": "1",
    }
    file = written("sources: {pypi: {max_in_flight: 3, base_url: 'https://other.example'}, osv: {max_in_flight: 4}}")
    found = _loaded(file, environment)
    assert (found.sources.pypi.base_url, found.sources.pypi.max_in_flight) == ("https://mirror.example", 3)
    assert found.sources.osv.max_in_flight == 4
    assert found.excel.columns == {"package_name": "C"}
    assert found.batch_processing.cleanup_on_success is False


@pytest.mark.parametrize("text", ["", "# only a comment\n", "processing:\n", "{}"])
def test_an_empty_file_or_section_changes_nothing(written: Write, text: str) -> None:
    assert _loaded(written(text)) == Settings()


def test_json_with_tabs_and_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_bytes(b'\xef\xbb\xbf{\n\t"processing": {\n\t\t"retry_attempts": 2\n\t}\n}\n')
    assert _loaded(file).processing.retry_attempts == 2


def test_yaml_in_braces_is_read(written: Write) -> None:
    assert _loaded(written("{processing: {retry_attempts: 2}}")).processing.retry_attempts == 2


def test_a_snapshot_in_a_file_lies_beside_that_file(tmp_path: Path, written: Write) -> None:
    assert _loaded(written("offline: {snapshot: held}")).offline.snapshot == tmp_path.resolve() / "held"
    elsewhere = tmp_path / "elsewhere" / "held"
    assert _loaded(written(f"offline: {{snapshot: '{elsewhere}'}}")).offline.snapshot == elsewhere


def test_the_caller_s_flags_are_left_as_they_were(written: Write) -> None:
    flags = {"processing": {"batch_size": 3, "retry_attempts": 2}}
    assert _loaded(flags=flags).batch_processing.default_batch_size == 3
    assert flags == {"processing": {"batch_size": 3, "retry_attempts": 2}}


def test_every_key_has_a_description() -> None:
    for name, section in Settings.model_fields.items():
        model = section.annotation
        assert isinstance(model, type)
        for key, info in getattr(model, "model_fields", {}).items():
            assert info.description or name == "sources", f"{name}.{key}"
