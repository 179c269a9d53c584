"""Putting a whole push back: first what that would do, proposal by proposal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from placecard.gui.icons import icon
from placecard.gui.lateness import while_there
from placecard.gui.outcomes import property_titles, tell_put_back
from placecard.gui.wrapping import wrap_last

if TYPE_CHECKING:
    from placecard.core.errors import PlacecardError
    from placecard.core.wire import Undone
    from placecard.host.session import Session

SIZE = (620, 360)
TITLES = 220
"""Width of the column of titles."""


class UndoDialog(QDialog):
    """Asks what putting this push back would do, and does it if a person wants."""

    def __init__(self, session: Session, key: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._key = key
        self._count = 0
        words = session.words
        self.setWindowTitle(words.say("undo.title"))
        self.setWindowIcon(icon("undo"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(*SIZE)
        self.told = QLabel(words.say("undo.asking"))
        self.told.setWordWrap(True)
        self.tree = QTreeWidget()
        self.tree.setHeaderLabels([words.say("changes.proposal"), words.say("undo.what")])
        self.tree.setRootIsDecorated(False)
        self.tree.setAlternatingRowColors(True)
        wrap_last(self.tree, TITLES)
        self.undo = QPushButton(icon("undo"), words.say("undo.undo"))
        self.undo.setEnabled(False)
        self.undo.clicked.connect(lambda _=False: self._undo())
        buttons = QDialogButtonBox()
        buttons.addButton(self.undo, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(words.say("connect.close"), QDialogButtonBox.ButtonRole.RejectRole)
        buttons.rejected.connect(self.reject)
        box = QVBoxLayout(self)
        for each in (self.told, self.tree, buttons):
            box.addWidget(each)
        session.ask(
            words.say("undo.asking"),
            lambda service: service.undo(key, dry_run=True),
            while_there(self, self._checked),
            while_there(self, self._failed),
        )

    def _checked(self, undone: Undone) -> None:
        words = self._session.words
        self._fill(undone)
        self.told.setText(words.say("undo.would", n=self._count) if self._count else words.say("undo.nothing"))
        self.undo.setEnabled(self._count > 0)

    def _fill(self, undone: Undone) -> None:
        words, copy = self._session.words, self._session.copy
        names = property_titles(copy.capabilities.properties if copy is not None else (), words.language)
        self._count = sum(bool(each.fields or each.geometry) and not each.gone for each in undone.proposals)
        self.tree.clear()
        for each in undone.proposals:
            proposal = copy.proposal(each.guid) if copy is not None else None
            told = tell_put_back(words, each, names)
            item = QTreeWidgetItem([proposal.title if proposal is not None else each.guid, told])
            item.setToolTip(1, told)
            self.tree.addTopLevelItem(item)

    def _undo(self) -> None:
        key, session, show = self._key, self._session, while_there(self, self._undone)
        self.undo.setEnabled(False)

        def done(undone: Undone) -> None:
            show(undone)
            # The copy follows what the service has now, whether anybody still looks or not.
            session.pull()

        title = session.words.say("undo.doing")
        session.ask(title, lambda service: service.undo(key), done, while_there(self, self._failed, session.tell))

    def _undone(self, undone: Undone) -> None:
        self._fill(undone)
        self.told.setText(self._session.words.say("undo.done", n=self._count))

    def _failed(self, error: PlacecardError) -> None:
        self.told.setText(self._session.words.say(error.key, **error.data))
        self.undo.setEnabled(self._count > 0)
