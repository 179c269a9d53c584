"""A gate in front of a service: one kind of request stands still where the test wants it to."""

from __future__ import annotations

import threading
from typing import Any


class Gate:
    """Stops one request of a path on its way there, for good, or its answer (`after`) until the test is done."""

    def __init__(self, path: str, *, after: bool) -> None:
        self.path, self.after = path, after
        self.reached, self.go_on = threading.Event(), threading.Event()

    def around(self, application: Any) -> Any:
        """A WSGI application with the gate in it."""

        def gated(environ: dict[str, Any], start: Any) -> Any:
            mine = environ["PATH_INFO"].endswith(self.path) and not self.go_on.is_set()
            if mine and not self.after:
                self._wait()
                start("503 Service Unavailable", [])
                return []
            answer = application(environ, start)
            if mine and self.after:
                self._wait()
            return answer

        return gated

    def _wait(self) -> None:
        self.reached.set()
        self.go_on.wait(60)
