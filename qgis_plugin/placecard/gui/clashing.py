"""A clash, solved: what it was, theirs and mine for each field, both places on the map, and what shall stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.core import Qgis
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from placecard.core.copyfile.clashes import take_resolved
from placecard.core.errors import Refused
from placecard.gui.choices import GEOMETRY, MINE, OWN, SIDES, THEIRS, Choices
from placecard.gui.deciding import ClashTable
from placecard.gui.icons import icon
from placecard.gui.lateness import while_there
from placecard.gui.sketches import Sketches
from placecard.gui.telling import moment, person

if TYPE_CHECKING:
    from placecard.core.errors import PlacecardError
    from placecard.core.wire import Clash, Resolved
    from placecard.host.session import Session

WIDTH, LEAST, ROW = 880, 150, 34
"""Of the window, in pixels: it is as high as its rows want, up to `MOST` of them."""

MOST = 8
STALE = 409
"""The service's status when either side moved since the clash was read."""


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
        self._stale = False
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
        self.table: ClashTable | None = None
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
        self.buttons = (self.all_theirs, self.all_mine, self.renew, self.retire, self.later, self.solve)
        self.renew.clicked.connect(lambda _=False: self._send(renew=True))
        self.retire.clicked.connect(lambda _=False: self._send(renew=False))
        self.later.clicked.connect(lambda _=False: self._go_on())
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
        self.solve.setDefault(True)  # of this window: so not before it is in it
        self._session.pulled.connect(self._pulled)
        self._session.failed.connect(self._not_pulled)

    def _stand_aside(self) -> None:
        # Both places are drawn on the map: the window stands below, not over them.
        self.resize(WIDTH, LEAST + ROW * min(len(self._choices.names), MOST))
        parent = self.parentWidget()
        if parent is not None and not self.isVisible():
            corner = parent.mapToGlobal(parent.rect().bottomLeft())
            self.move(corner.x() + 10, corner.y() - self.height() - 40)

    # --- one clash

    def open_clash(self, clash_id: str) -> None:
        """Show this clash; the others follow it, each once."""
        ids = list(self._open())
        place = ids.index(clash_id) if clash_id in ids else 0
        self._left = [*ids[place:], *ids[:place]]
        self._go_on()

    def _open(self) -> dict[str, Clash]:
        return {each.id: each for each in self._session.clashes() if each.id}

    def _go_on(self) -> None:
        """The next of those that are still open; the window closes after the last."""
        clashes = self._open()
        self._left = [each for each in self._left if each in clashes]
        if not self._left:
            self.close()
            return
        clash_id = self._left.pop(0)
        self._clash = clashes[clash_id]
        self._choices = Choices(self._clash)
        self._show(list(clashes).index(clash_id) + 1, len(clashes))
        self._stand_aside()
        self._sketches.look(self._draw())

    def _draw(self) -> dict[str, bytes | None]:
        """The places of all sides on the map, and the one that was taken from there; what is drawn."""
        if self._clash is None or self._clash.geometry is None:
            self._sketches.clear()
            return {}
        place = self._choices.chosen(GEOMETRY)
        sides = {side: getattr(self._clash.geometry, side) for side in SIDES}
        if place is not None and place.side == OWN:
            sides[OWN] = place.value
        self._sketches.draw(sides)
        return sides

    def _show(self, number: int, count: int) -> None:
        words, clash = self._session.words, self._clash
        if clash is None:
            return
        copy = self._session.copy
        proposal = copy.proposal(clash.guid) if copy is not None else None
        title = proposal.title if proposal is not None else clash.guid
        who = person(words, clash.theirs_by) if clash.theirs_by else ""
        told = ", ".join(part for part in (who, moment(clash.theirs_at)) if part)
        reason = words.say(f"clash.reason.{clash.reason}")
        why = f"{reason} ({told})" if told else reason
        self.head.setText(f"<b>{_safe(title)}</b> &nbsp; {number}/{count}<br/>{_safe(why)}")
        gone = clash.reason == "gone"
        self.area.setWidget(self._choice_of_gone() if gone else self._table())
        for each in (self.renew, self.retire):
            each.setVisible(gone)
        for each in (self.all_theirs, self.all_mine, self.solve):
            each.setVisible(not gone)
        self.trouble.clear()
        self._allow()

    def _choice_of_gone(self) -> QWidget:
        told = QLabel(self._session.words.say("clash.gone"))
        told.setWordWrap(True)
        told.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.table = None
        return told

    def _table(self) -> QWidget:
        self.table = ClashTable(self._session, self._choices)
        self.table.decided.connect(self._decided)
        self.table.shape_wanted.connect(self.shape_wanted)
        return self.table

    def _pick_all(self, side: str) -> None:
        if self.table is not None:
            self.table.pick_all(side)

    def _decided(self, name: str) -> None:
        if name == GEOMETRY:
            self._draw()
        self._allow()

    def _allow(self) -> None:
        words = self._session.words
        for each in self.buttons:
            each.setEnabled(True)
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
        session, clash_id, revision = self._session, clash.id, clash.revision
        go_on = while_there(self, self._go_on)
        self.setFocus()
        for each in self.buttons:
            each.setEnabled(False)

        def settle(resolved: Resolved) -> None:
            session.write(lambda copy: take_resolved(copy, clash, resolved))
            session.told.emit(words.say("clash.solved"), int(Qgis.MessageLevel.Success))
            go_on()

        def done(resolved: Resolved) -> None:
            session.when_free(lambda: settle(resolved))

        session.ask(
            words.say("clash.sending"),
            lambda service: service.resolve(clash_id, revision, **said),
            done,
            while_there(self, self._failed, session.tell),
        )

    def _failed(self, error: PlacecardError) -> None:
        self._stale = isinstance(error, Refused) and error.data["status"] == STALE
        if not (self._stale and self._session.pull()):
            self._not_pulled(error)

    def _pulled(self, _: Any) -> None:
        if self._stale and self._clash is not None and self._clash.id is not None:
            self._stale = False
            self._left.insert(0, self._clash.id)
            self._go_on()
            self.trouble.setText(self._session.words.say("clash.moved"))

    def _not_pulled(self, error: PlacecardError) -> None:
        self._stale = False
        self.trouble.setText(self._session.words.say(error.key, **error.data))
        self._allow()

    def closeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Take the sketches off the map."""
        self._sketches.clear()
        super().closeEvent(event)


def _safe(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
