"""What the Prefect UI makes its forms of: every parameter described, with its range, and none that only a terminal can
fill."""

from typing import Any

import pytest
from prefect.utilities.callables import parameter_schema

from flows.ioc.flow import ioc
from flows.scan.flow import scan
from flows.sync.flow import sync
from tasks.ioc.config import BatchConfig


def fields_of(run: Any, model: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = parameter_schema(run.fn).definitions[model]["properties"]
    return found


FORMS = [(scan, "ScanRequest"), (ioc, "IocRequest"), (sync, "SyncRequest")]


@pytest.mark.parametrize(("run", "model"), FORMS)
def test_every_field_is_described(run: Any, model: str) -> None:
    assert [name for name, field in fields_of(run, model).items() if not field.get("description")] == []


@pytest.mark.parametrize(("run", "model"), FORMS)
def test_every_number_has_its_range(run: Any, model: str) -> None:
    for name, field in fields_of(run, model).items():
        kinds = [kind for kind in field.get("anyOf", [field]) if kind.get("type") in {"integer", "number"}]
        assert all("minimum" in kind for kind in kinds), name


def test_what_only_a_terminal_can_fill_is_no_parameter_of_a_deployment() -> None:
    assert {"interactive", "display"}.isdisjoint(fields_of(scan, "ScanRequest"))


def test_the_ioc_form_has_the_ranges_of_the_settings() -> None:
    form = fields_of(ioc, "IocRequest")
    settings = BatchConfig.model_json_schema()["properties"]
    same = {
        "batch_size": "default_batch_size",
        "max_concurrent": "max_concurrent_requests",
        "max_repos": "max_concurrent_repos",
        "rate_limit_buffer": "rate_limit_buffer",
    }
    for name, setting in same.items():
        (number,) = (kind for kind in form[name]["anyOf"] if "minimum" in kind)
        for bound in ("minimum", "maximum"):
            assert number[bound] == settings[setting][bound], name
