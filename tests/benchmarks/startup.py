"""A scan's time outside its batches against the start-up of Prefect's server alone, on the same machine.

`python -m tests.benchmarks.startup` scans two packages of the bundled sample offline, once with a server of its own
and once beside a server that is up. Each Prefect folder has run before, so that no migrations count.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from flows.local_server import LocalServer

ROOT = Path(__file__).resolve().parents[2]


def server_seconds() -> float:
    """Seconds from nothing to a server that answers; it is stopped again."""
    began = time.monotonic()
    with LocalServer() as server:
        server.ready()
        return time.monotonic() - began


def outside_seconds(folder: Path) -> float:
    """Seconds of a whole command that are not spent on looking up and merging."""
    result = folder / "result.json"
    words = [
        "--input",
        "sample/packages.xlsx",
        "--output",
        str(folder / "out.xlsx"),
        "--config",
        "sample/settings.yaml",
    ]
    words += ["--data-dir", str(folder / "data"), "--json", str(result), "--offline", "--start-fresh", "--end-row", "5"]
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "flows.scan", *words], cwd=ROOT, capture_output=True, check=False)
    wall = time.monotonic() - began
    return wall - float(json.loads(result.read_text(encoding="utf-8"))["metrics"]["wall_s"])


def main() -> None:
    """Print both comparisons."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["PREFECT_HOME"] = str(folder / "prefect")
        os.environ.pop("PREFECT_API_URL", None)
        server_seconds()
        alone = min(server_seconds() for _ in range(2))
        adhoc = min(outside_seconds(folder) for _ in range(2))
        print(f"server alone {alone:.1f} s, scan outside its batches {adhoc:.1f} s, ratio {adhoc / alone:.2f}")
        with LocalServer() as server:
            server.ready()
            beside = min(outside_seconds(folder) for _ in range(2))
        print(f"beside a server that is up: scan outside its batches {beside:.1f} s")


if __name__ == "__main__":
    main()
