"""The child process that serves Prefect's API for one ad-hoc run: `python -m flows.server_child`.

It prints its port on the first line of standard output and ends when its standard input closes, so it
never outlives its parent, however that one dies.
"""

import os
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uvicorn import Server


def _end_with_parent(made: "list[Server]") -> None:
    # Not by sys.stdin, whose lock would turn an end by an error into an abort of the interpreter.
    while os.read(0, 1):
        continue
    if not made:
        # Still importing, no database is open: a parent that refused its input does not wait for the rest.
        os._exit(0)
    made[0].should_exit = True


def main() -> None:
    """Bind a free port on loopback, say which, then serve until standard input closes."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    # Standard output carries the port and nothing else: a library that prints must not fill the pipe.
    port_line = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    port_line.write(f"{listener.getsockname()[1]}\n")
    port_line.close()

    made: list[Server] = []
    threading.Thread(target=_end_with_parent, args=(made,), daemon=True).start()

    import uvicorn  # noqa: PLC0415  the parent waits for the port line, not for these imports
    from prefect.server.api.server import create_app  # noqa: PLC0415

    config = uvicorn.Config(create_app(), log_level="error", access_log=False, timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    made.append(server)
    server.run(sockets=[listener])
    # The server has stopped in order; taking Prefect's modules apart would cost the waiting parent another second.
    os._exit(0)


if __name__ == "__main__":
    main()
