"""What stands around the work in QGIS's window: dock, toolbar, menu, dialogs, options, Browser, messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.core import Qgis, QgsApplication, QgsMessageLog
from qgis.PyQt.QtCore import QObject, Qt
from qgis.PyQt.QtGui import QAction
from qgis.PyQt.QtWidgets import QFileDialog

from placecard.gui import preferences
from placecard.gui.browser import Acts, Provider
from placecard.gui.clashing import ClashDialog
from placecard.gui.connecting import ConnectDialog
from placecard.gui.dock import DISPUTES, Dock
from placecard.gui.icons import icon
from placecard.gui.options import KEY, OptionsFactory
from placecard.gui.placer import Placer
from placecard.gui.pushing import PushDialog
from placecard.gui.shapes import ShapeAsker
from placecard.gui.undoing import UndoDialog
from placecard.host import folders
from placecard.host.live import Live

if TYPE_CHECKING:
    from collections.abc import Callable

    from placecard.host.session import Session

NAME = "Placecard"
LONG, SHORT = 0, 5
"""Seconds that a message stays: what went wrong stays until it is read."""


class Frame(QObject):
    """Everything of the plugin that is seen. `open` and `close` once each."""

    def __init__(self, iface: Any, session: Session) -> None:
        super().__init__(iface.mainWindow())
        self._iface = iface
        self.session = session
        self._words = session.words
        self._actions: list[QAction] = []
        self.dialogs: dict[str, Any] = {}
        self.dock: Dock | None = None
        self._placer: Placer | None = None
        self._options: OptionsFactory | None = None
        self._provider: Provider | None = None
        self._toolbar: Any = None
        self._shapes = ShapeAsker(iface)
        self._live = Live(session, iface)

    def open(self) -> None:
        """Put everything in its place."""
        self._placer = Placer(self._iface, self.session)
        self.dock = Dock(self.session, self._placer, self._iface)
        self.dock.connecting.connect(self.connect_service)
        self.dock.opening.connect(self.choose_copy)
        self.dock.changes.pushing.connect(self.push)
        self.dock.changes.undoing.connect(self.undo_push)
        self.dock.disputes.opening.connect(self.solve)
        self._iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)
        self._add_actions()
        self._options = OptionsFactory(self._words)
        self._iface.registerOptionsWidgetFactory(self._options)
        self._provider = Provider(Acts(self._words, self.connect_service, self.open_copy))
        QgsApplication.dataItemProviderRegistry().addProvider(self._provider)
        self.session.told.connect(self.tell)

    def close(self) -> None:
        """Take everything away again."""
        self.session.told.disconnect(self.tell)
        for dialog in list(self.dialogs.values()):
            dialog.close()
        QgsApplication.dataItemProviderRegistry().removeProvider(self._provider)
        self._iface.unregisterOptionsWidgetFactory(self._options)
        for action in self._actions:
            self._iface.removePluginMenu(NAME, action)
            action.deleteLater()
        self._toolbar.deleteLater()
        self._shapes.leave()
        self._live.leave()
        if self._placer is not None:
            self._placer.leave()
        self._iface.removeDockWidget(self.dock)
        self.dock.deleteLater()  # type: ignore[union-attr]  # open() was called

    def _add_actions(self) -> None:
        self._toolbar = self._iface.addToolBar(NAME)
        self._toolbar.setObjectName("PlacecardToolbar")
        show = self.dock.toggleViewAction()  # type: ignore[union-attr]  # open() made it
        show.setIcon(icon("placecard"))
        show.setText(NAME)
        self._toolbar.addAction(show)
        self._iface.addPluginToMenu(NAME, show)
        self._actions.append(show)
        acts: tuple[tuple[str, Callable[[], Any], bool], ...] = (
            ("connect", self.connect_service, False),
            ("open", self.choose_copy, False),
            ("pull", self.session.pull, True),
            ("push", self.push, True),
            ("live", self.add_live, True),
            ("options", lambda: self._iface.showOptionsDialog(self._iface.mainWindow(), KEY), False),
        )
        for name, act, seen in acts:
            self._add(name, act, seen=seen)

    def _add(self, name: str, act: Callable[[], Any], *, seen: bool) -> None:
        picture = {"open": "card", "options": "placecard"}.get(name, name)
        action = QAction(icon(picture), self._words.say(f"menu.{name}"), self._iface.mainWindow())
        action.setObjectName(f"Placecard_{name}")
        action.triggered.connect(lambda _=False: act())
        self._iface.addPluginToMenu(NAME, action)
        self._actions.append(action)
        if seen:
            self._toolbar.addAction(action)

    # --- what opens

    def _show(self, name: str, make: Callable[[], Any]) -> Any:
        former = self.dialogs.get(name)
        if former is not None:
            former.close()
        dialog = make()
        dialog.destroyed.connect(lambda *_: self._closed(name, dialog))
        self.dialogs[name] = dialog
        dialog.show()
        dialog.raise_()
        return dialog

    def _closed(self, name: str, dialog: Any) -> None:
        if self.dialogs.get(name) is dialog:
            del self.dialogs[name]

    def connect_service(self) -> None:
        """The dialog that asks for the service's address."""
        self._show("connect", lambda: ConnectDialog(self.session, self._iface.mainWindow()))

    def choose_copy(self) -> None:
        """Ask for the file of a working copy, and open it."""
        folder = str(folders.local_folder())
        title = self._words.say("menu.open")
        path, _ = QFileDialog.getOpenFileName(self._iface.mainWindow(), title, folder, "GeoPackage (*.gpkg)")
        if path:
            self.open_copy(path)

    def open_copy(self, path: str) -> None:
        """Open a working copy."""
        self.session.open_copy(path)
        copy = self.session.copy
        if copy is None or str(copy.path) != path:
            return  # and why was told
        preferences.remember(preferences.Known(path, copy.facts.address, copy.capabilities.service_name))
        if self.dock is not None:
            self.dock.setUserVisible(True)

    def push(self) -> None:
        """The dialog that pushes."""
        if self.session.copy is None:
            self.tell(self._words.say("push.no_copy"), Qgis.MessageLevel.Info)
            return
        dialog = self._show("push", lambda: PushDialog(self.session, self._iface.mainWindow()))
        dialog.chosen.connect(self._look)
        dialog.undoing.connect(self.undo_push)
        dialog.disputing.connect(self._solve_first)

    def undo_push(self, key: str) -> None:
        """The dialog that puts a whole push back."""
        self._show("undo", lambda: UndoDialog(self.session, key, self._iface.mainWindow()))

    def solve(self, clash_id: str) -> None:
        """The dialog of a clash."""
        make = lambda: ClashDialog(self.session, self._iface.mapCanvas(), clash_id, self._iface.mainWindow())  # noqa: E731 - named for the line's length
        if self.dock is not None:
            self.dock.tabs.setCurrentIndex(DISPUTES)  # no pins of a suggestion over what clashes
        dialog = self._show("clash", make)
        dialog.shape_wanted.connect(self._shapes.ask)

    def _solve_first(self) -> None:
        clashes = [each.id for each in self.session.clashes() if each.id]
        if clashes:
            self.solve(clashes[0])
        else:  # they were solved, or went with the push that was put back
            self.tell(self._words.say("disputes.empty"), Qgis.MessageLevel.Info)

    def add_live(self) -> None:
        """The service's collections as layers, and the temporal controller over them."""
        self._live.add_layers()

    def _look(self, guid: str) -> None:
        if self.dock is not None:
            self.dock.look(guid)

    def tell(self, text: str, level: Any) -> None:
        """A message above the map, and a line in the log."""
        level = Qgis.MessageLevel(level)
        lasting = level in (Qgis.MessageLevel.Warning, Qgis.MessageLevel.Critical)
        self._iface.messageBar().pushMessage(NAME, text, level, LONG if lasting else SHORT)
        QgsMessageLog.logMessage(text, NAME, level, False)
