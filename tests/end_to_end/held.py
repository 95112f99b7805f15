"""Scans that are held up between two batches, so that a test can do something to them there."""

import threading
import time
from pathlib import Path

from tasks.checkpoints.store import CheckpointStore
from tests.end_to_end.harness import Command, Services, make_workbook, pypi_document

PACKAGES, BATCH = 12, 3


def many_packages(command: Command, services: Services) -> Path:
    """A workbook of so many packages, all of them known to the services."""
    names = [f"pkg-{number}" for number in range(PACKAGES)]
    services.projects.update({name: pypi_document(name) for name in names})
    return make_workbook(command.folder / "r.xlsx", [(name, "1.0") for name in names])


def one_by_one(command: Command) -> Path:
    """Settings for one batch after the other, with a checkpoint after each."""
    path = command.folder / "s.yaml"
    path.write_text(
        f"batch_processing: {{max_concurrent_batches: 1, batch_size: {BATCH}, checkpoint_frequency: 1}}\n"
        "processing: {concurrent_requests: 3}\n"
    )
    return path


class Held:
    """A scan of which so many batches are stored while the services keep the packages of the others waiting."""

    def __init__(self, services: Services, command: Command, book: Path, batches: int, **environment: str) -> None:
        self._go_on = threading.Event()
        later = {f"pkg-{number}" for number in range(BATCH * batches, PACKAGES)}
        services.gate = lambda name: None if name not in later else self._wait()
        words = ("--input", book, "--config", one_by_one(command))
        self.process = command.start(*words, **services.environment(), **environment)
        until = time.monotonic() + 90
        while done_packages(command) < BATCH * batches or not any(services.asked[f"pypi {name}"] for name in later):
            assert time.monotonic() < until
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.05)

    def _wait(self) -> None:
        self._go_on.wait(60)

    def let_go(self) -> None:
        """Answer from now on."""
        self._go_on.set()

    def end(self, timeout: float = 60) -> tuple[int, str, float]:
        """Exit code, standard error, and the seconds it took from now."""
        began = time.monotonic()
        try:
            _, err = self.process.communicate(timeout=timeout)
        finally:
            self.process.kill()
        took = time.monotonic() - began
        self.let_go()
        return self.process.returncode, err, took

    def stop(self, with_signal: int) -> tuple[int, str, float]:
        """Send the signal; exit code, standard error, and the seconds it took."""
        self.process.send_signal(with_signal)
        return self.end()


def done_packages(command: Command) -> int:
    """Packages that the newest checkpoint calls done."""
    heads = CheckpointStore(command.data / "checkpoints").heads()
    return next((head.completed_packages for head in heads), 0)
