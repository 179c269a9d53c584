"""The list of proposals: two lines each, searched as one types, dragged onto the map, worked by single keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.PyQt.QtCore import QAbstractListModel, QMimeData, QModelIndex, QPoint, QRect, QSize, Qt, QTimer, pyqtSignal
from qgis.PyQt.QtGui import QColor, QDrag, QFontMetrics, QKeyEvent, QPainter, QPalette
from qgis.PyQt.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from placecard.core.stages import colour_of
from placecard.gui.icons import icon
from placecard.gui.keys import act_of, number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from placecard.core.copyfile.copy import Proposal

MIME = "application/x-placecard-proposal"
PROPOSAL = Qt.ItemDataRole.UserRole
NOTE = Qt.ItemDataRole.UserRole + 1
GAP = 6
_ROOT = QModelIndex()


class ProposalModel(QAbstractListModel):
    """The proposals of a list. `note` is the second line of one."""

    def __init__(self, note: Callable[[Proposal], str], parent: Any = None) -> None:
        super().__init__(parent)
        self._note = note
        self.proposals: list[Proposal] = []

    def show(self, proposals: Sequence[Proposal]) -> None:
        """These and no others. Nothing happens to a list that is the same: a hand may just be dragging one of it."""
        if list(proposals) == self.proposals:
            return
        self.beginResetModel()
        self.proposals = list(proposals)
        self.endResetModel()

    def guids(self) -> list[str]:
        """In the order of the list."""
        return [each.guid for each in self.proposals]

    def rowCount(self, parent: QModelIndex = _ROOT) -> int:  # noqa: N802 - Qt's name
        """How many there are."""
        return 0 if parent.isValid() else len(self.proposals)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What one shows; `PROPOSAL` is the proposal itself."""
        proposal = self.proposals[index.row()]
        if role == PROPOSAL:
            return proposal
        if role == NOTE:
            return self._note(proposal)
        texts: dict[int, str] = {
            Qt.ItemDataRole.DisplayRole: proposal.title,
            Qt.ItemDataRole.ToolTipRole: proposal.title,
        }
        return texts.get(role)

    def flags(self, index: QModelIndex) -> Any:
        """Each can be selected and dragged."""
        return super().flags(index) | Qt.ItemFlag.ItemIsDragEnabled

    def mimeTypes(self) -> list[str]:  # noqa: N802 - Qt's name
        """What is dragged: the guid of a proposal."""
        return [MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:  # noqa: N802 - Qt's name
        """The guid of the first."""
        data = QMimeData()
        if indexes:
            data.setData(MIME, self.proposals[indexes[0].row()].guid.encode())
        return data


class ProposalDelegate(QStyledItemDelegate):
    """Draws the title, the note below it, and a bar in the colour of the stage."""

    def sizeHint(self, option: Any, _index: QModelIndex) -> QSize:  # noqa: N802 - Qt's name
        """Two lines and a little air."""
        line = QFontMetrics(option.font).height()
        return QSize(120, 2 * line + 2 * GAP)

    def paint(self, painter: QPainter, option: Any, index: QModelIndex) -> None:
        """One proposal."""
        option = QStyleOptionViewItem(option)
        self.initStyleOption(option, index)
        option.text = ""
        style = option.widget.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        proposal = index.data(PROPOSAL)
        painter.save()
        bar = QRect(option.rect.left() + 2, option.rect.top() + 4, 4, option.rect.height() - 8)
        painter.fillRect(bar, QColor(colour_of(proposal.stage)))
        self._write(painter, option, proposal.title, index.data(NOTE) or "")
        painter.restore()

    def _write(self, painter: QPainter, option: Any, title: str, note: str) -> None:
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        role = QPalette.ColorRole.HighlightedText if chosen else QPalette.ColorRole.Text
        box = option.rect.adjusted(6 + GAP, GAP - 1, -GAP, -GAP)
        font = option.font
        metrics = QFontMetrics(font)
        upper = QRect(box.left(), box.top(), box.width(), metrics.height())
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(option.palette.color(role))
        fitted = QFontMetrics(font).elidedText(title, Qt.TextElideMode.ElideRight, upper.width())
        painter.drawText(upper, Qt.AlignmentFlag.AlignVCenter, fitted)
        font.setBold(False)
        painter.setFont(font)
        colour = option.palette.color(role)
        colour.setAlpha(210 if chosen else 150)
        painter.setPen(colour)
        lower = upper.translated(0, metrics.height() + 2)
        painter.drawText(
            lower, Qt.AlignmentFlag.AlignVCenter, metrics.elidedText(note, Qt.TextElideMode.ElideRight, lower.width())
        )


class ProposalList(QListView):
    """The list itself. `acted` tells an act by its key, `numbered` a digit, `dragged` that a drag is over."""

    acted = pyqtSignal(str)
    numbered = pyqtSignal(int)
    chosen = pyqtSignal(object)
    dragged = pyqtSignal()

    def __init__(self, note: Callable[[Proposal], str], parent: Any = None) -> None:
        super().__init__(parent)
        self.setModel(ProposalModel(note, self))
        self.setItemDelegate(ProposalDelegate(self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setDragEnabled(True)
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setAlternatingRowColors(True)
        self.selectionModel().currentChanged.connect(lambda *_: self.chosen.emit(self.proposal()))

    def proposal(self) -> Proposal | None:
        """The selected one."""
        index = self.currentIndex()
        return index.data(PROPOSAL) if index.isValid() else None

    def show_proposals(self, proposals: Sequence[Proposal], select: str | None) -> None:
        """These, with this one selected if it is there."""
        model = self.model()
        model.show(proposals)
        guids = model.guids()
        if select in guids:
            self.setCurrentIndex(model.index(guids.index(select)))
            self.scrollTo(self.currentIndex())
        self.chosen.emit(self.proposal())

    def startDrag(self, _actions: Any) -> None:  # noqa: N802 - Qt's name
        """Drag with a pin whose tip is at the pointer."""
        index = self.currentIndex()
        if not index.isValid():
            return
        drag = QDrag(self)
        drag.setMimeData(self.model().mimeData([index]))
        drag.setPixmap(icon("point").pixmap(QSize(32, 32)))
        drag.setHotSpot(QPoint(16, 28))
        drag.exec(Qt.DropAction.CopyAction)
        QTimer.singleShot(0, self.dragged.emit)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Single keys act; the others move in the list."""
        if event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier):
            act, number = act_of(event.text()), number_of(event.text())
            if act:
                self.acted.emit(act)
                return
            if number:
                self.numbered.emit(number)
                return
        super().keyPressEvent(event)
