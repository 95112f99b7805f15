"""What a sync goes by, checked before anything slow begins. Knows no Prefect."""

from flows.sync.request import SyncRequest
from tasks.engine.lookup import LookupSettings, lookup_settings
from tasks.errors import InputError
from tasks.settings.load import load_settings

__all__ = ["sync_lookup"]


def sync_lookup(request: SyncRequest) -> LookupSettings:
    """The settings by which the services are asked; InputError and SettingsError for what is wrong."""
    if request.epss_file is not None and not request.epss_file.is_file():
        raise InputError(f"--epss-file {request.epss_file}: no such file")
    settings = load_settings(request.config).settings
    # The caches' name; the store lies beside them.
    return lookup_settings(settings, offline=False, store=request.data_dir / "store" / "advisories.sqlite")
