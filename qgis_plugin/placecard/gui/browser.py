"""The entry in QGIS's Browser: the working copies that were opened here, with their layers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import (
    Qgis,
    QgsDataCollectionItem,
    QgsDataItem,
    QgsDataItemProvider,
    QgsErrorItem,
    QgsLayerItem,
)
from qgis.PyQt.QtGui import QAction

from placecard.gui import preferences
from placecard.gui.icons import FOLDER, icon

if TYPE_CHECKING:
    from collections.abc import Callable

    from qgis.PyQt.QtWidgets import QWidget

    from placecard.core.words import Words

ROOT = "placecard:"
TABLES = (
    ("points", Qgis.BrowserLayerType.Point),
    ("lines", Qgis.BrowserLayerType.Line),
    ("areas", Qgis.BrowserLayerType.Polygon),
    ("unplaced", Qgis.BrowserLayerType.TableLayer),
)


class Acts:
    """What the entry can ask for: `connect()`, and `open(path)`."""

    def __init__(self, words: Words, connect: Callable[[], None], open_: Callable[[str], None]) -> None:
        self.words = words
        self.connect = connect
        self.open = open_


class Provider(QgsDataItemProvider):
    """Gives the Browser the entry."""

    def __init__(self, acts: Acts) -> None:
        super().__init__()
        self._acts = acts

    def name(self) -> str:
        """Names the provider."""
        return "placecard"

    def dataProviderKey(self) -> str:  # noqa: N802 - QGIS's name
        """Of no data provider: the layers are GeoPackage's."""
        return "placecard"

    def capabilities(self) -> Any:
        """Not of the network for QGIS's sake: the entry is read from the settings."""
        return Qgis.DataItemProviderCapability.NetworkSources

    def createDataItem(self, path: str, parent: QgsDataItem) -> Any:  # noqa: N802 - QGIS's name
        """The entry at the root; nothing elsewhere."""
        return RootItem(self._acts, parent) if not path else None


class RootItem(QgsDataCollectionItem):
    """The entry."""

    def __init__(self, acts: Acts, parent: Any) -> None:
        super().__init__(parent, "Placecard", ROOT, "placecard")
        self._acts = acts
        self.setIconName(str(FOLDER / "placecard.svg"))
        self.setSortKey("zplacecard")

    def createChildren(self) -> list[QgsDataItem]:  # noqa: N802 - QGIS's name
        """The copies; QGIS asks in a thread of its own."""
        return [CopyItem(self._acts, self, each) for each in preferences.known()]

    def actions(self, parent: QWidget) -> list[QAction]:
        """Connect another."""
        return [_action(parent, "connect", self._acts.words.say("menu.connect"), self._acts.connect)]


class CopyItem(QgsDataCollectionItem):
    """A working copy."""

    def __init__(self, acts: Acts, parent: Any, known: preferences.Known) -> None:
        super().__init__(parent, known.name, f"{ROOT}{known.path}", "placecard")
        self._acts = acts
        self._known = known
        self.setToolTip(f"{known.address}\n{known.path}")
        self.setIconName(str(FOLDER / "card.svg"))

    def createChildren(self) -> list[QgsDataItem]:  # noqa: N802 - QGIS's name
        """Its layers, to drag into the project."""
        if not Path(self._known.path).exists():
            told = self._acts.words.say("error.copy.missing", path=self._known.path)
            return [QgsErrorItem(self, told, f"{self.path()}/error")]
        words = self._acts.words
        return [
            QgsLayerItem(
                self,
                words.say(f"layer.{table}"),
                f"{self.path()}/{table}",
                f"{self._known.path}|layername=placecard_{table}",
                kind,
                "ogr",
            )
            for table, kind in TABLES
        ]

    def actions(self, parent: QWidget) -> list[QAction]:
        """Open it, or drop it from the list."""
        words = self._acts.words
        return [
            _action(parent, "placecard", words.say("browser.open"), lambda: self._acts.open(self._known.path)),
            _action(parent, "discard", words.say("browser.forget"), self._forget),
        ]

    def handleDoubleClick(self) -> bool:  # noqa: N802 - QGIS's name
        """Open it."""
        self._acts.open(self._known.path)
        return True

    def _forget(self) -> None:
        preferences.forget(self._known.path)
        self.parent().refresh()


def _action(parent: QWidget, name: str, text: str, act: Callable[[], None]) -> QAction:
    action = QAction(icon(name), text, parent)
    action.triggered.connect(lambda _=False: act())
    return action
