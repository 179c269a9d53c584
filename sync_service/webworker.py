"""gunicorn's worker, with an end to its patience: whoever sends or takes a request slowly gives the thread back.

gunicorn waits for the rest of a request for ever. A handful of connections that each send a byte now and then would so
keep every thread, and nobody else would be answered. A reverse proxy that collects requests first hides this; without
one nothing else does.
"""

from __future__ import annotations

import errno
import socket
import struct
import threading
import time
from contextlib import suppress
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

HEAD_SECONDS = 10.0
BODY_SECONDS = 60.0
"""How long the head of a request may take to arrive, and then its body."""
SILENT_SECONDS = 10
TAKING_SECONDS = 30
"""How long the other side may send nothing of a body, and take nothing of an answer."""

_SILENT, _TAKING, _FOR_EVER = (struct.pack("ll", seconds, 0) for seconds in (SILENT_SECONDS, TAKING_SECONDS, 0))
_LOOK_SECONDS = 0.5


class Watch:
    """Ends the reading of what does not arrive in time: whoever waits for it gets the end of the stream."""

    def __init__(self) -> None:
        self._due: dict[int, tuple[float, socket.socket]] = {}

    def expect(self, sock: socket.socket, seconds: float) -> None:
        """From now on this connection has so long."""
        self._due[id(sock)] = time.monotonic() + seconds, sock

    def dismiss(self, sock: socket.socket) -> None:
        """Nothing is awaited from it any more."""
        self._due.pop(id(sock), None)

    def start(self) -> None:
        """Look, as long as this process lives."""
        threading.Thread(target=self._look, name="patience", daemon=True).start()

    def _look(self) -> None:
        while True:
            time.sleep(_LOOK_SECONDS)
            for due, sock in list(self._due.values()):
                if time.monotonic() > due:
                    self.dismiss(sock)
                    with suppress(OSError):  # it has gone by itself
                        sock.shutdown(socket.SHUT_RD)


class WebWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn is untyped
    """For gunicorn's `worker_class`."""

    def init_process(self) -> None:
        """Start in the process that was forked."""
        self.watch = Watch()
        self.watch.start()
        super().init_process()

    def handle(self, conn: Any) -> Any:
        """Serve a request of a connection, if its head arrives in time."""
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TAKING)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _FOR_EVER)  # the watch sees to the head
        self.watch.expect(conn.sock, HEAD_SECONDS)
        try:
            return super().handle(conn)
        finally:
            self.watch.dismiss(conn.sock)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Serve it, now that its head is there."""
        self.watch.expect(conn.sock, BODY_SECONDS)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _SILENT)
        try:
            return super().handle_request(req, conn)
        except BlockingIOError as error:  # nothing was taken for too long: the same as if the other side had gone
            raise ConnectionResetError(errno.ECONNRESET, "nothing is taken") from error
