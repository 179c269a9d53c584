"""Pushing: first what it would do, with what a person should look at, then what it did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from placecard.core.copyfile.mending import join, separate
from placecard.gui.icons import icon
from placecard.gui.lateness import while_there
from placecard.gui.outcomes import describe, group, headline, property_titles, tell_edit
from placecard.gui.wrapping import wrap_last

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placecard.core.errors import PlacecardError
    from placecard.core.pushing import Checked, Pushed
    from placecard.core.wire import Result
    from placecard.host.session import Session

SIZE = (680, 460)
TITLES = 280
"""Width of the column of titles."""

SPLITS = 4
"""Rows of what was split that are seen at once."""
GUID = Qt.ItemDataRole.UserRole
SIGNS = {"applied": "right", "merged": "right", "clash": "clash", "rejected": "none", "unchanged": "card"}


class PushDialog(QDialog):
    """Asks what the push would do as soon as it is made.

    `chosen` tells the guid of a line, `disputing` that clashes are to be solved, `undoing` the key of a push.
    """

    chosen = pyqtSignal(str)
    disputing = pyqtSignal()
    undoing = pyqtSignal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._titles: dict[str, str] = {}
        self._edits: dict[str, str] = {}
        self._keys: list[str] = []
        self._checked_once = False
        words = session.words
        self.setWindowTitle(words.say("push.title"))
        self.setWindowIcon(icon("push"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(*SIZE)
        self.told = QLabel(words.say("push.asking"))
        self.told.setWordWrap(True)
        self.warned = QLabel()
        self.warned.setWordWrap(True)
        self.warned.setTextFormat(Qt.TextFormat.PlainText)
        self.warned.setStyleSheet("background: #fff3d6; color: #5c4300; border: 1px solid #e0b84c; padding: 6px")
        self.tree = QTreeWidget()
        self.splits = QTreeWidget()
        self.progress = QProgressBar()
        self.push = QPushButton(icon("push"), words.say("push.push"))
        self.solve = QPushButton(icon("clash"), words.say("push.solve"))
        self.undo = QPushButton(icon("undo"), words.say("push.undo"))
        self.buttons = QDialogButtonBox()
        self._build()
        self._check()

    def _build(self) -> None:
        words = self._session.words
        self.tree.setHeaderLabels([words.say("changes.proposal"), words.say("push.outcome")])
        self.tree.setAlternatingRowColors(True)
        wrap_last(self.tree, TITLES)
        self.tree.currentItemChanged.connect(self._choose)
        self.splits.setHeaderLabels([words.say("push.split"), words.say("push.split.how")])
        self.splits.setRootIsDecorated(False)
        self.splits.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.splits.header().setStretchLastSection(False)
        self.splits.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.progress.setRange(0, 0)
        for button, role in (
            (self.push, QDialogButtonBox.ButtonRole.ActionRole),
            (self.solve, QDialogButtonBox.ButtonRole.ActionRole),
            (self.undo, QDialogButtonBox.ButtonRole.ActionRole),
        ):
            self.buttons.addButton(button, role)
        self.close_button = self.buttons.addButton(words.say("push.later"), QDialogButtonBox.ButtonRole.RejectRole)
        self.buttons.rejected.connect(self.reject)
        self.push.clicked.connect(lambda _=False: self._push() if self._checked_once else self._check())
        self.solve.clicked.connect(lambda _=False: self.disputing.emit())
        self.undo.clicked.connect(lambda _=False: self.undoing.emit(self._keys[0]))
        box = QVBoxLayout(self)
        for each in (self.told, self.warned, self.tree, self.splits, self.progress):
            box.addWidget(each, 1 if each is self.tree else 0)
        box.addWidget(self.buttons)
        self.push.setDefault(True)  # of this window: so not before it is in it
        self._session.checked.connect(self._checked)
        self._session.pushed.connect(self._pushed)
        self._session.failed.connect(self._failed)
        self._session.progressed.connect(self._progressed)

    def _check(self) -> None:
        self._checked_once = False
        self.told.setText(self._session.words.say("push.asking"))
        self._wait()
        if not self._session.check():
            self._stand_still(self._session.words.say("push.not_now"))

    def _wait(self) -> None:
        self.setFocus()  # of a button that cannot be used, it would go to the next one, and Enter would close
        self.progress.setRange(0, 0)
        self.progress.show()
        self.push.setEnabled(False)
        for each in (self.warned, self.splits, self.solve, self.undo):
            each.hide()

    def _checked(self, checked: Checked) -> None:
        words = self._session.words
        self._checked_once = True
        self._titles = {edit.guid: edit.title for edit in checked.edits}
        names = self._property_titles()
        self._edits = {edit.guid: tell_edit(words, edit, names) for edit in checked.edits}
        self.progress.hide()
        self.told.setText(headline(words, checked.results, done=False))
        warnings = [words.say(each.key, **each.data) for each in checked.warnings]
        if checked.mended.doubtful:
            warnings.insert(0, words.say("edit.doubtful"))
        self.warned.setText("\n".join(f"⚠ {text}" for text in warnings))
        self.warned.setVisible(bool(warnings))
        self._fill(checked.results, "would")
        self._fill_splits(checked.splits, checked.mended.doubtful)
        going = sum(not each.failed or each.status == "clash" for each in checked.results)
        self.push.setText(words.say("push.push_n", n=going) if going else words.say("push.push"))
        self.push.setEnabled(going > 0)
        self.push.setFocus()

    def _fill(self, results: Sequence[Result], tense: str) -> None:
        words, names = self._session.words, self._property_titles()
        self.tree.clear()
        for status, found in group(results).items():
            top = QTreeWidgetItem([words.say(f"push.status.{status}.{tense}", n=len(found)), ""])
            top.setIcon(0, icon(SIGNS[status]))
            self.tree.addTopLevelItem(top)
            top.setFirstColumnSpanned(True)
            for each in found:
                told = describe(words, each, names) or self._edits.get(each.guid, "")
                item = QTreeWidgetItem([self._titles.get(each.guid) or words.say("changes.untitled"), told])
                item.setToolTip(1, told)
                item.setData(0, GUID, each.guid)
                top.addChild(item)
            top.setExpanded(True)

    def _fill_splits(self, splits: Sequence[str], doubtful: Sequence[str]) -> None:
        words = self._session.words
        self.splits.clear()
        guids = list(dict.fromkeys([*doubtful, *splits]))
        for guid in guids:
            item = QTreeWidgetItem([self._titles.get(guid) or self._title(guid), ""])
            self.splits.addTopLevelItem(item)
            choice = QComboBox()
            if guid in doubtful:
                choice.addItem(words.say("push.split.ask"), None)
            choice.addItem(words.say("push.split.one"), join)
            choice.addItem(words.say("push.split.apart"), separate)
            choice.activated.connect(lambda _, guid=guid, choice=choice: self._decide(guid, choice.currentData()))
            self.splits.setItemWidget(item, 1, choice)
        rows = min(len(guids), SPLITS) * self.fontMetrics().height() * 2
        self.splits.setFixedHeight(rows + self.splits.header().sizeHint().height() + 4)
        self.splits.setVisible(bool(guids))

    def _decide(self, guid: str, how: Any) -> None:
        if how is not None:
            check = while_there(self, self._check)

            def act() -> None:
                self._session.write(lambda copy: how(copy, guid))
                check()

            self._session.when_free(act)

    def _title(self, guid: str) -> str:
        proposal = self._session.copy.proposal(guid) if self._session.copy is not None else None
        return proposal.title if proposal is not None else guid

    def _push(self) -> None:
        self._wait()
        self.told.setText(self._session.words.say("push.pushing"))
        if not self._session.push():
            self._stand_still(self._session.words.say("push.not_now"))

    def _pushed(self, pushed: Pushed) -> None:
        words = self._session.words
        self._keys = list(pushed.keys)
        self.progress.hide()
        self.told.setText(headline(words, pushed.results, done=True))
        self._fill(pushed.results, "done")
        self.push.hide()
        self.solve.setVisible(any(each.status == "clash" for each in pushed.results))
        self.undo.setVisible(bool(self._keys) and any(each.status in ("applied", "merged") for each in pushed.results))
        self.close_button.setText(words.say("connect.close"))
        self.close_button.setDefault(True)
        self.close_button.setFocus()

    def _failed(self, error: PlacecardError) -> None:
        self._stand_still(self._session.words.say(error.key, **error.data))

    def _stand_still(self, why: str) -> None:
        self.progress.hide()
        self.told.setText(why)
        self.push.setText(self._session.words.say("push.again"))
        self.push.setEnabled(True)
        self.push.setFocus()

    def _progressed(self, _: str, share: float) -> None:
        if self.progress.isVisible():
            self.progress.setRange(0, 1000)
            self.progress.setValue(int(share * 1000))

    def _choose(self, item: QTreeWidgetItem | None) -> None:
        guid = item.data(0, GUID) if item is not None else None
        if guid:
            self.chosen.emit(guid)

    def _property_titles(self) -> dict[str, str]:
        copy = self._session.copy
        return property_titles(copy.capabilities.properties if copy is not None else (), self._session.words.language)
