"""What a second worker brings: `python -m tests.benchmarks.runners [--kind dask] [--packages N] [--latency-ms N]`.

Looks the same packages up on a cluster of one worker process and on one of two, warm, with services on loopback that
take their time and a few requests in flight for each worker: work that waits. Then by threads of this process.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from flows.local_server import LocalServer
from tasks.engine.lookup import LookupSettings, lookup_settings
from tasks.settings.load import load_settings
from tasks.settings.running import ExecutionSettings, RunnerKind
from tests.engine.engine_services import FakeServices

_IN_FLIGHT = 4
_BATCH = 10
_WARM = 4
"""Batches that end before time counts: Ray starts processes anew for every run."""

Head = Callable[[int], AbstractContextManager[ExecutionSettings]]


def main() -> None:
    """Compare the kinds of clusters that the arguments ask for."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks.runners", description=__doc__)
    parser.add_argument("--kind", choices=[RunnerKind.DASK, RunnerKind.RAY], nargs="+", default=["dask", "ray"])
    parser.add_argument("--packages", type=int, default=240)
    parser.add_argument("--latency-ms", type=int, default=400)
    arguments = parser.parse_args()
    services = FakeServices(arguments.latency_ms / 1000)
    with _prefect(), tempfile.TemporaryDirectory() as folder:
        places = iter(Path(folder) / str(number) for number in range(99))
        batches = [[f"good-{n}" for n in range(at, at + _BATCH)] for at in range(0, arguments.packages, _BATCH)]

        def rate(execution: ExecutionSettings) -> float:
            return _rate(execution, services, places, batches)

        for kind in arguments.kind:
            one, two = (_clustered(RunnerKind(kind), workers, rate) for workers in (1, 2))
            print(f"{kind}: one worker {one:.1f} packages/s, two {two:.1f}: ratio {two / one:.2f} (goal: 2)")
        print(f"threads: {rate(ExecutionSettings()):.1f} packages/s")
    services.close()


@contextmanager
def _prefect() -> Iterator[None]:
    with LocalServer() as server:
        server.ready()
        yield


def _clustered(kind: RunnerKind, workers: int, rate: Callable[[ExecutionSettings], float]) -> float:
    from tests.runners.heads import dask_head, ray_head  # noqa: PLC0415  Prefect, which asks where its server is

    head: Head = dask_head if kind is RunnerKind.DASK else ray_head
    with head(workers) as execution:
        return rate(execution)


def _rate(
    execution: ExecutionSettings, services: FakeServices, places: Iterator[Path], batches: Sequence[Sequence[str]]
) -> float:
    """Packages a second, once every process has done its imports."""
    from tests.runners.clusters import look_up  # noqa: PLC0415  as above

    folder = next(places)
    found = look_up(execution, _lookup(services, folder), folder / "results", batches, _WARM)
    return sum(len(batch) for batch in batches[_WARM:]) / found.seconds


def _lookup(services: FakeServices, folder: Path) -> LookupSettings:
    sections = {"sources": services.sources, "processing": {"concurrent_requests": _IN_FLIGHT}}
    settings = load_settings(None, {}, sections).settings
    return lookup_settings(settings, offline=False, store=folder / "store" / "advisories.sqlite")


if __name__ == "__main__":
    main()
