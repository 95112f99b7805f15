"""The IOC scan by strategy: `python -m tests.benchmarks.ioc --services URL --indicators LIST`.

Each strategy runs as the whole command with a data folder of its own, cold and then again with nothing changed. Faults
are for the services' side to set; findings must be the same every time.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the command: seconds in all and of the flow, requests, peak memory in MB, what was found."""

    name: str
    seconds: float
    scan_seconds: float
    requests: int
    peak_mb: float
    findings: frozenset[tuple[str, ...]]
    unread: int
    exit_code: int

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.scan_seconds:.1f} s of scanning, {self.seconds:.1f} s in all,"
            f" {self.requests} requests, {self.peak_mb:.0f} MB at most, {len(self.findings)} findings,"
            f" {self.unread} unread, exit {self.exit_code}"
        )


def main() -> None:
    """Run the comparison that the arguments ask for."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks.ioc", description=__doc__)
    parser.add_argument("--services", required=True, help="address of the GitHub API")
    parser.add_argument("--indicators", type=Path, required=True, help="list of malicious packages")
    parser.add_argument("--org", default="acme")
    parser.add_argument("--strategies", nargs="+", default=["adaptive", "sequential"], help="the first is compared")
    arguments = parser.parse_args()
    cold: list[Run] = []
    for strategy in arguments.strategies:
        with tempfile.TemporaryDirectory() as folder:
            for turn in ("cold", "warm"):
                run = _run(arguments, strategy, f"{strategy}, {turn}", Path(folder))
                print(run, flush=True)
                if turn == "cold":
                    cold.append(run)
    first, *others = cold
    for other in others:
        share = 1 - first.scan_seconds / other.scan_seconds
        same = "the same findings" if first.findings == other.findings else "OTHER FINDINGS"
        print(f"{first.name} takes {share:.0%} less time than {other.name}; {same}")


def _run(arguments: argparse.Namespace, strategy: str, name: str, folder: Path) -> Run:
    found = folder / "found.json"
    words = ("--org", arguments.org, "--indicators", arguments.indicators, "--data-dir", folder / "data")
    command = [sys.executable, "-m", "flows.ioc", *words, "--batch-strategy", strategy, "--json", found, "--quiet"]
    environment = {"GITHUB_TOKEN": "t", **os.environ, "VETBOOK_SOURCES__GITHUB__BASE_URL": arguments.services}
    began = time.monotonic()
    process = subprocess.Popen([str(word) for word in command], env=environment)
    peak = _peak_until_done(process)
    seconds = time.monotonic() - began
    document: dict[str, Any] = json.loads(found.read_text("utf-8"))
    return Run(
        name,
        seconds,
        document["metrics"]["wall_s"],
        sum(document["metrics"]["requests"].values()),
        peak,
        frozenset((f["repository"], f["path"], f["name"], f["version"]) for f in document["findings"]),
        sum(file["status"] == "failed" for file in document["files"]),
        process.returncode,
    )


def _peak_until_done(process: "subprocess.Popen[bytes]") -> float:
    """The most memory that the command's own process had, in MB, looked at ten times a second."""
    seen = psutil.Process(process.pid)
    peak = 0.0
    while process.poll() is None:
        try:
            peak = max(peak, seen.memory_info().rss / 1e6)
        except psutil.NoSuchProcess:
            break
        time.sleep(0.1)
    process.wait()
    return peak


if __name__ == "__main__":
    main()
