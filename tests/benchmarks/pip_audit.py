"""Against pip-audit: `python -m tests.benchmarks.pip_audit --services URL --workbook FILE --pip-audit PROGRAM`.

The same pins, the same services, one after the other. pip-audit asks OSV about each pin (`-s osv`); we look the
advisories up live and from a synced store, and run the whole command. Give a pip-audit in a virtual environment of
its own (`pip install pip-audit` there). It cannot read advisories whose fixed versions are not PEP 440: pins of such
projects are left out on its side only, and said.
"""

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from flows.scan.prepare import prepare
from flows.scan.request import ResumeMode, ScanRequest
from tasks.advisories.model import Advisory, EventKind
from tasks.advisories.versions import parse_version
from tasks.engine.lookup import LookupSettings, lookup_settings
from tasks.engine.stores import Stores, sources
from tasks.engine.synced import synced_advisories
from tasks.engine.terms import policies
from tasks.http.client import HttpClient
from tasks.review.model import PackageKey
from tasks.review.reviewer import Reviewer
from tasks.settings.load import load_settings
from tasks.sources.osv import OsvApi
from tasks.store.advisories import AdvisoryStore
from tests.benchmarks.scan import services_environment
from tests.benchmarks.store import NoFacts

LIVE_GOAL, STORE_GOAL, WHOLE_GOAL = 10, 50, 3
_FOUND = {0: "found nothing", 1: "found vulnerabilities"}


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds of one run, those of the process it ran in (start and imports included), and affected pins."""

    seconds: float
    process_s: float
    affected: int


def main() -> None:
    """Run one lookup of ours (--one), or all and print the comparison."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks.pip_audit", description=__doc__)
    parser.add_argument("--services", required=True, help="address of the services")
    parser.add_argument("--workbook", type=Path, required=True, help="review workbook whose pins are audited")
    parser.add_argument("--pip-audit", type=Path, required=True, help="the program, in an environment of its own")
    parser.add_argument("--one", choices=("live", "store"), help=argparse.SUPPRESS)
    parser.add_argument("--data-dir", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.environ.update(services_environment(arguments.services))
    if arguments.one:
        print(json.dumps(_one(arguments.workbook, arguments.data_dir, arguments.one)))
        return
    with tempfile.TemporaryDirectory() as folder:
        _compare(arguments, Path(folder))


def _compare(arguments: argparse.Namespace, folder: Path) -> None:
    synced = folder / "synced"
    _run([sys.executable, "-m", "flows.sync", "--sources", "osv", "--data-dir", synced], quiet=True)
    pins = _pins(arguments.workbook)
    left_out = _unreadable(synced, pins)
    theirs = _pip_audit(arguments, [pin for pin in pins if pin.project not in left_out], folder)
    if left_out:
        print(f"left out on pip-audit's side: {len(left_out)} pins ({', '.join(sorted(left_out))})")
    live = _child(arguments, "live", folder / "live")
    store = _child(arguments, "store", synced)
    whole = _whole(arguments.workbook, folder)
    for what, ours, goal in (
        ("advisories, live", live.seconds, LIVE_GOAL),
        ("advisories, from the store", store.seconds, STORE_GOAL),
        ("advisories, live, with start-up", live.process_s, LIVE_GOAL),
        ("advisories, from the store, with start-up", store.process_s, None),
        ("the whole scan", whole, WHOLE_GOAL),
    ):
        wanted = f" (goal: at least {goal})" if goal else ""
        print(f"{what}: {ours:.2f} s, pip-audit {theirs:.1f} s: ratio {theirs / ours:.1f}{wanted}")
    print(f"affected pins of ours: live {live.affected}, from the store {store.affected}")


def _pins(workbook: Path) -> list[PackageKey]:
    """The rows that are pins for both: a released version of PEP 440, and for pip-audit one pin a project."""
    with tempfile.TemporaryDirectory() as folder:
        request = ScanRequest(workbook=workbook, data_dir=Path(folder), resume=ResumeMode.FRESH, dry_run=True)
        keys = prepare(request).keys
    return list({key.project: key for key in keys if key.version is not None}.values())


def _unreadable(data_dir: Path, pins: Sequence[PackageKey]) -> frozenset[str]:
    store = AdvisoryStore(data_dir / "store" / "synced.sqlite")
    index = store.index_now([pin.project for pin in pins])
    found = {name: store.advisories_now(refs) for name, refs in index.items()}
    store.close()
    return frozenset(name for name, records in found.items() if _has_odd_fix(records))


def _has_odd_fix(records: Mapping[str, Advisory]) -> bool:
    events = (e for a in records.values() for entry in a.affected for found in entry.ranges for e in found)
    return any(event.kind is EventKind.FIXED and parse_version(event.version) is None for event in events)


def _pip_audit(arguments: argparse.Namespace, pins: Sequence[PackageKey], folder: Path) -> float:
    requirements = folder / "requirements.txt"
    requirements.write_text("".join(f"{pin.project}=={Version(str(pin.version))}\n" for pin in pins))
    words = ["-r", requirements, "--no-deps", "--disable-pip", "--progress-spinner", "off", "-f", "json"]
    service = ["-s", "osv", "--osv-url", f"{arguments.services}/osv/v1/query", "--cache-dir", folder / "cache"]
    command = [str(word) for word in (arguments.pip_audit, *words, *service)]
    print("$", " ".join(command))
    began = time.monotonic()
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    said = ran.stderr.strip().splitlines()[-1:] or [""]
    print(f"pip-audit: exit {ran.returncode} ({_FOUND.get(ran.returncode, 'failed')}), {len(pins)} pins: {said[0]}")
    if ran.returncode not in _FOUND or not re.match(r"\s*\{", ran.stdout):
        raise SystemExit("pip-audit did not answer, so there is nothing to compare with.")
    return seconds


def _child(arguments: argparse.Namespace, which: str, data_dir: Path) -> Timed:
    own = ("--services", arguments.services, "--workbook", arguments.workbook, "--pip-audit", arguments.pip_audit)
    began = time.monotonic()
    out = _run([sys.executable, "-m", "tests.benchmarks.pip_audit", *own, "--one", which, "--data-dir", data_dir])
    process_s = time.monotonic() - began
    found = json.loads(out)
    return Timed(found["seconds"], process_s, found["affected"])


def _one(workbook: Path, data_dir: Path, which: str) -> dict[str, float]:
    keys = _pins(workbook)
    lookup = lookup_settings(
        load_settings(None).settings, offline=False, store=data_dir / "store" / "advisories.sqlite"
    )
    began = time.monotonic()
    affected = asyncio.run(_looked_up(keys, lookup, from_store=which == "store"))
    return {"seconds": time.monotonic() - began, "affected": affected}


async def _looked_up(keys: Sequence[PackageKey], lookup: LookupSettings, *, from_store: bool) -> int:
    """How many packages are affected, by their advisories alone."""
    stores = Stores.open(lookup)
    synced = synced_advisories(lookup) if from_store else None
    async with HttpClient(policies(lookup, {})) as client:
        source = sources(lookup, client, stores, synced).advisories
        refs = await source.index(sorted({key.project for key in keys}))
        if isinstance(source, OsvApi):
            await source.expect([ref for own in refs.values() for ref in own])
        reviews = await Reviewer(NoFacts(), source).review_batch(keys, refs)
    return sum(bool(review.vulnerabilities) for review in reviews)


def _whole(workbook: Path, folder: Path) -> float:
    copy = folder / workbook.name
    copy.write_bytes(workbook.read_bytes())
    words = ["--input", copy, "--data-dir", folder / "whole", "--start-fresh", "--quiet"]
    began = time.monotonic()
    ran = subprocess.run([sys.executable, "-m", "flows.scan", *map(str, words)], check=False)
    print(f"whole scan: exit {ran.returncode}")
    return time.monotonic() - began


def _run(command: Sequence[object], *, quiet: bool = False) -> str:
    ran = subprocess.run([str(word) for word in command], check=False, capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(f"{command}: exit {ran.returncode}: {ran.stderr[-500:]}")
    return "" if quiet else ran.stdout


if __name__ == "__main__":
    main()
