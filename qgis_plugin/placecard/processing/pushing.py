"""Push: what was edited goes to the service, or only what that would do is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.core import QgsProcessingOutputNumber, QgsProcessingParameterBoolean

from placecard.core.pulling import pull
from placecard.core.pushing import check, push
from placecard.processing.algorithm import Algorithm

if TYPE_CHECKING:
    from qgis.core import QgsProcessingContext, QgsProcessingFeedback, QgsProcessingParameterDefinition

CHECK_ONLY = "CHECK_ONLY"
OUTPUTS = ("APPLIED", "CLASHES", "REJECTED")
GOOD = ("applied", "merged", "unchanged")


class Push(Algorithm):
    """Send what was edited."""

    key = "push"
    online = True

    def parameters(self) -> list[QgsProcessingParameterDefinition]:
        """Whether it is only tried."""
        for name in OUTPUTS:
            self.addOutput(QgsProcessingOutputNumber(name, self.say(f"push.{name.lower()}")))
        return [QgsProcessingParameterBoolean(CHECK_ONLY, self.say("push.check_only"), defaultValue=False)]

    def work(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Push, then pull; or check."""
        copy = self.copy(parameters, context)
        service = self.service(copy, feedback)

        def progress(share: float, key: str) -> None:
            feedback.setProgress(share * 100)
            feedback.setProgressText(self.words.say(key))

        if self.parameterAsBoolean(parameters, CHECK_ONLY, context):
            checked = check(service, copy, None, progress, feedback.isCanceled)
            results = checked.results
            for warning in checked.warnings:
                feedback.pushWarning(self.words.say(warning.key, **warning.data))
        else:
            results = push(service, copy, progress, feedback.isCanceled).results
            pull(service, copy, progress, feedback.isCanceled)
        for result in results:
            if result.failed:
                feedback.pushWarning(f"{result.guid}: {result.message or result.status}")
        told = [result.status for result in results]
        applied = sum(told.count(status) for status in GOOD)
        return dict(zip(OUTPUTS, (applied, told.count("clash"), told.count("rejected"))))
