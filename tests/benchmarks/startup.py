"""A scan's time outside its batches against the start-up of Prefect's server alone, on the same machine.

`python -m tests.benchmarks.startup` scans five packages, once with a server of its own and once beside a server that
is up. Outside is from the start to the first question and from the last batch's result to the exit. Each Prefect
folder has run before, so that no migrations count.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from flows.local_server import LocalServer
from tests.end_to_end.harness import OTHERS, make_workbook
from tests.engine.engine_services import FakeServices

ROOT = Path(__file__).resolve().parents[2]


def server_seconds() -> float:
    """Seconds from nothing to a server that answers; it is stopped again."""
    began = time.monotonic()
    with LocalServer() as server:
        server.ready()
        return time.monotonic() - began


def outside_seconds(folder: Path) -> float:
    """Seconds from start to the first question, and from the last result to the exit, of one whole command."""
    book = make_workbook(folder / "few.xlsx", [(f"pkg-{number}", "1.0") for number in range(5)])
    services = TimedServices()
    words = ["--input", book, "--output", folder / "out.xlsx", "--data-dir", folder / "data", "--start-fresh"]
    environment = {f"VETBOOK_SOURCES__{name.upper()}__LIVE": "false" for name in OTHERS}
    for name, where in services.sources.items():
        environment[f"VETBOOK_SOURCES__{name.upper()}__BASE_URL"] = where["base_url"]
    began = time.monotonic()
    try:
        last = _last_result([sys.executable, "-m", "flows.scan", *map(str, words)], environment, folder / "data")
        ended = time.monotonic()
    finally:
        services.close()
    return (services.times[0] - began) + (ended - last)


def _last_result(command: list[str], environment: dict[str, str], data: Path) -> float:
    """Run the command to its end; when the last batch's result was seen."""
    last, seen = 0.0, set[Path]()
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.DEVNULL) as running:
        while running.poll() is None:
            new = set((data / "results").rglob("batch-*")) - seen
            if new:
                last, seen = time.monotonic(), seen | new
            time.sleep(0.01)
    return last


class TimedServices(FakeServices):
    """Notes when it was asked."""

    def __init__(self) -> None:
        self.times: list[float] = []
        super().__init__()

    def _answer(self, head: bytes, body: bytes) -> bytes:
        self.times.append(time.monotonic())
        return super()._answer(head, body)


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
