"""Proposals by year: a proposal is shown in the year that it is to be done by; the controller steps through them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.core import Qgis, QgsDateTimeRange, QgsInterval
from qgis.PyQt.QtCore import QDate, QDateTime, Qt, QTime

if TYPE_CHECKING:
    from collections.abc import Collection

    from qgis.core import QgsProject, QgsVectorLayer

START = 'make_datetime("horizon", 1, 1, 0, 0, 0)'
END = 'make_datetime("horizon", 12, 31, 23, 59, 59)'


def set_layer(layer: QgsVectorLayer) -> None:
    """Show each feature of a layer in the year of its horizon; those without one whenever time does not matter."""
    times = layer.temporalProperties()
    times.setMode(Qgis.VectorTemporalMode.FeatureDateTimeStartAndEndFromExpressions)
    times.setStartExpression(START)
    times.setEndExpression(END)
    times.setIsActive(True)


def set_controller(project: QgsProject, controller: Any, years: Collection[int]) -> None:
    """One frame a horizon, from the first year to the last. Time begins to matter when a person says so there."""
    frames = [year_range(year) for year in sorted(years)]
    whole = QgsDateTimeRange(frames[0].begin(), frames[-1].end())
    project.timeSettings().setTemporalRange(whole)
    controller.setAvailableTemporalRanges(frames)
    controller.setTemporalExtents(whole)
    controller.setFrameDuration(QgsInterval(1, Qgis.TemporalUnit.IrregularStep))


def year_range(year: int) -> QgsDateTimeRange:
    """The whole of a year."""
    first = QDateTime(QDate(year, 1, 1), QTime(0, 0), Qt.TimeSpec.UTC)
    last = QDateTime(QDate(year, 12, 31), QTime(23, 59, 59), Qt.TimeSpec.UTC)
    return QgsDateTimeRange(first, last)
