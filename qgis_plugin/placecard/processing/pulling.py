"""Pull: a copy follows its service, or is made by its first pull."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsProcessingOutputNumber,
    QgsProcessingParameterAuthConfig,
    QgsProcessingParameterString,
)

from placecard.core.copyfile.copy import WorkingCopy
from placecard.core.errors import NetworkFolder
from placecard.core.pulling import pull
from placecard.core.service import Service
from placecard.host import folders, signin
from placecard.host.network import QgisTransport
from placecard.processing.algorithm import COPY, Algorithm

if TYPE_CHECKING:
    from qgis.core import QgsProcessingContext, QgsProcessingFeedback, QgsProcessingParameterDefinition

ADDRESS, SIGN_IN = "ADDRESS", "SIGN_IN"
OUTPUTS = ("TAKEN", "REMOVED", "HELD")


class Pull(Algorithm):
    """Have what changed at the service."""

    key = "pull"
    online = True

    def parameters(self) -> list[QgsProcessingParameterDefinition]:
        """The service's address and the sign-in, for a copy that is not there yet."""
        for name in OUTPUTS:
            self.addOutput(QgsProcessingOutputNumber(name, self.say(f"pull.{name.lower()}")))
        return [
            QgsProcessingParameterString(ADDRESS, self.say("address"), optional=True),
            QgsProcessingParameterAuthConfig(SIGN_IN, self.say("sign_in"), optional=True),
        ]

    def prepare(self, path: Path, parameters: dict[str, Any], context: QgsProcessingContext) -> None:
        """A copy that is there, or an address to make one from, in a folder of this machine."""
        address = self.parameterAsString(parameters, ADDRESS, context)
        if path.exists() or not address:
            super().prepare(path, parameters, context)
            return
        if folders.is_network(path):
            raise NetworkFolder(path=str(path))
        signin.ask_first(self.parameterAsString(parameters, SIGN_IN, context), address)

    def work(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Pull."""
        copy, service = self._both(parameters, context, feedback)

        def progress(share: float, key: str) -> None:
            feedback.setProgress(share * 100)
            feedback.setProgressText(self.words.say(key))

        came = pull(service, copy, progress, feedback.isCanceled)
        return dict(zip(OUTPUTS, (came.taken, came.removed, came.held)))

    def _both(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> tuple[WorkingCopy, Service]:
        path = Path(self.parameterAsFile(parameters, COPY, context))
        if path.exists():
            copy = WorkingCopy.open(path)
            return copy, self.service(copy, feedback)
        address = self.parameterAsString(parameters, ADDRESS, context)
        authcfg = self.parameterAsString(parameters, SIGN_IN, context)
        service = Service(QgisTransport(authcfg, feedback), address, self.words.language)
        language = self.words.language
        copy = WorkingCopy.create(path, service.capabilities(), service.address, language, authcfg=authcfg)
        return copy, service
