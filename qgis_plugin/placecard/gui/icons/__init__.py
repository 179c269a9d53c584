"""The pictures of the plugin, drawn for it: they read on light and dark themes alike."""

from __future__ import annotations

from pathlib import Path

from qgis.PyQt.QtGui import QIcon

FOLDER = Path(__file__).parent


def icon(name: str) -> QIcon:
    """The picture of this name."""
    return QIcon(str(FOLDER / f"{name}.svg"))
