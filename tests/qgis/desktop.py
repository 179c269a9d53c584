"""A QGIS in a process of the system's Python, asked by lines (see `probe.py`), and a live server for it."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

PYTHON = "/usr/bin/python3"
PROBE = Path(__file__).with_name("probe.py")


class Desktop:
    """One QGIS. Questions are answered in turn."""

    def __init__(self, process: subprocess.Popen[str], url: str = "") -> None:
        self._process = process
        self.url = url

    def ask(self, collection: str, **more: Any) -> dict[str, Any]:
        """What the layer of this collection is and holds; AssertionError if QGIS went away."""
        question = json.dumps({"url": self.url, "collection": collection, **more})
        assert self._process.stdin is not None
        self._process.stdin.write(question + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._answer())
        return answer

    def _answer(self) -> str:
        stream: IO[str] | None = self._process.stdout
        assert stream is not None
        for line in stream:
            if line.startswith("ANSWER "):
                return line.removeprefix("ANSWER ")
        raise AssertionError("QGIS ended")


@contextmanager
def run_desktop(home: Path) -> Iterator[Desktop]:
    """A QGIS with its profile and cache in `home`."""
    places = {name: str(home) for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR")}
    environment = {**os.environ, **places, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": ""}
    with (home / "qgis.log").open("w") as log:
        process = subprocess.Popen(
            [PYTHON, str(PROBE)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            yield Desktop(process)
        finally:
            process.kill()
            process.communicate()


class Quiet(WSGIRequestHandler):
    """Answers and says nothing."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's signature
        """Nothing."""


@contextmanager
def serving(make_app: Any) -> Iterator[tuple[str, list[str]]]:
    """A live server: its address, and the paths with queries it was asked for. `make_app` takes the address."""
    asked: list[str] = []

    def application(environ: dict[str, Any], start: Any) -> Any:
        asked.append(environ["PATH_INFO"] + "?" + environ.get("QUERY_STRING", ""))
        return app.wsgi_app(environ, start)

    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    url = f"http://127.0.0.1:{server.server_port}"
    app: Flask = make_app(url)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield url, asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
