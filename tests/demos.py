"""Demos run from outside, as `make` runs them: what they print, and that nothing of them stays."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
UP_SECONDS = 240
DOWN_SECONDS = 60
OPTIONS = {"map_port": "--port", "board_port": "--board-port", "keycloak_port": "--keycloak-port"}


class Run:
    """One run of the demo, with what it has printed."""

    def __init__(self, home: Path, log: Path, *, module: str, **ports: int) -> None:
        self.log = log
        self.map_url = f"http://127.0.0.1:{ports['map_port']}"
        options = [part for name, port in ports.items() for part in (OPTIONS[name], str(port))]
        command = [sys.executable, "-m", module, "--home", str(home), *options]
        stray = {"PLACECARD_NO_SUCH_SETTING": "the caller's own environment does not reach the demo"}
        with log.open("wb") as output:
            self.process = subprocess.Popen(command, cwd=ROOT, env=os.environ | stray, stdout=output, stderr=output)

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def await_welcome(self) -> None:
        deadline = time.monotonic() + UP_SECONDS
        while "Ctrl-C" not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def board_page(self) -> str:
        """The address of the board, as it is printed."""
        (found,) = re.findall(r"The board +(\S+)", self.said())
        return str(found)

    def shown(self) -> int:
        answer = requests.get(f"{self.map_url}/ogc/collections/proposals/items?limit=1&f=json", timeout=30)
        return int(answer.json()["numberMatched"])


@contextmanager
def running(home: Path, log: Path, *, module: str = "tools.demo", **ports: int) -> Iterator[Run]:
    run = Run(home, log, module=module, **ports)
    try:
        yield run
    finally:
        run.process.kill()
        run.process.wait()


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def await_silence(*ports: int) -> None:
    deadline = time.monotonic() + DOWN_SECONDS
    while not all(is_free(port) for port in ports):
        assert time.monotonic() < deadline, "something still listens"
        time.sleep(0.1)
