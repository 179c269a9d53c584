"""Runs inside the QGIS application (`qgis --code`): Python that tests send is run in its GUI thread.

One line of JSON a question, over a local socket: `{"id", "run"}`, Python whose last expression, if it ends in one, is
the answer; `later` runs it after the answer, for what opens a dialog and comes back only when it closes. An answer is
`{"id", "value"}` or `{"id", "error"}`. Names last from question to question; `iface`, `heart` and what `qgis.core`,
`qgis.gui` and Qt have are there from the start.
"""

from __future__ import annotations

import ast
import faulthandler
import json
import os
import socket
import sys
import threading
import time
import traceback
from functools import partial
from typing import Any

import qgis.core
import qgis.gui
import qgis.utils
from qgis.PyQt import QtCore, QtGui, QtTest, QtWidgets

EVERY = 5
"""Milliseconds between two beats."""
PANEL = 340
"""Pixels: the width of the panels beside the map."""
LOOK, LONG = 0.01, 0.04
"""Seconds between two looks at what the GUI thread does, and of a pause that is looked into."""


class Heart(QtCore.QObject):  # type: ignore[misc]  # PyQt has no types here
    """Beats in the GUI thread: the longest pause between two beats is how long nothing could be clicked.

    `wall` and `busy` are the longest, in seconds: on a clock on the wall, and of processor time that the thread used
    itself. On a machine that others keep busy the first tells of them, the second of us.
    """

    def __init__(self) -> None:
        super().__init__()
        self.wall = self.busy = 0.0
        self.where = ""
        self._main = threading.get_ident()
        self._last, self._used = time.perf_counter(), time.thread_time()
        self._timer = QtCore.QTimer(self)
        self._timer.setTimerType(QtCore.Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._timer.start(EVERY)
        threading.Thread(target=self._look, daemon=True).start()

    def reset(self) -> None:
        """Forget the pauses so far."""
        self._beat()
        self.wall = self.busy = 0.0
        self.where = ""

    def _look(self) -> None:
        """In a thread of its own: where Python is in the GUI thread while the longest pause lasts."""
        while True:
            time.sleep(LOOK)
            pause = time.perf_counter() - self._last
            if pause > max(self.wall, LONG):
                self.where = "".join(traceback.format_stack(sys._current_frames()[self._main])[-6:])

    def _beat(self) -> None:
        now, used = time.perf_counter(), time.thread_time()
        pause, work = now - self._last - EVERY / 1000, used - self._used
        self.wall, self.busy = max(self.wall, pause), max(self.busy, work)
        self._last, self._used = now, used


class Channel(QtCore.QObject):  # type: ignore[misc]  # PyQt has no types here
    """Answers questions from one test process."""

    def __init__(self, path: str, names: dict[str, Any]) -> None:
        super().__init__()
        self._names = names
        self._waiting = b""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(path)
        self._socket.setblocking(False)
        self._notifier = QtCore.QSocketNotifier(self._socket.fileno(), QtCore.QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._read)

    def _read(self, *_: object) -> None:
        data = self._socket.recv(1 << 20)
        if not data:
            self._notifier.setEnabled(False)
            return
        *lines, self._waiting = (self._waiting + data).split(b"\n")
        for line in lines:
            # From the loop and not from here: a question that opens a dialog must not keep the next from being read.
            QtCore.QTimer.singleShot(0, partial(self._answer, json.loads(line)))

    def _answer(self, question: dict[str, Any]) -> None:
        if question.get("later"):
            QtCore.QTimer.singleShot(0, partial(self._run, question["run"]))
            self._say({"id": question["id"], "value": None})
            return
        try:
            self._say({"id": question["id"], "value": self._run(question["run"])})
        except BaseException:  # noqa: BLE001 - whatever went wrong is the test's to see
            self._say({"id": question["id"], "error": traceback.format_exc()})

    def _run(self, source: str) -> Any:
        tree = ast.parse(source)
        last = tree.body[-1] if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        tree.body = [each for each in tree.body if each is not last]
        exec(compile(tree, "<test>", "exec"), self._names)
        if last is not None:
            return eval(compile(ast.Expression(last.value), "<test>", "eval"), self._names)
        return None

    def _say(self, answer: dict[str, Any]) -> None:
        self._socket.setblocking(True)
        self._socket.sendall(json.dumps(answer, ensure_ascii=False, default=repr).encode() + b"\n")
        self._socket.setblocking(False)


def known_names() -> dict[str, Any]:
    """What the questions may speak of."""
    names: dict[str, Any] = {}
    for module in (qgis.core, qgis.gui, QtCore, QtGui, QtWidgets, QtTest):
        names.update({name: value for name, value in vars(module).items() if not name.startswith("_")})
    return {**names, "iface": qgis.utils.iface, "plugins": qgis.utils.plugins, "heart": heart, "settle": settle}


def settle(width: int = 1600, height: int = 1000) -> None:
    """The window over the whole screen, an empty project instead of the welcome page, no messages of QGIS's own."""
    iface = qgis.utils.iface
    iface.mainWindow().setGeometry(0, 0, width, height)
    iface.newProject()
    sides = [dock for dock in iface.mainWindow().findChildren(QtWidgets.QDockWidget) if dock.isVisible()]
    iface.mainWindow().resizeDocks(sides, [PANEL] * len(sides), QtCore.Qt.Orientation.Horizontal)
    iface.messageBar().clearWidgets()


faulthandler.enable()
heart = Heart()
qgis.core.QgsApplication.authManager().setMasterPassword("of this test", True)
channel = Channel(os.environ["PLACECARD_CHANNEL"], known_names())
