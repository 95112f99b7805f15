"""The one settings model, shared by the flows: every section with its keys.

Keys are those of the batch guide (`processing:`, `batch_processing:`) and of BatchConfiguration; where a
document knows a key by two names, both work. Unknown keys are kept aside so that the loader can name them.
"""

from tasks.settings.keeping import HistorySettings, LoggingSettings, NotificationSettings, OutputSettings
from tasks.settings.processing import BatchConfiguration, ProcessingSettings
from tasks.settings.running import ExecutionSettings, PerformanceSettings
from tasks.settings.section import Section
from tasks.settings.services import AiSettings, OfflineSettings, SourcesSettings
from tasks.settings.workbook import DecisionSettings, ExcelSettings, UpgradeSettings

__all__ = ["Settings"]


class Settings(Section):
    """All settings of a run."""

    processing: ProcessingSettings = ProcessingSettings()
    batch_processing: BatchConfiguration = BatchConfiguration()
    excel: ExcelSettings = ExcelSettings()
    sources: SourcesSettings = SourcesSettings()
    ai: AiSettings = AiSettings()
    offline: OfflineSettings = OfflineSettings()
    performance: PerformanceSettings = PerformanceSettings()
    output: OutputSettings = OutputSettings()
    history: HistorySettings = HistorySettings()
    decisions: DecisionSettings = DecisionSettings()
    upgrade: UpgradeSettings = UpgradeSettings()
    logging: LoggingSettings = LoggingSettings()
    notifications: NotificationSettings = NotificationSettings()
    execution: ExecutionSettings = ExecutionSettings()
