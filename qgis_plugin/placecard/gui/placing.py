"""The tab of proposals that wait for a place: the main daily work. Thirty proposals take thirty drags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.PyQt.QtCore import QSize, Qt
from qgis.PyQt.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from placecard.gui import keys
from placecard.gui.icons import icon
from placecard.gui.lists import ProposalList
from placecard.gui.order import following

if TYPE_CHECKING:
    from placecard.core.copyfile.copy import Proposal
    from placecard.gui.placer import Placer
    from placecard.host.session import Session

ACTS = (keys.POINT, keys.LINE, keys.AREA, keys.TAKE, keys.CITYWIDE, keys.DISTRICT, keys.NOWHERE)
DRAWN = (keys.POINT, keys.LINE, keys.AREA, keys.TAKE)


class Buttons(QWidget):
    """A button for each act, with its key: two rows, the shapes above what is said instead of one."""

    def __init__(self, session: Session, placer: Placer, acts: tuple[str, ...]) -> None:
        super().__init__()
        words = session.words
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(2)
        self.buttons: dict[str, QToolButton] = {}
        for row in ([act for act in acts if act in DRAWN], [act for act in acts if act not in DRAWN]):
            line = QHBoxLayout()
            line.setSpacing(0)
            for act in row:
                button = QToolButton()
                button.setText(words.say(f"act.{act}") + f" {keys.cap(act)}")
                button.setToolTip(words.say(f"act.{act}.tip") + f" ({keys.cap(act)})")
                button.setIcon(icon({keys.CITYWIDE: "citywide"}.get(act, act)))
                button.setIconSize(QSize(16, 16))  # two more, and the Russian names would not fit beside each other
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
                button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
                button.setAutoRaise(True)
                button.setCheckable(act in DRAWN)
                button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
                button.clicked.connect(lambda _=False, act=act: placer.act(act))
                line.addWidget(button)
                self.buttons[act] = button
            box.addLayout(line)
        placer.armed.connect(self._mark)

    def _mark(self, armed: str) -> None:
        for act, button in self.buttons.items():
            if button.isCheckable():
                button.setChecked(act == armed)


class ListTab(QWidget):
    """A search, a list, what can be done with one of it, and what was done last."""

    kind = ""
    """Of `WorkingCopy.proposals`."""

    def __init__(self, session: Session, placer: Placer) -> None:
        super().__init__()
        self.session = session
        self.placer = placer
        self.search = QLineEdit()
        self.search.setClearButtonEnabled(True)
        self.search.setPlaceholderText(session.words.say("list.search"))
        self.search.textChanged.connect(lambda _: self.refresh())
        self.search.returnPressed.connect(self.enter_list)
        self.list = ProposalList(self.note)
        self.list.acted.connect(self.act)
        self.list.numbered.connect(placer.accept)
        self.list.dragged.connect(placer.deliver)
        self.empty = QLabel(session.words.say(f"{self.kind}.empty"))
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.empty.setEnabled(False)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(3, 6, 3, 4)
        self._layout.addWidget(self.search)
        self._layout.addWidget(self.list, 1)
        self._layout.addWidget(self.empty, 1)

    def note(self, proposal: Proposal) -> str:
        """The second line of a proposal."""
        where = " · ".join(part for part in (proposal.address, proposal.district) if part)
        return where or proposal.text.strip().partition("\n")[0]

    def act(self, name: str) -> None:
        """An act by its key, on the selected proposal."""
        self.placer.act(name)

    def enter_list(self) -> None:
        """From the search into the list."""
        self.list.setFocus()
        if self.list.proposal() is None and self.list.model().rowCount():
            self.list.setCurrentIndex(self.list.model().index(0))

    def refresh(self, select: str | None = None) -> int:
        """Read the list anew; the selection goes on to the next if what was selected is gone. How many there are."""
        copy = self.session.copy
        found = copy.proposals(self.kind, self.search.text().strip()) if copy is not None else []
        before, current = self.list.model().guids(), self.list.proposal()
        now = [each.guid for each in found]
        wanted = select if select in now else current.guid if current and current.guid in now else None
        if wanted is None:
            wanted = following(before, now, current.guid if current else "")
        self.list.show_proposals(found, wanted)
        self.list.setVisible(bool(found))
        self.empty.setVisible(not found)
        return len(found)


class PlacingTab(ListTab):
    """Approved proposals without a place."""

    kind = "unplaced"

    def __init__(self, session: Session, placer: Placer) -> None:
        super().__init__(session, placer)
        self.pins = Suggestions(session, placer)
        self._layout.addWidget(self.pins)
        self._layout.addWidget(Buttons(session, placer, ACTS))


class Suggestions(QWidget):
    """The geocoder's suggestions by their number, as on the map, or why there are none."""

    def __init__(self, session: Session, placer: Placer) -> None:
        super().__init__()
        self._placer = placer
        self._words = session.words
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(1)
        placer.suggested.connect(self.show_suggestions)
        self.hide()

    def show_suggestions(self, found: list[Any], why: str) -> None:
        """A line for each; without any, why, and nothing at all before that is known."""
        while self._box.count():
            self._box.takeAt(0).widget().deleteLater()
        for number, each in enumerate(found, start=1):
            button = QToolButton()
            button.setIcon(icon("suggestion"))
            button.setText(f"{number}  {each['label']}")
            button.setToolTip(self._words.say("placing.accept", label=each["label"], source=each.get("source") or ""))
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            button.setAutoRaise(True)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.clicked.connect(lambda _=False, number=number: self._placer.accept(number))
            self._box.addWidget(button)
        if why and not found:
            self._box.addWidget(_quiet(why))
        self.setVisible(bool(found or why))


def _quiet(text: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setStyleSheet("color: gray")
    return label
