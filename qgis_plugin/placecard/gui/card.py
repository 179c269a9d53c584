"""The card of the selected proposal: what it says, its comments and history, and what may be done with it from here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from qgis.core import Qgis
from qgis.PyQt.QtCore import QSize, Qt, QTimer, QUrl
from qgis.PyQt.QtGui import QDesktopServices
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QTextBrowser,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from placecard.gui import keys
from placecard.gui.icons import icon
from placecard.gui.lateness import while_there
from placecard.gui.outcomes import property_titles
from placecard.gui.telling import page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from placecard.core.copyfile.copy import Proposal
    from placecard.core.errors import PlacecardError
    from placecard.host.session import Session

PAUSE_MS = 400
MODERATE = "moderate"
COMMENT, SUGGEST, RETURN = "comment", "suggest", "return"


class CardPanel(QWidget):
    """Shows one proposal. Its text is the copy's, at once; comments and history follow when the service answers."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._proposal: Proposal | None = None
        self._card: Mapping[str, Any] | None = None
        self._sent: dict[str, list[str]] = {}
        self._on_its_way: set[tuple[str, str, str | None]] = set()
        self.text = QTextBrowser()
        self.text.setOpenLinks(False)
        self.text.setFrameShape(QTextBrowser.Shape.NoFrame)
        self.act = QComboBox()
        self.field = QComboBox()
        self.said = QLineEdit()
        self.send = QPushButton(session.words.say("card.send"))
        self.approve = QPushButton(session.words.say("card.approve"))
        self.browser = QToolButton()
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self._ask)
        self._build()
        session.changed.connect(self._allow)
        self.show_proposal(None)

    def _build(self) -> None:
        words = self._session.words
        self.browser.setIcon(icon("browser"))
        self.browser.setIconSize(QSize(18, 18))
        self.browser.setText(words.say("card.open"))
        self.browser.setToolTip(f"{words.say('card.open')} ({keys.cap(keys.BROWSER)})")
        self.browser.setAutoRaise(True)
        self.browser.clicked.connect(lambda _=False: self.open_browser())
        self.approve.setIcon(icon("right"))
        self.approve.clicked.connect(lambda _=False: self._do("approve", None))
        for each in (COMMENT, SUGGEST, RETURN):
            self.act.addItem(words.say(f"card.act.{each}"), each)
        self.act.currentIndexChanged.connect(lambda _: self._allow())
        self.said.textChanged.connect(lambda _: self._allow())
        self.said.returnPressed.connect(self._send)
        self.send.clicked.connect(lambda _=False: self._send())
        upper, lower = QHBoxLayout(), QHBoxLayout()
        upper.addWidget(self.act)
        upper.addStretch(1)
        upper.addWidget(self.approve)
        upper.addWidget(self.browser)
        lower.addWidget(self.field)
        lower.addWidget(self.said, 1)
        lower.addWidget(self.send)
        box = QVBoxLayout(self)
        box.setContentsMargins(4, 2, 4, 4)
        box.setSpacing(3)
        box.addWidget(self.text, 1)
        box.addLayout(upper)
        box.addLayout(lower)

    def show_proposal(self, proposal: Proposal | None) -> None:
        """This one, or nothing."""
        same = proposal is not None and self._proposal is not None and proposal.guid == self._proposal.guid
        self._proposal = proposal
        if not same:
            self._card = None
            self._pause.stop()
            if proposal is not None and self._session.capabilities is not None:
                self._pause.start()
        self._draw()
        self._allow()

    def open_browser(self) -> None:
        """The card itself, on its board."""
        if self._proposal is not None and self._proposal.card_url:
            QDesktopServices.openUrl(QUrl(self._proposal.card_url))

    def _draw(self) -> None:
        words = self._session.words
        if self._proposal is None:
            self.text.setHtml(f'<p style="color:gray">{words.say("card.none")}</p>')
            return
        properties = self._session.capabilities.properties if self._session.capabilities else ()
        titles = property_titles(properties, words.language)
        place = self.text.verticalScrollBar().value()
        sent = self._sent.get(self._proposal.guid, [])
        self.text.setHtml(page(words, self._proposal, self._card, titles, sent))
        self.text.verticalScrollBar().setValue(place)

    def _ask(self) -> None:
        proposal = self._proposal
        if proposal is None:
            return
        guid = proposal.guid

        def done(card: Mapping[str, Any]) -> None:
            if self._proposal is not None and self._proposal.guid == guid:
                self._card = card
                self._draw()

        # Offline the card is what the copy has of it.
        title = self._session.words.say("card.reading")
        self._session.ask(title, lambda service: service.card(guid), while_there(self, done), lambda _: None)

    def _allow(self) -> None:
        """What can be done now."""
        proposal, me = self._proposal, self._session.me
        online = self._session.capabilities is not None and me is not None
        may = set(me["may"]) if me else set()
        act = self.act.currentData()
        self.browser.setEnabled(proposal is not None and bool(proposal.card_url))
        reviewed = proposal is not None and proposal.stage in ("proposed", "review")
        approving = me is not None and reviewed and MODERATE in may
        self.approve.setVisible(approving)
        self.approve.setEnabled(online)
        # Both with their words do not fit beside each other.
        alone, named = Qt.ToolButtonStyle.ToolButtonIconOnly, Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        self.browser.setToolButtonStyle(alone if approving else named)
        for widget in (self.act, self.field, self.said):
            widget.setEnabled(online and proposal is not None)
        self.field.setVisible(act == SUGGEST)
        if act == SUGGEST and not self.field.count():
            self._fill_fields()
        self.said.setPlaceholderText(self._session.words.say(f"card.act.{act}.say"))
        self.send.setEnabled(online and proposal is not None and bool(self.said.text().strip()))

    def _fill_fields(self) -> None:
        for each in self._session.capabilities.properties if self._session.capabilities else ():
            if each.name in SUGGESTED:
                self.field.addItem(each.titles.get(self._session.words.language, each.name), each.name)

    def _send(self) -> None:
        said = self.said.text().strip()
        if not said or not self.send.isEnabled():
            return
        act = self.act.currentData()
        self._do(act, f"{self.field.currentText()}: {said}" if act == SUGGEST else said)

    def _do(self, act: str, reason: str | None) -> None:
        proposal, words = self._proposal, self._session.words
        if proposal is None:
            return
        guid, key, session, typed = proposal.guid, str(uuid4()), self._session, self.said.text()
        what = guid, act, reason
        if what in self._on_its_way:
            return  # whoever presses Enter twice says it once
        self._on_its_way.add(what)

        def failed(error: PlacecardError) -> None:
            self._on_its_way.discard(what)
            session.tell(error)

        def done(_: Any) -> None:
            self._on_its_way.discard(what)
            if reason is not None and self.said.text() == typed:
                self.said.clear()
            if act in (COMMENT, SUGGEST) and reason:
                self._sent.setdefault(guid, []).append(reason)  # the board hears of it in a moment
                self._draw()
            session.told.emit(words.say(f"card.done.{act}", title=proposal.title), int(Qgis.MessageLevel.Success))
            self._ask()

        session.ask(
            words.say("card.sending"),
            lambda service: service.act(guid, act, reason, key=key),
            while_there(self, done),
            while_there(self, failed, session.tell),
        )


SUGGESTED = ("title", "description", "direction", "partner", "start", "due", "responsible")
"""What the board owns and a person on the map may want otherwise."""
