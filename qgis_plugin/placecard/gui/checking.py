"""The tab of places that somebody should look at: right as they are, or to be moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qgis.core import QgsCoordinateTransform, QgsProject
from qgis.PyQt.QtCore import QSize, Qt
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QSizePolicy, QToolButton

from placecard.gui import keys, preferences
from placecard.gui.choices import value_text
from placecard.gui.icons import icon
from placecard.gui.placer import Placer, shape_of
from placecard.gui.placing import ACTS, Buttons, ListTab

if TYPE_CHECKING:
    from typing import Any

    from placecard.core.copyfile.copy import Proposal
    from placecard.host.session import Session

AIR = 1.6
"""How much more than the place itself the map shows."""


class CheckingTab(ListTab):
    """Places to check, with the reason."""

    kind = "check"

    def __init__(self, session: Session, placer: Placer, iface: Any) -> None:
        super().__init__(session, placer)
        self._canvas = iface.mapCanvas()
        right = QToolButton()
        right.setIcon(icon("right"))
        right.setIconSize(QSize(18, 18))
        right.setText(session.words.say("act.right") + f"  {keys.cap(keys.RIGHT)}")
        right.setToolTip(session.words.say("act.right.tip"))
        right.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        right.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        right.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        right.clicked.connect(lambda _=False: placer.right())
        self._layout.addWidget(right)
        self._layout.addWidget(Buttons(session, placer, ACTS))
        self.list.chosen.connect(self._look)

    def note(self, proposal: Proposal) -> str:
        """Why it is to be checked."""
        reason = value_text(self.session.words, "place_check", proposal.place_check)
        return " · ".join(part for part in (reason, proposal.address) if part)

    def act(self, name: str) -> None:
        """One act more than for the unplaced: it is right."""
        if name == keys.RIGHT:
            self.placer.right()
        else:
            super().act(name)

    def _look(self, proposal: Proposal | None) -> None:
        if proposal is None or not proposal.geometry or not self.isVisible():
            return
        look_at(self._canvas, proposal.geometry, move=preferences.zooming())


def look_at(canvas: Any, wkb: bytes, *, move: bool = True) -> None:
    """Show a place (WKB, CRS84) on the map, and let it flash."""
    shape = shape_of(wkb)
    crs = canvas.mapSettings().destinationCrs()
    from_copy = QgsCoordinateTransform(Placer.crs84(), crs, QgsProject.instance())
    shape.transform(from_copy)
    box = shape.boundingBox()
    if move and not canvas.extent().contains(box):
        if box.width() == 0 and box.height() == 0:
            canvas.setCenter(box.center())
        else:
            box.scale(AIR)
            canvas.setExtent(box)
        canvas.refresh()
    colour, clear = QColor(194, 94, 0), QColor(194, 94, 0, 0)
    canvas.flashGeometries([shape], crs, colour, clear, 3, 400)
