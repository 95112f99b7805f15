"""What an operator creates from our files: automations that Prefect takes, and that leave cancelled runs alone."""

from pathlib import Path

import pytest
import yaml
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from pydantic import BaseModel

from flows.ioc.request import IocRequest
from flows.scan.request import ScanRequest
from flows.sync.request import SyncRequest

HERE = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def automations() -> list[AutomationCore]:
    plain = yaml.safe_load((HERE / "deployments" / "automations.yaml").read_text(encoding="utf-8"))
    return [AutomationCore.model_validate(one) for one in plain["automations"]]


def test_a_run_that_is_cancelled_is_not_given_back(automations: list[AutomationCore]) -> None:
    # Prefect shows a run that it cancels as Crashed until its process has ended, which takes some 15 s.
    (trigger,) = (one.trigger for one in automations if "go on" in one.name)
    assert isinstance(trigger, EventTrigger)
    assert (trigger.posture, trigger.after) == (Posture.Proactive, {"prefect.flow-run.Crashed"})
    assert trigger.within.total_seconds() >= 30
    assert {"prefect.flow-run.Cancelled", "prefect.flow-run.AwaitingRetry"} <= trigger.expect


def test_every_end_of_a_run_ends_the_wait_for_its_heartbeat(automations: list[AutomationCore]) -> None:
    (trigger,) = (one.trigger for one in automations if "killed" in one.name)
    assert isinstance(trigger, EventTrigger)
    ends = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")}
    assert ends <= trigger.expect


def test_the_server_s_user_can_unpack_the_ui() -> None:
    # Else Prefect logs one error and serves no pages: beside the program only root may write.
    compose = yaml.safe_load((HERE / "deployments" / "compose.yaml").read_text(encoding="utf-8"))
    server = compose["services"]["server"]
    (folder,) = (entry.split(":")[0] for entry in server["tmpfs"])
    assert server["environment"]["PREFECT_UI_STATIC_DIRECTORY"].startswith(f"{folder}/")
    unit = (HERE / "deployments" / "systemd" / "prefect-server.service").read_text(encoding="utf-8")
    assert "StateDirectory=vetbook\n" in unit
    assert "PREFECT_UI_STATIC_DIRECTORY=/var/lib/vetbook/" in unit


def test_every_deployment_s_parameters_are_taken() -> None:
    plain = yaml.safe_load((HERE / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    kinds: dict[str, type[BaseModel]] = {"nightly": ScanRequest, "sync": SyncRequest, "hourly": IocRequest}
    requests = {one["name"]: kinds[one["name"]].model_validate(one["parameters"]["request"]) for one in plain}
    assert set(requests) == set(kinds)
    assert [one["concurrency_limit"]["limit"] for one in plain] == [1, 1, 1]
    # What the scan for indicators compares with lies where the sync puts it.
    assert {getattr(request, "data_dir", None) for request in requests.values()} == {Path("data")}
