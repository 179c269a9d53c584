"""What all algorithms have in common: a working copy, the service it is of, and what a person may be told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, ClassVar

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFile,
    QgsProject,
)

from placecard.core.copyfile.copy import WorkingCopy
from placecard.core.errors import PlacecardError
from placecard.core.service import Service
from placecard.host import layers, signin
from placecard.host.memory import recall
from placecard.host.network import QgisTransport
from placecard.host.transform import CRS

if TYPE_CHECKING:
    from placecard.core.words import Words

COPY = "COPY"


class Algorithm(QgsProcessingAlgorithm):  # type: ignore[misc]  # QGIS has no types
    """An algorithm over a working copy. Its texts are `processing.<key>` and `processing.<key>.help`."""

    key: ClassVar[str]
    online: ClassVar[bool] = False
    """Whether it asks the service: then a person must be signed in before it starts."""
    writes: ClassVar[bool] = True
    """Whether it writes to the copy: then none of its layers may be being edited."""

    def __init__(self, words: Words, settled: Callable[[], None]) -> None:
        super().__init__()
        self.words, self._settled = words, settled
        self._path: Path | None = None

    def createInstance(self) -> Algorithm:  # noqa: N802 - QGIS's name
        """Another one."""
        return type(self)(self.words, self._settled)

    def name(self) -> str:
        """As `qgis_process` calls it."""
        return self.key

    def displayName(self) -> str:  # noqa: N802 - QGIS's name
        """As people call it."""
        return self.say(self.key)

    def shortHelpString(self) -> str:  # noqa: N802 - QGIS's name
        """What it does."""
        return self.say(f"{self.key}.help")

    def say(self, key: str, **data: Any) -> str:
        """A text of the algorithms."""
        return self.words.say(f"processing.{key}", **data)

    def initAlgorithm(self, _configuration: dict[str, Any] | None = None) -> None:  # noqa: N802 - QGIS's name
        """Name the parameters: the copy first, then those of the algorithm."""
        known = recall(QgsProject.instance())
        self.addParameter(
            QgsProcessingParameterFile(
                COPY,
                self.say("copy"),
                fileFilter="GeoPackage (*.gpkg)",
                defaultValue=str(known) if known is not None else None,
            )
        )
        for parameter in self.parameters():
            self.addParameter(parameter)

    def parameters(self) -> list[QgsProcessingParameterDefinition]:
        """What else it is told."""
        raise NotImplementedError

    def prepareAlgorithm(  # noqa: N802 - QGIS's name
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """In the GUI thread: nothing may be being edited, and whoever must sign in does."""
        self._path = Path(self.parameterAsFile(parameters, COPY, context))
        try:
            self.prepare(self._path, parameters, context)
        except PlacecardError as error:
            feedback.reportError(self.words.say(error.key, **error.data), True)
            return False
        edited = layers.being_edited(QgsProject.instance(), self._path) if self.writes else []
        if edited:
            names = ", ".join(layer.name() for layer in edited)
            feedback.reportError(self.words.say("session.editing", layers=names), True)
        return not edited

    def prepare(self, path: Path, _parameters: dict[str, Any], _context: QgsProcessingContext) -> None:
        """What has to be ready before: a copy, and the sign-in where the service is asked."""
        facts = WorkingCopy.open(path).facts
        if self.online:
            signin.ask_first(facts.authcfg, facts.address)

    def processAlgorithm(  # noqa: N802 - QGIS's name
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """In a thread of its own; what goes wrong is told in a person's words."""
        try:
            return self.work(parameters, context, feedback)
        except PlacecardError as error:
            raise QgsProcessingException(self.words.say(error.key, **error.data)) from error

    def work(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Do it; the outputs."""
        raise NotImplementedError

    def postProcessAlgorithm(  # noqa: N802 - QGIS's name
        self, _context: QgsProcessingContext, _feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """In the GUI thread again: what shows the copy reads it anew."""
        if self.writes and self._path is not None:
            layers.refresh(QgsProject.instance(), self._path)
            self._settled()
        return {}

    def copy(self, parameters: dict[str, Any], context: QgsProcessingContext) -> WorkingCopy:
        """The working copy. NotACopy."""
        return WorkingCopy.open(Path(self.parameterAsFile(parameters, COPY, context)))

    def service(self, copy: WorkingCopy, feedback: QgsProcessingFeedback) -> Service:
        """The service that a copy is of; the algorithm's own stop ends its waiting."""
        facts = copy.facts
        return Service(QgisTransport(facts.authcfg, feedback), facts.address, self.words.language)


def crs84() -> QgsCoordinateReferenceSystem:
    """The coordinate system of everything that a copy keeps."""
    return QgsCoordinateReferenceSystem(CRS)
