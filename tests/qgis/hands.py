"""A mouse and a keyboard at an X screen: events as a person's come, so that dragging and menus are the real ones."""

from __future__ import annotations

import ctypes
import ctypes.util
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.qgis.application import Application

LEFT, RIGHT = 1, 3
STEPS = 12
"""Moves of a drag: fewer, and Qt would not take it for one."""


class Hands:
    """Move, press and type. Coordinates are pixels of the screen, from the top left corner."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._x11 = ctypes.CDLL(ctypes.util.find_library("X11") or "libX11.so.6")
        self._xtst = ctypes.CDLL(ctypes.util.find_library("Xtst") or "libXtst.so.6")
        self._x11.XOpenDisplay.restype = ctypes.c_void_p
        self._x11.XStringToKeysym.restype = ctypes.c_ulong
        self._display = ctypes.c_void_p(self._x11.XOpenDisplay(application.display.encode()))
        assert self._display, application.display

    def close(self) -> None:
        """Let the screen go."""
        self._x11.XCloseDisplay(self._display)

    def spot(self, widget: str, x: float = 0.5, y: float = 0.5) -> tuple[int, int]:
        """Where on the screen a widget is; `x` and `y` are shares of its width and height."""
        inside = f"QPoint(int(_w.width() * {x}), int(_w.height() * {y}))"
        left, top = self._application.run(f"_w = {widget}; _p = _w.mapToGlobal({inside}); [_p.x(), _p.y()]")
        return left, top

    def move(self, x: int, y: int) -> None:
        """Move the pointer, and wait until QGIS has seen it."""
        self._xtst.XTestFakeMotionEvent(self._display, 0, x, y, 0)
        self._done()

    def press(self, button: int = LEFT) -> None:
        """Press a button and hold it."""
        self._xtst.XTestFakeButtonEvent(self._display, button, 1, 0)
        self._done()

    def release(self, button: int = LEFT) -> None:
        """Let a button go."""
        self._xtst.XTestFakeButtonEvent(self._display, button, 0, 0)
        self._done()

    def click(self, x: int, y: int, button: int = LEFT) -> None:
        """Click at a place."""
        self.move(x, y)
        self.press(button)
        self.release(button)

    def double_click(self, x: int, y: int) -> None:
        """Click twice at a place."""
        self.click(x, y)
        self.click(x, y)

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Take what is at one place to another, in small moves as a hand does."""
        self.move(*start)
        self.press()
        for step in range(1, STEPS + 1):
            self.move(*(round(a + (b - a) * step / STEPS) for a, b in zip(start, end, strict=True)))
        self.move(*end)
        self.release()

    def type(self, *keys: str) -> None:
        """Type keys in turn, by their X names (`Return`, `Escape`, `a`); those of `Control_L+z` together."""
        for key in keys:
            codes = [self._code(part) for part in key.split("+")]
            for code in codes:
                self._xtst.XTestFakeKeyEvent(self._display, code, 1, 0)
            for code in reversed(codes):
                self._xtst.XTestFakeKeyEvent(self._display, code, 0, 0)
            self._done()

    def _code(self, name: str) -> int:
        symbol = self._x11.XStringToKeysym(name.encode())
        assert symbol, f"no key is called {name}"
        return int(self._x11.XKeysymToKeycode(self._display, ctypes.c_ulong(symbol)))

    def _done(self) -> None:
        # The server has the event once XSync is back; QGIS, once its own connection has been to the server and back
        # after that, for a thread of Qt's reads it. `later`, for a move may begin a drag: its loop runs inside the
        # events then, and answers, but does not come back.
        self._x11.XSync(self._display, 0)
        self._application.run("QApplication.sync()", later=True)
        self._application.run("None")
