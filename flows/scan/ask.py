"""Questions on a terminal."""

import sys

from flows.console import complain
from tasks.merge.reconciled import Conflict, Decision
from tasks.text.plain import one_line

_SHOWN = 70


def ask_about(conflict: Conflict) -> Decision:
    """Ask who wins a cell that both the reviewer and the scan changed; no answer leaves the reviewer's."""
    place = f"{conflict.package}, {conflict.field} ({conflict.column}{conflict.row})"
    complain(f"{place} was changed while the scan ran:")
    for who, text in (("was", conflict.base), ("now", conflict.theirs), ("scan", conflict.ours)):
        complain(f"  {who:>4}: {one_line(text, _SHOWN)}")
    print("Keep what is there now [k], or take the scan's [s]? ", end="", file=sys.stderr, flush=True)
    return Decision.OURS if sys.stdin.readline().strip().lower().startswith("s") else Decision.THEIRS
