"""Trees whose last column tells something in whole sentences: all of it can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.PyQt.QtCore import QModelIndex, QRect, QSize, Qt
from qgis.PyQt.QtGui import QFontMetrics
from qgis.PyQt.QtWidgets import QHeaderView, QStyledItemDelegate

if TYPE_CHECKING:
    from qgis.PyQt.QtWidgets import QTreeWidget

MARGIN = 8
"""Pixels beside a text, both sides together."""
_TALL = 10_000


class _Lines(QStyledItemDelegate):
    """As high as the text is in a column of this width: a tree asks for one line only."""

    def __init__(self, tree: QTreeWidget, column: int) -> None:
        super().__init__(tree)
        self._tree, self._column = tree, column

    def sizeHint(self, option: Any, index: QModelIndex) -> QSize:  # noqa: N802 - Qt's name
        """The height that all lines want."""
        size = super().sizeHint(option, index)
        room = QRect(0, 0, self._tree.columnWidth(self._column) - MARGIN, _TALL)
        text = str(index.data() or "")
        lines = QFontMetrics(option.font).boundingRect(room, Qt.TextFlag.TextWordWrap, text)
        return QSize(size.width(), max(size.height(), lines.height() + 2))


def wrap_last(tree: QTreeWidget, first: int) -> None:
    """Wrap the texts of the last column, which takes the room there is; the first is `first` pixels wide."""
    column = tree.columnCount() - 1
    tree.setWordWrap(True)
    tree.setItemDelegateForColumn(column, _Lines(tree, column))
    tree.header().resizeSection(0, first)
    tree.header().setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
    tree.header().sectionResized.connect(lambda *_: tree.scheduleDelayedItemsLayout())
