"""The QGIS plugin Placecard: proposals of a kanban board placed on the map and edited there, on-line and off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from placecard.plugin import Plugin


def classFactory(iface: Any) -> Plugin:  # noqa: N802 - QGIS's name
    """What QGIS calls to have the plugin."""
    from placecard.plugin import Plugin  # noqa: PLC0415 - the core is used where QGIS is not

    return Plugin(iface)
