"""The table of a clash: what it was, theirs and mine for each field, and what shall stand."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QWidget,
)

from placecard.core.geometry import kind_of
from placecard.gui import choices
from placecard.gui.choices import BASE, GEOMETRY, OWN, SIDES
from placecard.gui.icons import icon
from placecard.gui.lateness import while_there
from placecard.gui.outcomes import property_titles
from placecard.gui.sketches import COLOURS

if TYPE_CHECKING:
    from placecard.gui.choices import Choices
    from placecard.host.session import Session

SEEN = 30
"""Letters of a value that are seen; the rest is in its tip."""


class ClashTable(QWidget):
    """Writes what a person decides into the choices.

    `decided` tells the name of each; `shape_wanted` asks for a shape from the map: it is called with WKB in CRS84.
    """

    decided = pyqtSignal(str)
    shape_wanted = pyqtSignal(object)

    def __init__(self, session: Session, made: Choices) -> None:
        super().__init__()
        self._words = session.words
        self._capabilities = session.copy.capabilities if session.copy is not None else None
        self._choices = made
        self.radios: dict[tuple[str, str], QRadioButton] = {}
        self.edits: dict[str, QWidget] = {}
        self._build()

    def _build(self) -> None:
        words, known = self._words, self._capabilities
        names = property_titles(known.properties if known is not None else (), words.language)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 4, 0, 4)
        grid.setHorizontalSpacing(14)
        for column, side in enumerate(SIDES, start=1):
            grid.addWidget(self._legend(side), 0, column)
        grid.addWidget(QLabel(f"<b>{words.say('clash.stands')}</b>"), 0, 4)
        for row, name in enumerate(self._choices.names, start=1):
            grid.addWidget(QLabel(words.say("edit.place") if name == GEOMETRY else names.get(name, name)), row, 0)
            self._add_row(grid, row, name)
        grid.setRowStretch(len(self._choices.names) + 1, 1)
        for column in (1, 2, 3, 4):
            grid.setColumnStretch(column, 1)

    def _legend(self, side: str) -> QLabel:
        mark, name = "╍╍" if side == BASE else "━━", self._words.say(f"clash.{side}")
        return QLabel(f'<b><span style="color:{COLOURS[side]}">{mark}</span> {name}</b>')

    def _add_row(self, grid: QGridLayout, row: int, name: str) -> None:
        buttons = QButtonGroup(self)
        for column, side in enumerate(SIDES, start=1):
            text = self._value_text(name, self._choices.value(name, side))
            radio = QRadioButton(text if len(text) <= SEEN else f"{text[:SEEN]}…")
            radio.setToolTip(text)
            radio.toggled.connect(partial(self._toggled, name, side))
            buttons.addButton(radio)
            self.radios[name, side] = radio
            grid.addWidget(radio, row, column)
        edit = self._place_edit() if name == GEOMETRY else self._field_edit(name)
        self.edits[name] = edit
        grid.addWidget(edit, row, 4)

    def _field_edit(self, name: str) -> QWidget:
        known = self._capabilities.property(name) if self._capabilities is not None else None
        if known is not None and known.values:
            box = QComboBox()
            box.addItem("", None)
            for value in known.values:
                box.addItem(self._value_text(name, value), value)
            box.activated.connect(lambda _: self._write(name, box.currentData()))
            return box
        line = QLineEdit()
        line.setPlaceholderText(self._words.say("clash.write"))
        sample = choices.sample_of(self._choices, name)
        line.textEdited.connect(lambda text: self._write(name, choices.read(text, sample)))
        return line

    def _place_edit(self) -> QWidget:
        button = QPushButton(icon("take"), self._words.say("clash.take"))
        button.setToolTip(self._words.say("clash.take.tip"))
        taken = while_there(self, lambda wkb: self._write(GEOMETRY, wkb))
        button.clicked.connect(lambda _=False: self.shape_wanted.emit(taken))
        return button

    def _value_text(self, name: str, value: Any) -> str:
        words = self._words
        if name == GEOMETRY:
            return words.say("clash.no_place") if value is None else str(words.say(f"clash.kind.{kind_of(value)}"))
        return choices.value_text(words, name, value)

    # --- choosing

    def pick_all(self, side: str) -> None:
        """Let this side stand in everything."""
        for name in self._choices.names:
            self.radios[name, side].setChecked(True)

    def _toggled(self, name: str, side: str, on: bool) -> None:
        if not on:
            return
        self._choices.pick(name, side)
        edit = self.edits.get(name)
        if isinstance(edit, QLineEdit):
            value = self._choices.value(name, side)
            edit.setText("" if value is None else str(value))
        elif isinstance(edit, QComboBox):
            edit.setCurrentIndex(max(0, edit.findData(self._choices.value(name, side))))
        self._decide(name)

    def _write(self, name: str, value: Any) -> None:
        self._choices.write(name, value)
        chosen = self._choices.made[name].side
        for side in SIDES:
            radio = self.radios[name, side]
            radio.blockSignals(True)
            radio.group().setExclusive(False)
            radio.setChecked(side == chosen)
            radio.group().setExclusive(True)
            radio.blockSignals(False)
        self._decide(name)

    def _decide(self, name: str) -> None:
        edit = self.edits.get(name)
        if isinstance(edit, QPushButton):
            taken = self._choices.made[name].side == OWN
            edit.setText(self._words.say("clash.taken" if taken else "clash.take"))
        self.decided.emit(name)
