"""The tab of clashes that wait for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QLabel, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from placecard.gui.icons import icon
from placecard.gui.outcomes import clashing, property_titles

if TYPE_CHECKING:
    from placecard.core.wire import Clash
    from placecard.host.session import Session

CLASH = Qt.ItemDataRole.UserRole


class DisputesTab(QWidget):
    """Open clashes; `opening` has the id of one to be solved, `chosen` the guid of the selected one."""

    opening = pyqtSignal(str)
    chosen = pyqtSignal(str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        words = session.words
        self.list = QListWidget()
        self.list.setAlternatingRowColors(True)
        self.list.setWordWrap(True)
        self.list.itemActivated.connect(lambda _: self._open())
        self.list.currentItemChanged.connect(self._choose)
        self.empty = QLabel(words.say("disputes.empty"))
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.empty.setEnabled(False)
        self.solve = QPushButton(icon("clash"), words.say("disputes.solve"))
        self.solve.clicked.connect(lambda _=False: self._open())
        box = QVBoxLayout(self)
        box.setContentsMargins(4, 6, 4, 4)
        box.addWidget(self.list, 1)
        box.addWidget(self.empty, 1)
        box.addWidget(self.solve)

    def refresh(self) -> int:
        """Read the clashes anew; how many there are."""
        clashes = [each for each in self.session.clashes() if each.id] if self.session.copy is not None else []
        row = max(self.list.currentRow(), 0)
        self.list.clear()
        for clash in clashes:
            self._add(clash)
        self.list.setCurrentRow(min(row, len(clashes) - 1))
        self.list.setVisible(bool(clashes))
        self.empty.setVisible(not clashes)
        self.solve.setEnabled(bool(clashes))
        return len(clashes)

    def _add(self, clash: Clash) -> None:
        words, copy = self.session.words, self.session.copy
        proposal = copy.proposal(clash.guid) if copy is not None else None
        titles = property_titles(copy.capabilities.properties if copy is not None else (), words.language)
        title = proposal.title if proposal is not None else clash.guid
        what = ", ".join(clashing(words, clash, titles)) or words.say(f"clash.reason.{clash.reason}")
        item = QListWidgetItem(icon("clash"), f"{title}\n{what}")
        item.setData(CLASH, clash)
        item.setToolTip(words.say(f"clash.reason.{clash.reason}"))
        self.list.addItem(item)

    def current(self) -> str | None:
        """The guid of the selected clash."""
        item = self.list.currentItem()
        return None if item is None else str(item.data(CLASH).guid)

    def _open(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            self.opening.emit(item.data(CLASH).id)

    def _choose(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self.chosen.emit(item.data(CLASH).guid)
