"""What `python -m flows.sync --status` says of what the store lacks."""

import pytest

from flows.sync.status import not_held
from tasks.store.state import SourceState


@pytest.mark.parametrize(
    ("held", "missing"),
    [
        ((), ["osv", "kev", "exploitdb", "epss", "nvd"]),
        (("osv/PyPI", "kev"), ["exploitdb", "epss", "nvd"]),
        (("osv/PyPI", "osv/npm", "kev", "exploitdb", "epss", "nvd/2024"), []),
    ],
)
def test_what_was_never_synced_is_named(held: tuple[str, ...], missing: list[str]) -> None:
    states = [SourceState(name, 1, 0.0, 0.0, "https://example.org") for name in held]
    assert not_held(states) == missing
