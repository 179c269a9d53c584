"""The QGIS application with its windows, on a screen of its own, driven by Python sent into it (`channel.py`)."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tests.service import PATIENCE, until
from tools.qgis import Own

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedRWPair

    from tools.qgis import Release

CHANNEL = Path(__file__).with_name("channel.py")
PLUGIN = Path(__file__).parents[2] / "qgis_plugin" / "placecard"
SCREEN = "1600x1000x24"
BROWSER = """#!/bin/sh
echo "$1" >> "$HOME/opened.txt"
"""
"""Stands for the person's browser: says which addresses it was asked to open."""


@dataclass
class Application:
    """One QGIS with its windows. Every question is answered in its GUI thread."""

    home: Path
    process: subprocess.Popen[bytes]
    display: str
    stream: BufferedRWPair
    asked: int = field(default=0)

    def run(self, source: str, *, later: bool = False) -> Any:
        """Run Python; the value of its last expression, as JSON or its `repr`. `later`: it may open what stays open."""
        self.asked += 1
        question = {"id": self.asked, "run": source, "later": later}
        self.stream.write(json.dumps(question).encode() + b"\n")
        self.stream.flush()
        line = self._answer()
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def _answer(self) -> bytes:
        try:
            line = self.stream.readline()
        except TimeoutError:
            self.process.send_signal(signal.SIGABRT)  # where every thread is goes to its terminal
            self.process.wait(PATIENCE)
            line = b""
        assert line, f"QGIS answers no more: {self.said()[-6000:]}"
        return line

    def until(self, expression: str) -> Any:
        """Wait until an expression is true, and give it."""
        return until(lambda: self.run(expression))

    def shoot(self, path: Path, widget: str = "iface.mainWindow()") -> Path:
        """A picture of a widget."""
        assert self.run(f"({widget}).grab().save({str(path)!r})")
        return path

    def opened(self) -> list[str]:
        """Addresses that the browser was asked to open."""
        path = self.home / "opened.txt"
        return path.read_text().splitlines() if path.exists() else []

    def said(self) -> str:
        """What QGIS wrote to its terminal."""
        return (self.home / "qgis.log").read_text(errors="replace")

    def longest_block(self) -> tuple[float, float]:
        """The longest pause of the GUI thread since `heart.reset()`, and the processor time it took, in seconds."""
        wall, busy = self.run("[heart.wall, heart.busy]")
        return wall, busy

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(PATIENCE)


@contextmanager
def open_screen() -> Iterator[str]:
    """A screen nobody sees; its name."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", SCREEN, "-dpi", "96", "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL) as process:
        os.close(writing)
        try:
            with os.fdopen(reading) as numbers:
                yield f":{numbers.readline().strip()}"
        finally:
            process.terminate()


def prepare_profile(home: Path, language: str, settings: str, *, bare: bool = False) -> None:
    """A profile as after the first start: the language chosen, the plugin installed unless it is to be `bare`."""
    profile = home / "profiles" / "default"
    (profile / "QGIS").mkdir(parents=True, exist_ok=True)
    (profile / "QGIS" / "QGIS3.ini").write_text(
        f"[locale]\noverrideFlag=true\nuserLocale={language}\n\n[PythonPlugins]\nplacecard=true\n\n"
        "[app]\nfirstRunVersionFlag=99999\n\n[fonts]\ndownload-missing-fonts=false\n\n"
        "[core]\nNewsFeed\\httpsfeedqgisorg\\disabled=true\n" + settings
    )
    installed = profile / "python" / "plugins" / "placecard"
    if not bare and not installed.exists():
        installed.parent.mkdir(parents=True)
        installed.symlink_to(PLUGIN)
    (home / "run").mkdir(mode=0o700, exist_ok=True)


@contextmanager
def open_browser() -> Iterator[Path]:
    """The folder of a program that stands for the browser. Qt starts it by a line of words: no spaces in its path."""
    with TemporaryDirectory(prefix="browser") as folder:
        browser = Path(folder) / "xdg-open"
        browser.write_text(BROWSER)
        browser.chmod(0o755)
        yield browser.parent


def environment(home: Path, release: Release, display: str, browser: Path) -> dict[str, str]:
    """Nothing of the person who runs the tests reaches QGIS but the path of the programs."""
    return {
        **release.environment,
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home / "run"),
        "PATH": f"{browser}:{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "DISPLAY": display,
        "PLACECARD_CHANNEL": str(home / "channel"),
        "QT_LOGGING_RULES": "*.debug=false",
        "NO_AT_BRIDGE": "1",
    }


def accept(server: socket.socket, process: subprocess.Popen[bytes], log: Path) -> socket.socket:
    """The connection of a QGIS that has started; AssertionError, with what it wrote, if it has not."""
    try:
        return server.accept()[0]
    except TimeoutError:
        state = process.poll()
        said = log.read_text(errors="replace")[-2000:]
        raise AssertionError(f"QGIS has not started ({'runs' if state is None else state}): {said}") from None


@contextmanager
def run_application(
    home: Path,
    *,
    language: str = "ru",
    release: Release | None = None,
    project: Path | None = None,
    bare: bool = False,
    settings: str = "",
) -> Iterator[Application]:
    """QGIS with its profile in `home`, which may be of one that ran before; started when inside.

    `bare`: without the plugin of the work tree. `settings`: sections of QGIS's own file of settings, as a person left
    them.
    """
    release = release or Own()
    prepare_profile(home, language, settings, bare=bare)
    (home / "channel").unlink(missing_ok=True)
    options = ["--nologo", "--noversioncheck", "--profiles-path", str(home), "--code", str(CHANNEL)]
    command = release.desktop(*options, *([str(project)] if project else []))
    with ExitStack() as stack:
        display = stack.enter_context(open_screen())
        server = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        server.bind(str(home / "channel"))
        server.listen(1)
        server.settimeout(PATIENCE)
        log = stack.enter_context((home / "qgis.log").open("ab"))
        environ = environment(home, release, display, stack.enter_context(open_browser()))
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log, start_new_session=True)
        stack.callback(process.wait)
        stack.callback(process.kill)
        connection = accept(server, process, home / "qgis.log")
        stack.enter_context(connection)
        connection.settimeout(PATIENCE)
        stream = stack.enter_context(connection.makefile("rwb"))
        application = Application(home, process, display, stream)
        application.until("iface is not None and iface.mainWindow().isVisible()")
        if project is None:
            application.run("settle()")
        yield application
