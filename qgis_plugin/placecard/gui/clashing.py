"""A clash, solved: what it was, theirs and mine for each field, both places on the map, and what shall stand."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qgis.core import Qgis
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from placecard.core.copyfile.clashes import take_resolved
from placecard.core.geometry import kind_of
from placecard.gui import choices
from placecard.gui.choices import BASE, GEOMETRY, MINE, OWN, THEIRS, Choices
from placecard.gui.icons import icon
from placecard.gui.outcomes import property_titles
from placecard.gui.sketches import COLOURS, Sketches
from placecard.gui.telling import moment

if TYPE_CHECKING:
    from placecard.core.errors import PlacecardError
    from placecard.core.wire import Clash, Resolved
    from placecard.host.session import Session

WIDTH, LEAST, ROW = 880, 150, 34
"""Of the window, in pixels: it is as high as its rows want, up to `MOST` of them."""

MOST = 8
SEEN = 30
"""Letters of a value that are seen; the rest is in its tip."""
COLUMNS = (BASE, THEIRS, MINE)


class ClashDialog(QDialog):
    """One clash after another. What is left without a choice stays a clash for later; `done` closes nothing else."""

    shape_wanted = pyqtSignal(object)
    """Asks for a shape from the map: it is called with WKB in CRS84."""

    def __init__(self, session: Session, canvas: Any, clash_id: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._sketches = Sketches(canvas)
        self._clash: Clash | None = None
        self._choices: Any = None
        self._left: list[str] = []
        words = session.words
        self.setWindowTitle(words.say("clash.title"))
        self.setWindowIcon(icon("clash"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.head = QLabel()
        self.head.setWordWrap(True)
        self.head.setTextFormat(Qt.TextFormat.RichText)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QScrollArea.Shape.NoFrame)
        self.trouble = QLabel()
        self.trouble.setStyleSheet("color: #b3372b")
        self.trouble.setWordWrap(True)
        self.radios: dict[tuple[str, str], QRadioButton] = {}
        self.edits: dict[str, QWidget] = {}
        self._build()
        self.open_clash(clash_id)

    def _build(self) -> None:
        words = self._session.words
        self.all_theirs = QPushButton(words.say("clash.all_theirs"))
        self.all_mine = QPushButton(words.say("clash.all_mine"))
        self.solve = QPushButton(icon("right"), words.say("clash.solve"))
        self.later = QPushButton(words.say("clash.later"))
        self.renew = QPushButton(words.say("clash.renew"))
        self.retire = QPushButton(words.say("clash.retire"))
        self.all_theirs.clicked.connect(lambda _=False: self._pick_all(THEIRS))
        self.all_mine.clicked.connect(lambda _=False: self._pick_all(MINE))
        self.solve.clicked.connect(lambda _=False: self._solve())
        self.renew.clicked.connect(lambda _=False: self._send(renew=True))
        self.retire.clicked.connect(lambda _=False: self._send(renew=False))
        self.later.clicked.connect(lambda _=False: self._go_on())
        self.solve.setDefault(True)
        row = QHBoxLayout()
        for each in (self.all_theirs, self.all_mine, self.renew, self.retire):
            row.addWidget(each)
        row.addStretch(1)
        row.addWidget(self.later)
        row.addWidget(self.solve)
        box = QVBoxLayout(self)
        box.addWidget(self.head)
        box.addWidget(self.area, 1)
        box.addWidget(self.trouble)
        box.addLayout(row)

    def _stand_aside(self) -> None:
        # Both places are drawn on the map: the window stands below, not over them.
        self.resize(WIDTH, LEAST + ROW * min(len(self._choices.names), MOST))
        parent = self.parentWidget()
        if parent is not None and not self.isVisible():
            corner = parent.mapToGlobal(parent.rect().bottomLeft())
            self.move(corner.x() + 10, corner.y() - self.height() - 40)

    # --- one clash

    def open_clash(self, clash_id: str) -> None:
        """Show this clash; the others follow it."""
        clashes = {each.id: each for each in self._session.clashes() if each.id}
        clash = clashes.get(clash_id)
        if clash is None:
            self.close()
            return
        ids = list(clashes)
        place = ids.index(clash_id)
        self._left = [*ids[place + 1 :], *ids[:place]]
        self._clash = clash
        self._choices = Choices(clash)
        self._show(place + 1, len(ids))
        self._stand_aside()
        if clash.geometry is not None:
            sides = {side: getattr(clash.geometry, side) for side in COLUMNS}
            self._sketches.draw(sides)
            self._sketches.look(sides)
        else:
            self._sketches.clear()

    def _show(self, number: int, count: int) -> None:
        words, clash = self._session.words, self._clash
        if clash is None:
            return
        copy = self._session.copy
        proposal = copy.proposal(clash.guid) if copy is not None else None
        title = proposal.title if proposal is not None else clash.guid
        who = words.say("clash.who", who=clash.theirs_by or "?", when=moment(clash.theirs_at))
        reason = words.say(f"clash.reason.{clash.reason}")
        self.head.setText(f"<b>{_safe(title)}</b> &nbsp; {number}/{count}<br/>{_safe(reason)}. {_safe(who)}")
        self.area.setWidget(self._table())
        gone = clash.reason == "gone"
        for each in (self.renew, self.retire):
            each.setVisible(gone)
        for each in (self.all_theirs, self.all_mine, self.solve):
            each.setVisible(not gone)
        self.trouble.clear()
        self._allow()

    def _table(self) -> QWidget:
        words, table = self._session.words, QWidget()
        capabilities = self._session.copy.capabilities if self._session.copy is not None else None
        names = property_titles(capabilities.properties if capabilities is not None else (), words.language)
        grid = QGridLayout(table)
        grid.setContentsMargins(0, 4, 0, 4)
        grid.setHorizontalSpacing(14)
        for column, side in enumerate(COLUMNS, start=1):
            grid.addWidget(self._legend(side), 0, column)
        grid.addWidget(QLabel(f"<b>{_safe(words.say('clash.stands'))}</b>"), 0, 4)
        self.radios.clear()
        self.edits.clear()
        for row, name in enumerate(self._choices.names, start=1):
            grid.addWidget(QLabel(words.say("edit.place") if name == GEOMETRY else names.get(name, name)), row, 0)
            self._add_row(grid, row, name, table)
        grid.setRowStretch(len(self._choices.names) + 1, 1)
        for column in (1, 2, 3, 4):
            grid.setColumnStretch(column, 1)
        return table

    def _legend(self, side: str) -> QLabel:
        words = self._session.words
        mark = "╍╍" if side == BASE else "━━"
        return QLabel(f'<b><span style="color:{COLOURS[side]}">{mark}</span> {_safe(words.say(f"clash.{side}"))}</b>')

    def _add_row(self, grid: QGridLayout, row: int, name: str, table: QWidget) -> None:
        buttons = QButtonGroup(table)
        for column, side in enumerate(COLUMNS, start=1):
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
        known = self._session.copy.capabilities.property(name) if self._session.copy is not None else None
        if known is not None and known.values:
            box = QComboBox()
            box.addItem("", None)
            for value in known.values:
                box.addItem(self._value_text(name, value), value)
            box.activated.connect(lambda _: self._write(name, box.currentData()))
            return box
        line = QLineEdit()
        line.setPlaceholderText(self._session.words.say("clash.write"))
        sample = choices.sample_of(self._choices, name)
        line.textEdited.connect(lambda text: self._write(name, choices.read(text, sample)))
        return line

    def _place_edit(self) -> QWidget:
        button = QPushButton(icon("take"), self._session.words.say("clash.take"))
        button.setToolTip(self._session.words.say("clash.take.tip"))
        button.clicked.connect(lambda _=False: self.shape_wanted.emit(self.take_shape))
        return button

    def take_shape(self, wkb: bytes) -> None:
        """A shape from the map shall be the place."""
        self._write(GEOMETRY, wkb)

    def _value_text(self, name: str, value: Any) -> str:
        words = self._session.words
        if name == GEOMETRY:
            return words.say("clash.no_place") if value is None else str(words.say(f"clash.kind.{kind_of(value)}"))
        return choices.value_text(words, name, value)

    # --- choosing

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
        self._allow()

    def _write(self, name: str, value: Any) -> None:
        self._choices.write(name, value)
        chosen = self._choices.chosen(name).side
        for side in COLUMNS:
            radio = self.radios[name, side]
            radio.blockSignals(True)
            radio.group().setExclusive(False)
            radio.setChecked(side == chosen)
            radio.group().setExclusive(True)
            radio.blockSignals(False)
        if name == GEOMETRY and chosen == OWN:
            self.edits[name].setText(self._session.words.say("clash.taken"))
        self._allow()

    def _pick_all(self, side: str) -> None:
        for name in self._choices.names:
            self.radios[name, side].setChecked(True)

    def _allow(self) -> None:
        words = self._session.words
        undecided = len(list(self._choices.open_names()))
        self.solve.setEnabled(bool(self._choices.made))
        some = bool(self._choices.made) and undecided
        self.solve.setText(
            words.say("clash.solve_some", n=len(self._choices.made)) if some else words.say("clash.solve")
        )

    # --- sending

    def _solve(self) -> None:
        place = self._choices.chosen(GEOMETRY)
        self._send(fields=self._choices.fields(), **({} if place is None else {"geometry": place.value}))

    def _send(self, **said: Any) -> None:
        clash, words = self._clash, self._session.words
        if clash is None or clash.id is None or clash.revision is None:
            return
        clash_id, revision = clash.id, clash.revision
        self.solve.setEnabled(False)

        def done(resolved: Resolved) -> None:
            self._session.write(lambda copy: take_resolved(copy, clash, resolved))
            self._session.told.emit(words.say("clash.solved"), int(Qgis.MessageLevel.Success))
            self._go_on()

        self._session.ask(
            words.say("clash.sending"), lambda service: service.resolve(clash_id, revision, **said), done, self._failed
        )

    def _failed(self, error: PlacecardError) -> None:
        self.trouble.setText(self._session.words.say(error.key, **error.data))
        self._allow()

    def _go_on(self) -> None:
        if self._left:
            self.open_clash(self._left[0])
        else:
            self.close()

    def closeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Take the sketches off the map."""
        self._sketches.clear()
        super().closeEvent(event)


def _safe(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
