"""What a project keeps of a copy: found again when it is reopened, here or moved elsewhere, and for expressions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qgis.core import QgsExpressionContextUtils

from placecard.host.layers import copies_in

if TYPE_CHECKING:
    from qgis.core import QgsProject

    from placecard.core.copyfile.copy import Facts

SCOPE, COPY = "placecard", "copy"
VARIABLES = ("placecard_service", "placecard_copy", "placecard_language")
"""Project variables for the user's expressions, layouts and macros."""


def remember(project: QgsProject, path: Path, facts: Facts) -> None:
    """Keep in the project which copy it works with. A project that knows it already is not made dirty."""
    values = dict(zip(VARIABLES, (facts.address, str(path), facts.language)))
    known = QgsExpressionContextUtils.projectScope(project)
    if _entry(project) != path:
        project.writeEntry(SCOPE, COPY, project.writePath(str(path)))
    for name, value in values.items():
        if known.variable(name) != value:
            QgsExpressionContextUtils.setProjectVariable(project, name, value)


def recall(project: QgsProject) -> Path | None:
    """The copy a project works with; that of its layers, if it was moved with them. It may be there no longer."""
    kept = _entry(project)
    if kept is not None and kept.exists():
        return kept
    return next((path for path in copies_in(project) if path.exists()), kept)


def forget(project: QgsProject) -> None:
    """The project works with no copy any more."""
    project.removeEntry(SCOPE, COPY)
    for name in VARIABLES:
        QgsExpressionContextUtils.removeProjectVariable(project, name)


def _entry(project: QgsProject) -> Path | None:
    kept, there = project.readEntry(SCOPE, COPY)
    return Path(project.readPath(kept)) if there and kept else None
