"""Asking services of a test's own server as the sources do."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from pytest_httpserver import HTTPServer

from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName, ServicePolicy
from tasks.sources.cve_results import CveResults
from tasks.sources.enrichment import CveSourceName
from tasks.sources.kept import FreshFor

DAY = FreshFor(24.0)


def cves(count: int) -> list[str]:
    return [f"CVE-2020-{1000 + number}" for number in range(count)]


async def no_sleep(_seconds: float) -> None:
    await asyncio.sleep(0)


def ask(
    server: HTTPServer, question: Callable[[HttpClient], Awaitable[Any]], counted_in: CveResults | None = None
) -> Any:
    async def run() -> Any:
        policies = {name: ServicePolicy(server.url_for(f"/{name}"), attempts=2) for name in ServiceName}
        windows = {}
        if counted_in is not None:
            policies[ServiceName.NVD] = replace(policies[ServiceName.NVD], requests_in_window=5)
            windows = {ServiceName.NVD: counted_in.window(CveSourceName.NVD, 5, 30.0)}
        async with HttpClient(policies, sleep=no_sleep, windows=windows) as client:
            return await question(client)

    return asyncio.run(run())


def asked(server: HTTPServer) -> int:
    return len(server.log)
