"""The memory gate: slower above the limit, as fast as ever below it, never at a standstill."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.engine.memory import LOOK_EVERY_S, RELIEVE_EVERY_S, MemoryGate, resident_mb


class Machine:
    """A clock and a memory reading that tests set."""

    def __init__(self, used: float = 0.0) -> None:
        self.now = 0.0
        self.used = used
        self.relieved = 0

    def clock(self) -> float:
        return self.now

    def reader(self) -> float:
        return self.used

    def relieve(self) -> None:
        self.relieved += 1

    def gate(self, most: int = 16, least: int = 2) -> MemoryGate:
        return MemoryGate(100, most, least, reader=self.reader, clock=self.clock, relieve=self.relieve)


async def _through(gate: MemoryGate, machine: Machine, count: int, *, cancel: int = 0) -> tuple[int, int]:
    """Send packages through; how many ended, and how many were inside at once in the second half."""
    inside = peak = ended = 0

    async def package(number: int) -> None:
        nonlocal inside, peak, ended
        async with gate.package():
            inside += 1
            if number >= count // 2:
                peak = max(peak, inside)
            machine.now += LOOK_EVERY_S
            try:
                for _ in range(3):
                    await asyncio.sleep(0)
            finally:
                inside -= 1
        ended += 1

    tasks = [asyncio.create_task(package(number)) for number in range(count)]
    await asyncio.sleep(0)
    for task in tasks[:cancel]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return ended, peak


def test_below_the_limit_as_many_as_ever_are_let_in() -> None:
    machine = Machine(used=99)
    assert asyncio.run(_through(machine.gate(), machine, 100)) == (100, 16)
    assert machine.relieved == 0


def test_above_the_limit_fewer_are_let_in_and_all_end() -> None:
    machine = Machine(used=101)
    gate = machine.gate()
    assert asyncio.run(_through(gate, machine, 100)) == (100, 2)
    assert gate.pressed
    assert gate.waits > 0
    assert 1 <= machine.relieved <= 100 * LOOK_EVERY_S / RELIEVE_EVERY_S + 1


def test_it_is_as_fast_as_before_once_memory_is_back() -> None:
    machine = Machine(used=500)
    gate = machine.gate()

    async def work() -> None:
        await _through(gate, machine, 60)
        assert gate.allowed == 2
        machine.used = 50
        await _through(gate, machine, 60)
        assert gate.allowed == 16
        assert not gate.pressed

    asyncio.run(work())


@settings(max_examples=50, deadline=None)
@given(
    used=st.floats(0, 200), most=st.integers(1, 8), least=st.integers(1, 8), count=st.integers(0, 30), cancel=st.data()
)
def test_nobody_is_dropped_or_stuck_and_the_bounds_hold(
    used: float, most: int, least: int, count: int, cancel: st.DataObject
) -> None:
    least = min(least, most)
    machine = Machine(used)
    gate = machine.gate(most, least)
    cancelled = cancel.draw(st.integers(0, count))

    async def work() -> None:
        ended, peak = await asyncio.wait_for(_through(gate, machine, count, cancel=cancelled), 20)
        assert ended == count - cancelled
        assert peak <= most
        assert least <= gate.allowed <= most
        assert (await _through(gate, machine, 3))[0] == 3

    asyncio.run(work())


def test_the_resident_size_of_this_process_is_in_megabytes() -> None:
    assert 10 < resident_mb() < 5000


def test_memory_is_read_now_and_then_only() -> None:
    machine = Machine(used=1)
    reads = 0

    def reader() -> float:
        nonlocal reads
        reads += 1
        return 1.0

    gate = MemoryGate(100, 4, reader=reader, clock=machine.clock)

    async def work() -> None:
        for _ in range(50):
            async with gate.package():
                pass

    asyncio.run(work())
    assert reads == 1


@pytest.mark.parametrize("most", [1, 3])
def test_the_least_is_one(most: int) -> None:
    machine = Machine(used=1000)
    gate = MemoryGate(100, most, reader=machine.reader, clock=machine.clock)
    assert asyncio.run(_through(gate, machine, 20)) == (20, 1)
