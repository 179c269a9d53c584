"""Where the plugin is put together, and nothing else: the session, what is seen of it, and Processing's algorithms."""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path
from typing import Any

from qgis.core import QgsApplication, QgsProject

from placecard.core.words import Words
from placecard.gui import preferences
from placecard.gui.frame import Frame
from placecard.host.session import Session
from placecard.processing.provider import Provider


def own_version() -> str:
    """The plugin's version, from its metadata."""
    told = ConfigParser()
    told.read(Path(__file__).with_name("metadata.txt"), encoding="utf-8")
    return told["general"]["version"]


class Plugin:
    """QGIS makes one, and calls `initGui` and `unload`. Without windows (`qgis_process`) only `initProcessing`."""

    def __init__(self, iface: Any) -> None:
        self._iface = iface
        self._words = Words(preferences.language())
        self._provider: Provider | None = None
        self.session: Session | None = None
        self.frame: Frame | None = None

    def initProcessing(self) -> None:  # noqa: N802 - QGIS's name
        """The algorithms alone."""
        self._provider = Provider(self._words, self._settled)
        QgsApplication.processingRegistry().addProvider(self._provider)

    def _settled(self) -> None:
        if self.session is not None:
            self.session.refresh()

    def initGui(self) -> None:  # noqa: N802 - QGIS's name
        """Everything. A project may be open already: its copy is gone on with."""
        self.session = Session(self._iface, self._words, own_version())
        self.frame = Frame(self._iface, self.session)
        self.frame.open()
        self.initProcessing()
        if QgsProject.instance().fileName():
            self.session.resume()

    def unload(self) -> None:
        """Leave QGIS as if the plugin had not been there; layers and files stay."""
        if self.frame is not None:
            self.frame.close()
        if self.session is not None:
            self.session.leave()
        QgsApplication.processingRegistry().removeProvider(self._provider)
