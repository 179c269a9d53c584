"""The algorithms as QGIS lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from qgis.core import QgsProcessingProvider

from placecard.gui.icons import icon
from placecard.processing.exporting import Export
from placecard.processing.importing import Import
from placecard.processing.matching import Match
from placecard.processing.pulling import Pull
from placecard.processing.pushing import Push
from placecard.processing.table import PlaceTable

if TYPE_CHECKING:
    from qgis.PyQt.QtGui import QIcon

    from placecard.core.words import Words

ALGORITHMS = (Pull, Push, PlaceTable, Match, Export, Import)


class Provider(QgsProcessingProvider):  # type: ignore[misc]  # QGIS has no types
    """The provider `placecard`. `settled` is called in the GUI thread when an algorithm has written to a copy."""

    def __init__(self, words: Words, settled: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._words, self._settled = words, settled

    def id(self) -> str:
        """As `qgis_process` calls it."""
        return "placecard"

    def name(self) -> str:
        """As people call it."""
        return "Placecard"

    def icon(self) -> QIcon:
        """Its picture."""
        return icon("placecard")

    def loadAlgorithms(self) -> None:  # noqa: N802 - QGIS's name
        """Give QGIS one of each."""
        for algorithm in ALGORITHMS:
            self.addAlgorithm(algorithm(self._words, self._settled))
