"""The edge around one card's work: a poisoned card is noted and never blocks the others."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sync_service.engine.gathering import Overtaken
from sync_service.errors import PlacecardError
from sync_service.log import note

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_service.engine.report import Report

log = logging.getLogger(__name__)


def work_safely(card_id: str, work: Callable[[], None], report: Report) -> str | None:
    """Do the work of one card; give the error's one line, or None when it was done or somebody was here first.

    What is wrong with the whole store or run (`PlacecardError`: disk full, a person needed) is raised on.
    """
    try:
        work()
    except Overtaken:
        return None
    except PlacecardError:
        raise
    except Exception as error:  # noqa: BLE001 - this is the edge: one card's content must not stop the others
        line = f"card {card_id}: {type(error).__name__}: {error}"
        note(log, "card.failed", level=logging.ERROR, error=True, card=card_id)
        report.errors.append(line)
        return line
    return None
