"""Which batch strategy the settings ask for."""

from tasks.batching.fixed_size import FixedSize, usual_size
from tasks.batching.interface import BatchStrategy
from tasks.batching.memory_adaptive import MemoryAdaptive
from tasks.batching.time_based import TimeBased
from tasks.settings.processing import BatchConfiguration, Strategy


def start_size(config: BatchConfiguration, items: int) -> int:
    """Items in the first batch: what the settings say, else by the size of the input; within min and max.

    A size that the settings name is used as it is by `fixed-size`, whatever min and max say: those are for
    the strategies that choose.
    """
    if config.default_batch_size is None:
        return usual_size(items, config.max_batch_size)
    return config.default_batch_size


def strategy_for(config: BatchConfiguration, items: int) -> BatchStrategy:
    """A new strategy for an input of so many items; the adaptive ones keep what they learn, so one per run."""
    start = start_size(config, items)
    if config.strategy is Strategy.MEMORY_ADAPTIVE:
        return MemoryAdaptive(start, config.min_batch_size, config.max_batch_size, config.memory_threshold)
    if config.strategy is Strategy.TIME_BASED:
        return TimeBased(start, config.min_batch_size, config.max_batch_size, config.time_based_interval)
    return FixedSize(start)
