"""The plugin's windows as a person uses them: each thing is waited for, and clicked where it is seen."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tests.qgis.hands import Hands
from tests.service import until

if TYPE_CHECKING:
    from tests.qgis.application import Application

START = """
frame = plugins["placecard"].frame
dock = frame.dock
words = session.words
logged = []
QgsApplication.messageLog().messageReceived[str, str, Qgis.MessageLevel].connect(
    lambda text, tab, level: logged.append([tab, text])
)
def reachable(widget, *inside):
    if not (widget.isVisible() and widget.isEnabled()):
        return False
    there = QApplication.widgetAt(widget.mapToGlobal(inside_of(widget, *inside)))
    return there is not None and (there is widget or widget.isAncestorOf(there))
def inside_of(widget, x=0.5, y=0.5):
    return QPoint(int(widget.width() * x), int(widget.height() * y))
def wanted(widget, text):
    room = widget.fontMetrics().horizontalAdvance(text)
    if isinstance(widget, QToolButton):  # its margins are the first that it gives away
        named = widget.toolButtonStyle() != Qt.ToolButtonStyle.ToolButtonIconOnly
        return room + widget.iconSize().width() + 8 if named else widget.iconSize().width()
    if isinstance(widget, QComboBox):
        return room + 24
    return widget.sizeHint().width()
def fits(widget, text):
    if isinstance(widget, QLabel) and widget.wordWrap():
        return widget.heightForWidth(widget.width()) <= widget.height()
    return wanted(widget, text) <= widget.width()
def cramped(window):
    found = []
    for each in window.findChildren(QWidget):
        free = each.sizePolicy().horizontalPolicy() == QSizePolicy.Policy.Ignored
        if each.isVisible() and not free and isinstance(each, (QAbstractButton, QComboBox, QLabel)):
            text = each.currentText() if isinstance(each, QComboBox) else each.text()
            if text and not fits(each, text):
                found.append(text)
    return found
def cut(tree):
    found = []
    def look(item):
        for column in range(tree.columnCount()):
            rect = tree.visualItemRect(item)
            room = QRect(0, 0, tree.columnWidth(column) - 8, 10000)
            lines = tree.fontMetrics().boundingRect(room, Qt.TextFlag.TextWordWrap, item.text(column))
            if column and lines.height() > rect.height() + 2:
                found.append(item.text(column))
        for number in range(item.childCount()):
            look(item.child(number))
    for number in range(tree.topLevelItemCount()):
        look(tree.topLevelItem(number))
    return found
def lines_of(tree, column=1):
    def told(item):
        yield item.text(0), item.text(column)
        for number in range(item.childCount()):
            yield from told(item.child(number))
    return [each for number in range(tree.topLevelItemCount()) for each in told(tree.topLevelItem(number))]
"""
"""Said after `workplace.START`. `cramped` tells the texts that have less room than they want, `cut` those of a tree."""

SOON = 10.0
"""Seconds in which a window is laid out, however slow the machine is."""

KEYS = {":": "Shift_L+semicolon", ".": "period", "/": "slash", "-": "minus", " ": "space", ",": "comma"}


class Windows:
    """Hands at a QGIS that `START` was said to."""

    def __init__(self, application: Application) -> None:
        self.app = application
        self.hands = Hands(application)

    def run(self, source: str) -> Any:
        """Python in the GUI thread of QGIS."""
        return self.app.run(source)

    def click(self, widget: str, x: float = 0.5, y: float = 0.5) -> None:
        """Click a widget, once it can be: it is there, may be used, and nothing stands over it."""
        self.app.until(f"reachable({widget}, {x}, {y})")
        self.hands.click(*self.hands.spot(widget, x, y))

    def pick(self, radio: str) -> None:
        """Click a radio button, on its mark: beside its text nothing happens."""
        self.app.until(f"reachable({radio})")
        left = self.run(f"9 / {radio}.width()")
        self.click(radio, left)
        self.app.until(f"{radio}.isChecked()")

    def write(self, line: str, text: str) -> None:
        """Click a line, and type this instead of what it says. Latin letters only: a keyboard has no others."""
        self.click(line)
        self.run(f"{line}.window().activateWindow()")
        self.app.until(f"{line}.hasFocus() and {line}.window().isActiveWindow()")
        self.hands.type("Control_L+a")
        self.hands.type(*(f"Shift_L+{key.lower()}" if key.isupper() else KEYS.get(key, key) for key in text))
        self.app.until(f"{line}.text() == {text!r}")

    def choose(self, box: str, number: int) -> None:
        """Choose an entry of a list that opens when it is clicked."""
        self.click(box)
        self.app.until(f"{box}.view().isVisible()")
        rect = f"{box}.view().visualRect({box}.model().index({number}, 0)).center()"
        x, y = self.run(f"_p = {box}.view().viewport().mapToGlobal({rect}); [_p.x(), _p.y()]")
        self.hands.click(x, y)
        self.app.until(f"not {box}.view().isVisible()")

    def opened(self, name: str) -> str:
        """Wait for a dialog of the plugin; what it is called from then on."""
        self.app.until(f"{name!r} in frame.dialogs and frame.dialogs[{name!r}].isVisible()")
        self.run(f"{name} = frame.dialogs[{name!r}]")
        return name

    def closed(self, name: str) -> None:
        """Wait until a dialog is gone."""
        self.app.until(f"{name!r} not in frame.dialogs")

    def tool(self, name: str) -> None:
        """Click a button of the plugin's toolbar."""
        bar = "iface.mainWindow().findChild(QToolBar, 'PlacecardToolbar')"
        action = f"iface.mainWindow().findChild(QAction, 'Placecard_{name}')"
        self.run(f"_tool = {bar}.widgetForAction({action})")
        self.click("_tool")

    def has_room(self, window: str) -> None:
        """Every text of a window has the room it wants, once it is laid out; AssertionError with those that lack it."""
        trees = f"[line for tree in {window}.findChildren(QTreeWidget) for line in cut(tree)]"
        with suppress(AssertionError):  # what it lacks is told below
            until(lambda: self.run(f"not cramped({window}) and not {trees}"), seconds=SOON)
        assert self.run(f"cramped({window}) + {trees}") == []

    def errors(self) -> list[str]:
        """What Python stumbled over in QGIS, since the start."""
        told: list[list[str]] = self.run("logged")
        return [text for _, text in told if "Traceback" in text]

    def close(self) -> None:
        """Let the screen go."""
        self.hands.close()
