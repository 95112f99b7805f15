"""Artifacts and tags of a flow run, through Prefect's API; what cannot be written is a warning, never a failure."""

import json
import logging
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.context import FlowRunContext
from prefect.exceptions import PrefectException
from prefect.runtime import deployment, flow_run

from flows.story.pieces import LARGEST, LinkPiece, MarkdownPiece, Piece, TablePiece, as_code, escaped

_log = logging.getLogger(__name__)
_API_FAILURES = (PrefectException, httpx.HTTPError, OSError, RuntimeError, ValueError)
"""What Prefect's client raises when a server is away, refuses or answers nonsense."""


@contextmanager
def forgiving(what: str, say: Callable[[str], object] = _log.warning) -> Iterator[None]:
    """Turn a failure of Prefect's API into one warning: the UI is told less, the run goes on."""
    try:
        yield
    except _API_FAILURES as error:
        first = (str(error).splitlines() or [""])[0]
        say(f"{what} could not be shown in the Prefect UI ({type(error).__name__}: {first[:200]})")


def current_run() -> UUID | None:
    """The id of the flow run that this code runs in; None outside of one."""
    found = flow_run.id
    return UUID(str(found)) if found else None


def is_deployed() -> bool:
    """Whether this code runs in a deployment's flow run; Prefect's own answer costs a request where it does not."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return deployment.id is not None
    return context.flow_run.deployment_id is not None


def is_retried() -> bool:
    """Whether this flow run was begun before: by a retry, by hand, or because its process was gone."""
    return int(flow_run.run_count or 0) > 1


def publish(pieces: Iterable[Piece], tags: Iterable[str]) -> None:
    """Write the artifacts of the current flow run and add tags to it."""
    run_id = current_run()
    if run_id is None:
        return
    with forgiving("The run's story"), get_client(sync_client=True) as client:
        for piece in pieces:
            with forgiving(f'"{piece.title}"'):
                client.create_artifact(_artifact(piece, run_id))
        _add_tags(client, run_id, tags)


def _artifact(piece: Piece, run_id: UUID) -> ArtifactCreate:
    kind, data = _content(piece)
    return ArtifactCreate(key=piece.key, type=kind, description=piece.title, data=data, flow_run_id=run_id)


def _content(piece: Piece) -> tuple[str, Any]:
    match piece:
        case MarkdownPiece(text=text):
            return "markdown", text if len(text) <= LARGEST else text[:LARGEST] + "\n\n… shortened"
        case LinkPiece(path=path):
            return "markdown", _where(path)
        case TablePiece(rows=rows):
            return "table", json.dumps([dict(row) for row in rows])


def _where(path: Path) -> str:
    """The file's machine, path and address: browsers open no local file from a page of a server."""
    address = path.as_uri()
    return f"On {escaped(socket.gethostname())}: {as_code(path)}\n\nPaste into a browser there: [{address}]({address})"


def _add_tags(client: SyncPrefectClient, run_id: UUID, tags: Iterable[str]) -> None:
    # A run that is tried again has the outcome of its last try.
    kept = {tag for tag in flow_run.tags if not tag.startswith("outcome:")}
    with forgiving("The outcome's tags"):
        client.update_flow_run(run_id, tags=sorted(kept | set(tags)))
