"""The Prefect task that brings one source of the advisory store up to date."""

import asyncio
import dataclasses
import os
from pathlib import Path
from typing import Any

from prefect import task

from tasks.engine.lookup import LookupSettings
from tasks.engine.terms import policies
from tasks.errors import SourceError
from tasks.http.client import HttpClient
from tasks.store.file import StoreFile
from tasks.store.sync import SyncPlan, failed, sync_source, syncing
from tasks.store.work import SourceReport

__all__ = ["sync_one", "synced"]


@task(name="sync-source", task_run_name="{name}", persist_result=False)
def sync_one(name: str, plan: SyncPlan, lookup: LookupSettings) -> dict[str, Any]:
    """Bring one source up to date; SourceReport as plain data. A failure is in the report, not raised."""
    return dataclasses.asdict(synced(name, plan, lookup))


def synced(name: str, plan: SyncPlan, lookup: LookupSettings) -> SourceReport:
    """As `sync_one`, without Prefect; lookup names the store and the services."""
    store = lookup.advisory_store
    assert store is not None  # noqa: S101  whoever syncs names a data folder
    try:
        with syncing(store) as (file, folder):
            return asyncio.run(_synced(name, plan, lookup, file, folder))
    except SourceError as error:
        return failed(name, error)


async def _synced(name: str, plan: SyncPlan, lookup: LookupSettings, file: StoreFile, folder: Path) -> SourceReport:
    async with HttpClient(policies(lookup, os.environ), ca_bundle=lookup.ca_bundle) as client:
        return await sync_source(client, file, folder, name, plan)
