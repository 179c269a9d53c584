"""The tab of what was edited here and not pushed yet, and of the pushes that can be put back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qgis.PyQt.QtCore import QSize, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from placecard.gui.icons import icon
from placecard.gui.outcomes import property_titles, tell_edit
from placecard.gui.telling import moment
from placecard.gui.wrapping import wrap_last

if TYPE_CHECKING:
    from placecard.core.copyfile.edits import LocalEdit
    from placecard.host.session import Session

GUID = Qt.ItemDataRole.UserRole
TITLES = 180
"""Width of the column of titles."""


class ChangesTab(QWidget):
    """Local edits. `pushing` and `undoing` (with the key of a push) ask for the dialogs; `chosen` tells a guid."""

    pushing = pyqtSignal()
    undoing = pyqtSignal(str)
    chosen = pyqtSignal(str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        words = session.words
        self.tree = QTreeWidget()
        self.tree.setHeaderLabels([words.say("changes.proposal"), words.say("changes.what")])
        self.tree.setRootIsDecorated(False)
        self.tree.setAlternatingRowColors(True)
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        wrap_last(self.tree, TITLES)
        self.tree.currentItemChanged.connect(self._choose)
        self.tree.itemSelectionChanged.connect(self._allow)
        self.empty = QLabel(words.say("changes.empty"))
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.empty.setEnabled(False)
        self.push = QPushButton(icon("push"), words.say("changes.push"))
        self.push.clicked.connect(lambda _=False: self.pushing.emit())
        self.discard = QPushButton(icon("discard"), words.say("changes.discard"))
        self.discard.setToolTip(words.say("changes.discard.tip"))
        self.discard.clicked.connect(lambda _=False: self._discard())
        self.past = QToolButton()
        self._build()

    def _build(self) -> None:
        words = self.session.words
        self.past.setIcon(icon("undo"))
        self.past.setIconSize(QSize(18, 18))
        self.past.setText(words.say("changes.undo"))
        self.past.setToolTip(words.say("changes.undo.tip"))
        self.past.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.past.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.past.setMenu(QMenu(self.past))
        self.past.menu().aboutToShow.connect(self._fill_past)
        row = QHBoxLayout()
        row.addWidget(self.push, 1)
        row.addWidget(self.discard)
        row.addWidget(self.past)
        box = QVBoxLayout(self)
        box.setContentsMargins(4, 6, 4, 4)
        box.addWidget(self.tree, 1)
        box.addWidget(self.empty, 1)
        box.addLayout(row)

    def refresh(self) -> int:
        """Read the edits anew; how many there are."""
        edits = self.session.edits() if self.session.copy is not None else []
        current = self.tree.currentItem().data(0, GUID) if self.tree.currentItem() else None
        self.tree.blockSignals(True)
        self.tree.clear()
        for edit in edits:
            self._add(edit)
            if edit.guid == current:
                self.tree.setCurrentItem(self.tree.topLevelItem(self.tree.topLevelItemCount() - 1))
        self.tree.blockSignals(False)
        self.tree.setVisible(bool(edits))
        self.empty.setVisible(not edits)
        self._allow()
        return len(edits)

    def _add(self, edit: LocalEdit) -> None:
        words = self.session.words
        capabilities = self.session.copy.capabilities if self.session.copy else None
        titles = property_titles(capabilities.properties if capabilities else (), words.language)
        told = tell_edit(words, edit, titles)
        item = QTreeWidgetItem([edit.title or words.say("changes.untitled"), told])
        item.setData(0, GUID, edit.guid)
        why = edit.message or (words.say(edit.problem) if edit.problem else "")
        if edit.clashing:
            item.setIcon(1, icon("clash"))
            why = why or words.say("changes.clashes")
        elif why:
            item.setIcon(1, icon("none"))
        item.setToolTip(0, edit.title)
        item.setToolTip(1, why or told)
        self.tree.addTopLevelItem(item)

    def _allow(self) -> None:
        some = self.tree.topLevelItemCount() > 0
        self.push.setEnabled(some and not self.session.busy_with)
        self.discard.setEnabled(bool(self.tree.selectedItems()))
        self.past.setEnabled(self.session.copy is not None)

    def current(self) -> str | None:
        """The guid of the selected edit."""
        item = self.tree.currentItem()
        return None if item is None else str(item.data(0, GUID))

    def _choose(self, item: QTreeWidgetItem | None) -> None:
        if item is not None:
            self.chosen.emit(item.data(0, GUID))

    def _discard(self) -> None:
        for guid in [item.data(0, GUID) for item in self.tree.selectedItems()]:
            self.session.discard(guid)

    def _fill_past(self) -> None:
        words, menu = self.session.words, self.past.menu()
        menu.clear()
        pushes = self.session.pushes()
        for key, when, count in pushes[:10]:
            action = menu.addAction(words.say("changes.past", n=count, when=moment(when)))
            action.triggered.connect(lambda _=False, key=key: self.undoing.emit(key))
        if not pushes:
            menu.addAction(words.say("changes.no_past")).setEnabled(False)
