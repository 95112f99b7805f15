"""Does it leak: `python -m tests.benchmarks.soak [--batches N] [--size N]`.

Looks batches up one after the other against made-up services on loopback, and prints this process's memory, open
descriptors and threads as it goes. The services run in the same process; what they note is thrown away as they go.
"""

import argparse
import gc
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from tasks.engine.engine import Engine
from tasks.engine.lookup import lookup_settings
from tasks.review.model import PackageKey, ReviewStatus
from tasks.settings.load import load_settings
from tests.engine.engine_services import FakeServices

PROJECTS = 100
WARM_UP = 0.15
"""Share of the batches after which everything that is made once has been made."""

_LOOKS = 10


@dataclass(frozen=True, slots=True)
class Footprint:
    """This process after so many batches: resident MB, open descriptors (sockets and files), threads."""

    batches: int
    resident_mb: float
    descriptors: int
    threads: int

    @classmethod
    def now(cls, batches: int = 0) -> "Footprint":
        """As it is, after a collection of garbage."""
        gc.collect()
        process = psutil.Process()
        count = getattr(process, "num_fds", None) or process.num_handles  # type: ignore[attr-defined]  # on Windows
        return cls(batches, process.memory_info().rss / 1e6, int(count()), process.num_threads())


def soak(services: FakeServices, folder: Path, batches: int, size: int = 1) -> Iterator[Footprint]:
    """Look that many batches up; the footprint when warm, and at even distances up to the end."""
    settings = load_settings(None, {}, {"sources": services.sources}).settings
    engine = Engine(lookup_settings(settings, offline=False, store=folder / "advisories.sqlite"))
    names = [f"{'bad' if n % 3 else 'good'}-{n % PROJECTS}" for n in range(batches * size)]
    refs = engine.index(sorted(set(names)))
    engine.expect_projects(names)
    warm = int(batches * WARM_UP)
    looks = {warm + (batches - warm) * look // _LOOKS for look in range(_LOOKS + 1)}
    for number in range(1, batches + 1):
        keys = [_key(name) for name in names[(number - 1) * size : number * size]]
        reviews = engine.review_batch(keys, refs, None)
        if any(review.status is not ReviewStatus.REVIEWED for review in reviews):
            raise AssertionError(f"batch {number} was not reviewed: {reviews}")
        services.headers.clear()
        if number in looks:
            yield Footprint.now(number)
    engine.close()


def _key(name: str) -> PackageKey:
    return PackageKey(name=name, project=name, version="1.0", version_text="1.0")


def main() -> None:
    """Soak and print."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks.soak", description=__doc__)
    parser.add_argument("--batches", type=int, default=2000)
    parser.add_argument("--size", type=int, default=10, help="packages a batch")
    arguments = parser.parse_args()
    services = FakeServices()
    with tempfile.TemporaryDirectory() as folder:
        warm: Footprint | None = None
        for found in soak(services, Path(folder), arguments.batches, arguments.size):
            warm = warm or found
            print(
                f"{found.batches} batches: {found.resident_mb:.1f} MB (x{found.resident_mb / warm.resident_mb:.2f}), "
                f"{found.descriptors} descriptors, {found.threads} threads"
            )
    services.close()


if __name__ == "__main__":
    main()
