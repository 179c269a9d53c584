"""Putting a whole push back: first what that would do, proposal by proposal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from placecard.gui.icons import icon
from placecard.gui.outcomes import property_titles, tell_put_back

if TYPE_CHECKING:
    from placecard.core.errors import PlacecardError
    from placecard.core.wire import Undone
    from placecard.host.session import Session

SIZE = (560, 360)


class UndoDialog(QDialog):
    """Asks what putting this push back would do, and does it if a person wants."""

    def __init__(self, session: Session, key: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._key = key
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
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
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
            words.say("undo.asking"), lambda service: service.undo(key, dry_run=True), self._checked, self._failed
        )

    def _checked(self, undone: Undone) -> None:
        words = self._session.words
        some = [each for each in undone.proposals if (each.fields or each.geometry) and not each.gone]
        self._fill(undone)
        self.told.setText(words.say("undo.would", n=len(some)) if some else words.say("undo.nothing"))
        self.undo.setEnabled(bool(some))

    def _fill(self, undone: Undone) -> None:
        words, copy = self._session.words, self._session.copy
        names = property_titles(copy.capabilities.properties if copy is not None else (), words.language)
        self.tree.clear()
        for each in undone.proposals:
            proposal = copy.proposal(each.guid) if copy is not None else None
            told = tell_put_back(words, each, names)
            item = QTreeWidgetItem([proposal.title if proposal is not None else each.guid, told])
            item.setToolTip(1, told)
            self.tree.addTopLevelItem(item)

    def _undo(self) -> None:
        key, words = self._key, self._session.words
        self.undo.setEnabled(False)
        self._session.ask(words.say("undo.doing"), lambda service: service.undo(key), self._undone, self._failed)

    def _undone(self, undone: Undone) -> None:
        self._fill(undone)
        self.told.setText(self._session.words.say("undo.done", n=len(undone.proposals)))
        # The copy follows what the service has now.
        self._session.pull()

    def _failed(self, error: PlacecardError) -> None:
        self.told.setText(self._session.words.say(error.key, **error.data))
