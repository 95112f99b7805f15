"""The scan's speed: `python -m tests.benchmarks.scan --services URL [--workbook FILE] [--rows N N]`."""

import argparse
import asyncio
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

import httpx
import openpyxl

from flows.command.serving import rare_collections
from flows.scan.prepare import prepare
from flows.scan.prepared import PreparedScan
from flows.scan.request import ResumeMode, ScanRequest
from tasks.engine.engine import Engine
from tests.end_to_end.harness import make_workbook

_SERVICES = ("pypi", "osv", "osv_bulk", "github", "nvd", "nvd_feeds", "mitre", "snyk", "exploitdb", "kev", "epss")
_PREFIXES = {name: name.replace("_", "-") for name in _SERVICES} | {"pypi": "pypi-host"}
_IN_FLIGHT = 32


def main() -> None:
    """Run the comparisons that the arguments ask for."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks.scan", description=__doc__)
    parser.add_argument("--services", required=True, help="address of the services")
    parser.add_argument("--workbook", type=Path, help="review workbook to look up")
    parser.add_argument("--rows", type=int, nargs=2, help="compare the whole command for so many made-up packages")
    arguments = parser.parse_args()
    os.environ.update(services_environment(arguments.services))
    with tempfile.TemporaryDirectory() as folder:
        if arguments.workbook:
            _against_bare_loop(arguments.services, arguments.workbook, Path(folder))
        if arguments.rows:
            _against_fewer_rows(arguments.rows, Path(folder))


def services_environment(services: str) -> dict[str, str]:
    """The settings that make the product use the services below that address."""
    return {f"VETBOOK_SOURCES__{k.upper()}__BASE_URL": f"{services}/{v}" for k, v in _PREFIXES.items()}


def _against_bare_loop(services: str, workbook: Path, folder: Path) -> None:
    prepared = prepare(ScanRequest(workbook=workbook, data_dir=folder / "data", resume=ResumeMode.FRESH, dry_run=True))
    names = sorted({key.project for key in prepared.keys})
    rare_collections()  # for both, as the command does
    asyncio.run(_bare(services, names))
    bare = _timed(lambda: asyncio.run(_bare(services, names)))
    engine = Engine(prepared.lookup)
    ours = _timed(lambda: _look_up(engine, prepared))
    requests = {name.value: m.requests for name, m in engine.metrics().items() if m.requests}
    engine.close()
    print(f"lookup {ours:.2f} s, bare loop {bare:.2f} s: ratio {ours / bare:.2f} (goal: at most 1.5)")
    print(f"requests for {len(names)} projects: {requests}")
    whole = _command(workbook, folder / "whole")
    print(f"whole command: {whole['wall_s']} s from its first question on")
    print(f"peak memory {whole['peak_rss_mb']} MB (goal: under 300)")


def _timed(work: object) -> float:
    began = time.monotonic()
    work()  # type: ignore[operator]
    return time.monotonic() - began


def _look_up(engine: Engine, prepared: PreparedScan) -> None:
    refs = engine.index(sorted({key.project for key in prepared.keys}))
    engine.expect([ref for own in refs.values() for ref in own])
    engine.review_batch(prepared.keys, refs, None)


async def _bare(services: str, names: Sequence[str]) -> None:
    """The same requests, every answer parsed as JSON and forgotten; of the bulk file, the records that are named."""
    gate = asyncio.Semaphore(_IN_FLIGHT)
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=_IN_FLIGHT), timeout=120) as client:

        async def project(name: str) -> None:
            async with gate:
                json.loads((await client.get(f"{services}/pypi-host/pypi/{name}/json")).content)

        async def bulk(wanted: set[str]) -> None:
            archive = zipfile.ZipFile(io.BytesIO((await client.get(f"{services}/osv-bulk/PyPI/all.zip")).content))
            for entry in archive.namelist():
                if entry.removesuffix(".json") in wanted:
                    json.loads(archive.read(entry))

        named: set[str] = set()
        queries = [{"package": {"ecosystem": "PyPI", "name": name}} for name in names]
        for at in range(0, len(queries), 1000):
            payload = {"queries": queries[at : at + 1000]}
            answer = json.loads((await client.post(f"{services}/osv/v1/querybatch", json=payload)).content)
            named |= {vuln["id"] for result in answer["results"] for vuln in result.get("vulns", ())}
        await asyncio.gather(bulk(named), *(project(name) for name in names))


def _against_fewer_rows(rows: Sequence[int], folder: Path) -> None:
    walls = []
    for count in sorted(rows):
        book = make_workbook(folder / f"{count}.xlsx", [(f"pkg-{n}", f"1.{n % 99}") for n in range(count)])
        metrics = _command(book, folder / str(count))
        walls.append(float(metrics["wall_s"]))
        print(f"{count} rows: {metrics['wall_s']} s, peak memory {metrics['peak_rss_mb']} MB")
    few, many = sorted(rows)
    print(f"{many} rows take {walls[1] / walls[0]:.1f} times what {few} take (goal: at most {many / few * 1.07:.1f})")


def _command(workbook: Path, folder: Path) -> dict[str, float]:
    """The metrics of one run of the whole command on a copy of the workbook."""
    folder.mkdir()
    copy = folder / workbook.name
    copy.write_bytes(workbook.read_bytes())
    result = folder / "result.json"
    words = ["--input", copy, "--data-dir", folder / "data", "--json", result, "--start-fresh", "--quiet"]
    subprocess.run([sys.executable, "-m", "flows.scan", *map(str, words)], check=False)
    metrics: dict[str, float] = json.loads(result.read_text("utf-8"))["metrics"]
    return metrics


if __name__ == "__main__":
    assert openpyxl  # the harness makes its workbooks with it
    main()
