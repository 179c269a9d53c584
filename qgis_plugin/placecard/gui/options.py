"""The plugin's page among QGIS's options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.gui import QgsOptionsPageWidget, QgsOptionsWidgetFactory
from qgis.PyQt.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLabel, QWidget

from placecard.core.words import LANGUAGES, Words
from placecard.gui import preferences
from placecard.gui.icons import icon

if TYPE_CHECKING:
    from qgis.PyQt.QtGui import QIcon

KEY = "placecard"


class OptionsFactory(QgsOptionsWidgetFactory):
    """Makes the page."""

    def __init__(self, words: Words) -> None:
        super().__init__()
        self._words = words
        self.setTitle("Placecard")

    def icon(self) -> QIcon:
        """The plugin's own."""
        return icon("placecard")

    def key(self) -> str:
        """Names the page, for whoever opens it."""
        return KEY

    def createWidget(self, parent: QWidget | None = None) -> QgsOptionsPageWidget:  # noqa: N802 - QGIS's name
        """The page, as the settings are now."""
        return OptionsPage(self._words, parent)


class OptionsPage(QgsOptionsPageWidget):
    """Language, and how much the plugin does by itself."""

    def __init__(self, words: Words, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("PlacecardOptions")
        self.language = QComboBox()
        self.language.addItem(words.say("options.language.same"), "")
        for language in LANGUAGES:
            self.language.addItem(words.say(f"options.language.{language}"), language)
        self.language.setCurrentIndex(max(0, self.language.findData(preferences.own_language())))
        self.suggesting = QCheckBox(words.say("options.suggesting"))
        self.suggesting.setChecked(preferences.suggesting())
        self.zooming = QCheckBox(words.say("options.zooming"))
        self.zooming.setChecked(preferences.zooming())
        note = QLabel(words.say("options.language.note"))
        note.setEnabled(False)
        form = QFormLayout(self)
        form.addRow(words.say("options.language"), self.language)
        form.addRow("", note)
        form.addRow(self.suggesting)
        form.addRow(self.zooming)

    def apply(self) -> Any:
        """Keep what was set."""
        preferences.keep(
            language=self.language.currentData(),
            suggesting=self.suggesting.isChecked(),
            zooming=self.zooming.isChecked(),
        )
