"""The way tests drive the QGIS application is tested too: what it measures, what its hands do, that dialogs answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.qgis.application import Application, run_application
from tests.qgis.hands import Hands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.qgis import Release

DROP = """
class Drop(QLabel):
    got = None
    def dragEnterEvent(self, event): event.acceptProposedAction()
    def dropEvent(self, event): self.got = [event.pos().x(), event.pos().y()]; event.acceptProposedAction()
entry, source, target = QLineEdit(), QListWidget(), Drop()
source.addItems(["one", "two"]); source.setDragEnabled(True); target.setAcceptDrops(True)
for number, widget in enumerate((entry, source, target)):
    widget.setGeometry(50 + 300 * number, 50, 200, 200); widget.show()
"""


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory, release: Release) -> Iterator[Application]:
    with run_application(tmp_path_factory.mktemp("рабочее место"), release=release) as running:
        yield running


def test_it_is_the_whole_application_in_the_language_asked_for(application: Application) -> None:
    assert application.run("QgsApplication.locale()") == "ru"
    assert application.run("iface.mainWindow().windowTitle()").startswith("Без имени")
    assert application.run("QgsApplication.authManager().masterPasswordIsSet()")


def test_a_pause_of_the_gui_thread_is_measured(application: Application) -> None:
    application.run("heart.reset(); QThread.msleep(300)")
    wall, busy = application.longest_block()
    assert wall >= 0.29
    assert busy < 0.1  # it slept


def test_hands_type_and_drag(application: Application) -> None:
    application.run(DROP)
    application.until("all(widget.isVisible() for widget in (entry, source, target))")
    hands = Hands(application)
    hands.click(*hands.spot("entry"))
    hands.type("a", "Shift_L+b")
    application.until("entry.text() == 'aB'")
    hands.drag(hands.spot("source.viewport()", 0.2, 0.03), hands.spot("target"))
    x, y = application.until("target.got")
    assert abs(x - 100) < 3
    assert abs(y - 100) < 3
    hands.close()


def test_a_dialog_that_stays_open_can_be_spoken_to(application: Application) -> None:
    application.run("box = QMessageBox(QMessageBox.Icon.Information, 'title', 'text'); box.exec()", later=True)
    application.until("box.isVisible()")
    application.run("box.accept()")
    assert application.run("box.isVisible()") is False


def test_what_goes_wrong_inside_is_told(application: Application) -> None:
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        application.run("1 / 0")
