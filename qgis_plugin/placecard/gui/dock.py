"""The dock: what the copy is of and how it stands, four lists, and the card of what is selected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.gui import QgsDockWidget
from qgis.PyQt.QtCore import QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QKeySequence, QShortcut
from qgis.PyQt.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from placecard.gui import keys
from placecard.gui.card import CardPanel
from placecard.gui.changes import ChangesTab
from placecard.gui.checking import CheckingTab, look_at
from placecard.gui.disputes import DisputesTab
from placecard.gui.icons import icon
from placecard.gui.lists import PROPOSAL
from placecard.gui.placing import PlacingTab
from placecard.gui.telling import person

if TYPE_CHECKING:
    from placecard.core.copyfile.copy import Proposal
    from placecard.gui.placer import Placer
    from placecard.host.session import Session

WIDTH = 370
PLACING, CHECKING, CHANGES, DISPUTES = range(4)


class Dock(QgsDockWidget):
    """Shows the session. `connecting` and `opening` ask for what opens a copy."""

    connecting = pyqtSignal()
    opening = pyqtSignal()

    def __init__(self, session: Session, placer: Placer, iface: Any) -> None:
        super().__init__("Placecard")
        self.setObjectName("PlacecardDock")
        self._session = session
        self._canvas = iface.mapCanvas()
        self.placer = placer
        self.placing = PlacingTab(session, placer)
        self.checking = CheckingTab(session, placer, iface)
        self.changes = ChangesTab(session)
        self.disputes = DisputesTab(session)
        self.card = CardPanel(session)
        self.tabs = QTabWidget()
        self.hint = QLabel()
        self.pull, self.push, self.undo, self.stop = (QToolButton() for _ in range(4))
        self.head = QLabel()
        self.progress = QProgressBar()
        self.pages = QStackedWidget()
        self._listed = self._aside = ""  # guids: what the list in front has chosen, whose card the map shows instead
        self._build()
        self._listen()
        self.refresh()

    # --- building

    def _build(self) -> None:
        words = self._session.words
        for tab in (self.placing, self.checking, self.changes, self.disputes):
            self.tabs.addTab(tab, "")
        self.tabs.setDocumentMode(True)
        self.tabs.setUsesScrollButtons(True)
        self.tabs.setTabIcon(DISPUTES, icon("clash"))
        self.tabs.setTabToolTip(DISPUTES, words.say("tab.disputes"))
        self.hint.setWordWrap(True)
        self.hint.setMinimumHeight(self.fontMetrics().height())
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(self.tabs)
        splitter.addWidget(self.card)
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 2)
        splitter.setChildrenCollapsible(False)
        work = QWidget()
        box = QVBoxLayout(work)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(2)
        box.addLayout(self._head_row())
        box.addWidget(splitter, 1)
        box.addWidget(self.hint)
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(True)
        running = QHBoxLayout()
        running.addWidget(self.progress, 1)
        running.addWidget(self.stop)
        box.addLayout(running)
        self.stop.setText(words.say("dock.stop"))
        self.stop.clicked.connect(lambda _=False: self._session.cancel())
        self.pages.addWidget(self._welcome())
        self.pages.addWidget(work)
        self.pages.setMinimumWidth(WIDTH)
        self.setWidget(self.pages)

    def _head_row(self) -> QHBoxLayout:
        words, row = self._session.words, QHBoxLayout()
        row.setContentsMargins(6, 2, 4, 0)
        self.head.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row.addWidget(self.head, 1)
        for button, name, key in ((self.undo, "undo", "Ctrl+Z"), (self.pull, "pull", ""), (self.push, "push", "")):
            button.setIcon(icon(name))
            button.setIconSize(QSize(20, 20))
            button.setAutoRaise(True)
            button.setToolTip(words.say(f"dock.{name}") + (f" ({key})" if key else ""))
            row.addWidget(button)
        self.undo.clicked.connect(lambda _=False: self.placer.undo())
        self.pull.clicked.connect(lambda _=False: self._session.pull())
        self.push.clicked.connect(lambda _=False: self.changes.pushing.emit())
        return row

    def _welcome(self) -> QWidget:
        words, page = self._session.words, QWidget()
        box = QVBoxLayout(page)
        box.addStretch(1)
        picture = QLabel()
        picture.setPixmap(icon("placecard").pixmap(QSize(64, 64)))
        picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        told = QLabel(words.say("dock.welcome"))
        told.setWordWrap(True)
        told.setAlignment(Qt.AlignmentFlag.AlignCenter)
        connect = QPushButton(icon("connect"), words.say("dock.connect"))
        connect.setDefault(True)
        connect.clicked.connect(lambda _=False: self.connecting.emit())
        opened = QPushButton(words.say("dock.open"))
        opened.clicked.connect(lambda _=False: self.opening.emit())
        for widget in (picture, told, connect, opened):
            box.addWidget(widget)
        box.addStretch(2)
        return page

    def _listen(self) -> None:
        self._session.changed.connect(self.refresh)
        self._session.busy.connect(self._busy)
        self._session.progressed.connect(self._progressed)
        self._session.browsing.connect(self._browsing)
        self.placing.list.chosen.connect(lambda proposal: self._chosen(PLACING, proposal))
        self.checking.list.chosen.connect(lambda proposal: self._chosen(CHECKING, proposal))
        self.changes.chosen.connect(self.look)
        self.disputes.chosen.connect(self._picked)
        self._canvas.selectionChanged.connect(self._selected)
        for tab in (self.placing, self.checking):
            tab.list.acted.connect(lambda act: self.card.open_browser() if act == keys.BROWSER else None)
            tab.list.clicked.connect(lambda index: self._picked(index.data(PROPOSAL).guid))
        self.tabs.currentChanged.connect(lambda _: self._turn())
        self.placer.hinted.connect(self._hint)
        self.placer.took_back.connect(self._took_back)
        for sequence, act in ((QKeySequence(QKeySequence.StandardKey.Undo), self.placer.undo), (_find(), self._search)):
            shortcut = QShortcut(sequence, self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)

    # --- showing

    def refresh(self) -> None:
        """Show the session as it is now. Only the tab in front is read; the others when they come there."""
        session, words = self._session, self._session.words
        self.pages.setCurrentIndex(0 if session.copy is None else 1)
        told = session.counts
        counts = (told.unplaced, told.to_check, told.local, told.clashing)
        for index, (name, count) in enumerate(zip(("placing", "checking", "changes", "disputes"), counts)):
            # The last has a picture for a name: four names would not fit.
            named = "" if index == DISPUTES else words.say(f"tab.{name}")
            self.tabs.setTabText(index, f"{named} {count or ''}".strip())
        self.undo.setEnabled(len(self.placer.steps) > 0)
        self.push.setEnabled(told.local > 0 and not session.busy_with)
        self.pull.setEnabled(session.copy is not None and not session.busy_with)
        self.head.setText(self._stands())
        self.head.setToolTip(self._stands())
        self._read()

    def _stands(self) -> str:
        session, words = self._session, self._session.words
        if session.copy is None:
            return ""
        name = (session.capabilities or session.copy.capabilities).service_name
        who = person(words, session.me["name"]) if session.me else words.say("dock.offline")
        return f"{name} · {who}"

    def _busy(self, title: str) -> None:
        self.progress.setVisible(bool(title))
        self.stop.setVisible(bool(title))
        self.progress.setFormat(title)
        self.progress.setValue(0)
        self.pull.setEnabled(not title and self._session.copy is not None)
        self.push.setEnabled(not title and self._session.counts.local > 0)

    def _browsing(self, on: bool) -> None:
        # Whoever does not come back from the browser stops it here.
        self._busy(self._session.words.say("session.browsing") if on else self._session.busy_with)

    def _progressed(self, title: str, share: float) -> None:
        self.progress.setFormat(title)
        self.progress.setValue(int(share * 1000))

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Nothing runs at first."""
        super().showEvent(event)
        self._busy(self._session.busy_with)

    def _hint(self, text: str) -> None:
        self.hint.setText(text)

    # --- what is selected

    def _turn(self) -> None:
        self._aside = ""
        self._read()

    def _read(self) -> None:
        """Read the tab in front, which says what is placed and, unless the map does, whose card is shown."""
        index = self.tabs.currentIndex()
        (self.placing, self.checking, self.changes, self.disputes)[index].refresh()
        if index in (PLACING, CHECKING):
            self._chosen(index, (self.placing, self.checking)[index].list.proposal())
        else:
            self.placer.choose(None)
            guid = self._aside or (self.changes, self.disputes)[index - CHANGES].current()
            if guid:
                self._show_card(guid)

    def _chosen(self, tab: int, proposal: Proposal | None) -> None:
        if tab != self.tabs.currentIndex():
            return
        self.placer.choose(proposal)
        guid = proposal.guid if proposal is not None else ""
        if guid != self._listed:
            self._listed, self._aside = guid, ""
        if not self._aside or self._show_card(self._aside) is None:
            self.card.show_proposal(proposal)

    def _picked(self, guid: str) -> Proposal | None:
        self._aside = ""
        return self._show_card(guid)

    def look(self, guid: str) -> None:
        """Show a proposal's card, and its place on the map."""
        proposal = self._picked(guid)
        if proposal is not None and proposal.geometry:
            look_at(self._canvas, proposal.geometry)

    def _show_card(self, guid: str) -> Proposal | None:
        proposal = self._session.copy.proposal(guid) if self._session.copy is not None else None
        if proposal is not None:
            self.card.show_proposal(proposal)
        return proposal

    def _selected(self, layer: Any) -> None:
        """A feature of the copy was selected on the map: its card is shown, whatever ends in the background."""
        ours = [each.id() for group in self._session.layers().values() for each in group]
        if layer is not None and layer.id() in ours:
            selected = layer.selectedFeatures() if layer.selectedFeatureCount() == 1 else []
            self._aside = str(selected[0]["guid"]) if selected else ""
            if self._aside:
                self._show_card(self._aside)

    def _took_back(self, guid: str) -> None:
        if self.tabs.currentIndex() in (PLACING, CHECKING):
            (self.placing, self.checking)[self.tabs.currentIndex()].refresh(select=guid)

    def _search(self) -> None:
        index = self.tabs.currentIndex()
        if index in (PLACING, CHECKING):
            (self.placing, self.checking)[index].search.setFocus()


def _find() -> QKeySequence:
    return QKeySequence(QKeySequence.StandardKey.Find)
