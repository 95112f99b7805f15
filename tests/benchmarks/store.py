"""Matching from the advisory store: `python -m tests.benchmarks.store --store FILE --workbook FILE [--rows N]`.

Each run is a process of its own, with garbage collected as seldom as in a scan: CPU seconds from the advisories in the
store to finished reviews (no request, no workbook), and how much memory grew beyond what the imports take.
"""

import argparse
import asyncio
import json
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil

from flows.command.serving import rare_collections
from flows.scan.prepared import distinct
from tasks.review.model import PackageKey
from tasks.review.reviewer import Reviewer
from tasks.sources.interface import ProjectFacts
from tasks.store.advisories import AdvisoryStore
from tasks.workbook.reader import read_review

_BATCH = 50
_COPIES = 9


class NoFacts:
    """A `ProjectSource` that costs nothing: only matching is measured."""

    async def project(self, name: str, installed: str | None) -> ProjectFacts:
        return ProjectFacts(name=name, found=True)


def main() -> None:
    """Run one measurement (--one), or all of them and print the comparisons."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks.store", description=__doc__)
    parser.add_argument("--store", type=Path, required=True, help="synced.sqlite, as python -m flows.sync left it")
    parser.add_argument("--workbook", type=Path, required=True, help="review workbook whose packages are matched")
    parser.add_argument("--rows", type=int, default=50_000, help="packages of the large runs")
    parser.add_argument("--one", choices=("workbook", "repeated", "all"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(_measured(arguments.store, _keys(arguments))))
        return
    small = _child(arguments, "workbook")
    _say("the workbook's packages", small, small)
    _say("as many as --rows, of the store's own projects", _child(arguments, "all"), small)
    _say("as many as --rows, the workbook's projects over and over", _child(arguments, "repeated"), small)
    with tempfile.TemporaryDirectory() as folder:
        arguments.store = _grown(arguments.store, Path(folder))
        _say(f"the workbook's packages, a store {_COPIES + 1} times as large", _child(arguments, "workbook"), small)


def _say(what: str, found: dict[str, Any], small: dict[str, Any]) -> None:
    per_package = found["cpu_s"] / found["packages"] / (small["cpu_s"] / small["packages"])
    print(
        f"{what}: {found['packages']} packages, {found['affected']} affected, {found['cpu_s']:.2f} s CPU "
        f"(per package x{per_package:.2f}), memory +{found['grown_mb']:.0f} MB "
        f"(x{found['grown_mb'] / max(1.0, small['grown_mb']):.2f})"
    )


def _child(arguments: argparse.Namespace, which: str) -> dict[str, Any]:
    options = ("--store", arguments.store, "--workbook", arguments.workbook, "--rows", arguments.rows, "--one", which)
    command = [sys.executable, "-m", "tests.benchmarks.store", *map(str, options)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, Any] = json.loads(answer)
    return found


def _keys(arguments: argparse.Namespace) -> list[PackageKey]:
    own = list(distinct(read_review(arguments.workbook).rows))
    if arguments.one == "workbook":
        return own
    chance = random.Random(1)  # noqa: S311 - made-up rows, the same each time
    with closing(sqlite3.connect(arguments.store)) as connection:
        known = [name for (name,) in connection.execute("SELECT DISTINCT name FROM names WHERE ecosystem = 'PyPI'")]
    names = known if arguments.one == "all" else [key.project for key in own]
    return [_key(chance.choice(names), f"{chance.randrange(9)}.{n}") for n in range(arguments.rows)]


def _key(name: str, version: str) -> PackageKey:
    return PackageKey(name=name, project=name, version=version, version_text=version)


def _measured(path: Path, keys: Sequence[PackageKey]) -> dict[str, Any]:
    rare_collections()
    store = AdvisoryStore(path)
    reviewer = Reviewer(NoFacts(), store)
    before, began, affected = psutil.Process().memory_info().rss, time.process_time(), 0
    refs = store.index_now(sorted({key.project for key in keys}))
    for at in range(0, len(keys), _BATCH):
        reviews = asyncio.run(reviewer.review_batch(keys[at : at + _BATCH], refs))
        affected += sum(bool(review.vulnerabilities) for review in reviews)
    cpu_s = time.process_time() - began
    store.close()
    grown_mb = (psutil.Process().memory_info().rss - before) / 1e6
    return {"packages": len(keys), "affected": affected, "cpu_s": cpu_s, "grown_mb": grown_mb}


def _grown(store: Path, folder: Path) -> Path:
    """The store with every advisory under further ids and names."""
    larger = Path(shutil.copy(store, folder / store.name))
    with closing(sqlite3.connect(larger)) as connection, connection:
        for copy in range(_COPIES):
            connection.execute(
                "INSERT INTO advisories SELECT ecosystem, ? || id, modified, stamp, body FROM advisories"
                " WHERE substr(id, 1, 5) != 'copy-'",
                (f"copy-{copy}-",),
            )
            connection.execute(
                "INSERT INTO names SELECT ecosystem, ? || name, ? || id, modified FROM names"
                " WHERE substr(id, 1, 5) != 'copy-'",
                (f"copy-{copy}-", f"copy-{copy}-"),
            )
    return larger


if __name__ == "__main__":
    main()
