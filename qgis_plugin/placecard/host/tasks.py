"""Work in the background, on QGIS's own task manager: shown, cancelled and waited for as any other task there."""

from __future__ import annotations

from typing import Any, Callable

from qgis.core import QgsApplication, QgsFeedback, QgsTask
from qgis.PyQt.QtCore import pyqtSignal

from placecard.core.errors import Cancelled, PlacecardError
from placecard.host.network import let_go_quietly

Progress = Callable[[float, str], None]
Work = Callable[[Progress, "Stop"], Any]


class Stop:
    """Whether a person said stop: asked between two steps, and `feedback` ends what waits for the network."""

    def __init__(self) -> None:
        self.feedback = QgsFeedback()

    def __call__(self) -> bool:
        """Whether it was said."""
        return bool(self.feedback.isCanceled())


class Background(QgsTask):  # type: ignore[misc]  # QGIS has no types
    """One piece of work, which runs in a thread of its own and touches neither layers, project nor windows.

    `done` or `failed` is called with what came of it in the GUI thread, when the caller is back in the event loop.
    """

    moved = pyqtSignal(float, str)

    def __init__(
        self, title: str, work: Work, done: Callable[[Any], None], failed: Callable[[Exception], None]
    ) -> None:
        super().__init__(title, QgsTask.Flag.CanCancel)
        self.stop = Stop()
        self._work, self._done, self._failed = work, done, failed
        self._result: Any = None
        let_go_quietly(self.moved)
        self._error: Exception | None = None

    def run(self) -> bool:
        """The work, in its thread. An exception that leaves here would take QGIS with it."""
        try:
            self._result = self._work(self._progress, self.stop)
        except Exception as error:  # noqa: BLE001 - the end of a thread: it is told in the GUI thread
            self._error = error
        return self._error is None

    def cancel(self) -> None:
        """Stop as soon as may be."""
        self.stop.feedback.cancel()
        super().cancel()

    def finished(self, result: bool) -> None:
        """Tell what came of it; QGIS calls this in the GUI thread."""
        RUNNING.discard(self)
        if result:
            self._done(self._result)
        else:
            self._failed(self._error or Cancelled())

    def _progress(self, fraction: float, text: str) -> None:
        self.setProgress(fraction * 100)
        self.moved.emit(fraction, text)


RUNNING: set[Background] = set()
"""Kept here until they are finished: QGIS does not keep a task that Python made."""


def run_in_background(
    title: str,
    work: Work,
    done: Callable[[Any], None],
    failed: Callable[[Exception], None],
) -> Background:
    """Start work; `title` stands in QGIS's list of tasks. For the GUI thread."""
    task = Background(title, work, done, failed)
    RUNNING.add(task)
    QgsApplication.taskManager().addTask(task)
    return task


def known(error: Exception) -> PlacecardError:
    """The error as one of ours; what nobody foresaw keeps its own words."""
    return error if isinstance(error, PlacecardError) else PlacecardError(detail=f"{type(error).__name__}: {error}")
