"""Questions on a terminal."""

import sys

from tasks.merge.reconciled import Conflict, Decision

_SHOWN = 70


def ask_about(conflict: Conflict) -> Decision:
    """Ask who wins a cell that both the reviewer and the scan changed; no answer leaves the reviewer's."""
    place = f"{conflict.package}, {conflict.field} ({conflict.column}{conflict.row})"
    print(f"{place} was changed while the scan ran:", file=sys.stderr)
    for who, text in (("was", conflict.base), ("now", conflict.theirs), ("scan", conflict.ours)):
        print(f"  {who:>4}: {text[:_SHOWN]}", file=sys.stderr)
    print("Keep what is there now [k], or take the scan's [s]? ", end="", file=sys.stderr, flush=True)
    return Decision.OURS if sys.stdin.readline().strip().lower().startswith("s") else Decision.THEIRS
