"""Schedules fire only if Prefect's server and the SQLAlchemy beside it agree: held here, since an import does not."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest


@pytest.mark.prefect
def test_a_deployment_s_schedule_becomes_runs(prefect_server: str) -> None:
    with httpx.Client(base_url=prefect_server, timeout=60) as api:
        flow = api.post("/flows/", json={"name": "scheduled"}).json()
        cron = {"active": True, "schedule": {"cron": "0 2 * * *", "timezone": "UTC"}}
        asked = {"name": "nightly", "flow_id": flow["id"], "schedules": [cron]}
        deployment = api.post("/deployments/", json=asked).raise_for_status().json()
        until = (datetime.now(UTC) + timedelta(days=3)).isoformat()
        api.post(f"/deployments/{deployment['id']}/schedule", json={"end_time": until}).raise_for_status()
        wanted = {"flow_runs": {"deployment_id": {"any_": [deployment["id"]]}}}
        runs = api.post("/flow_runs/filter", json=wanted).json()
        api.delete(f"/deployments/{deployment['id']}")
    assert len(runs) >= 2
    assert {run["state_type"] for run in runs} == {"SCHEDULED"}
    assert {datetime.fromisoformat(run["expected_start_time"]).hour for run in runs} == {2}
