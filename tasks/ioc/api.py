"""The batch interface for programs: reading repositories and files in batches, with what it cost.

`BatchCoordinator` does in one process what the flow does with Prefect's task runs; names and fields are those of the
batch API document. Orchestration, durable batches and progress in a UI are the flow's (`flows.ioc`).
"""

from tasks.github.client import AsyncGitHubClient
from tasks.ioc.config import BatchConfig, BatchStrategy
from tasks.ioc.coordinator import BatchCoordinator
from tasks.ioc.metrics import BatchMetrics, BatchMetricsCollector
from tasks.ioc.requests import BatchRequest, BatchResult
from tasks.ioc.sizing import (
    NetworkConditions,
    calculate_optimal_batch_size,
    identify_cross_repo_opportunities,
    prioritize_files,
)

__all__ = [
    "AsyncGitHubClient",
    "BatchConfig",
    "BatchCoordinator",
    "BatchMetrics",
    "BatchMetricsCollector",
    "BatchRequest",
    "BatchResult",
    "BatchStrategy",
    "NetworkConditions",
    "calculate_optimal_batch_size",
    "identify_cross_repo_opportunities",
    "prioritize_files",
]
