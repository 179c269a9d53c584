"""Where a proposal may be, as a document: offered, and never written by itself."""

from __future__ import annotations

import logging
import math
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import shapely

from sync_service.errors import BadRequest, NotFound, TooMany, Unavailable
from sync_service.exchange.copying import row_document
from sync_service.log import note
from sync_service.places.providers import GeocoderDown, Trouble
from sync_service.store.feed import row_with
from sync_service.words import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sync_service.exchange.copying import Reading
    from sync_service.places.suggestion import Suggester, Suggestion
    from sync_service.words import Language

log = logging.getLogger(__name__)

LONGEST = 400
"""Characters of a text that is looked up."""
_SAY_WHERE = ("address", "title")
"""Properties that say where a proposal is: the first that has a value."""


def asked_text(text: str) -> str:
    """The text given. BadRequest unless it says something, shortly."""
    if not text.strip() or len(text) > LONGEST:
        raise BadRequest("text", "suggestion_text", limit=LONGEST)
    return text.strip()


def text_of(reading: Reading, guid: str) -> str | None:
    """What a proposal says of where it is. NotFound if there is none, or no longer."""
    row = row_with(reading.connection, guid, today=reading.today)
    if row is None:
        raise NotFound("feature", guid=guid)
    properties = row_document(reading, row)["properties"]
    said = (str(properties[name] or "").strip() for name in _SAY_WHERE)
    return next((text[:LONGEST] for text in said if text), None)


def suggestion_document(text: str | None, suggester: Suggester | None, language: Language) -> dict[str, Any]:
    """What the suggester has for a text. TooMany or Unavailable when it gives no answer."""
    found: Sequence[Suggestion] = []
    if text is not None and suggester is not None:
        found = _asked(suggester, text)
    code = _why_none(text, suggester) if not found else None
    return {
        "text": text,
        "suggestions": [_told(each) for each in found],
        "code": code,
        "message": None if code is None else say(f"suggestions.{code}", language),
    }


def _why_none(text: str | None, suggester: Suggester | None) -> str:
    if suggester is None:
        return "no_lookup"
    return "nothing_said" if text is None else "nothing_found"


def _asked(suggester: Suggester, text: str) -> Sequence[Suggestion]:
    try:
        return suggester.suggest(text)
    except GeocoderDown as error:
        note(log, "geocoder.down", level=logging.WARNING, why=str(error))
        seconds = max(1, math.ceil(error.retry_after or 0))
        if error.trouble is Trouble.RATE_LIMITED:
            raise TooMany(retry_after=seconds) from error
        raise Unavailable("geocoder_silent", retry_after=max(30, seconds)) from error


def _told(found: Suggestion) -> dict[str, Any]:
    shape = shapely.to_wkb(found.geometry, flavor="iso", output_dimension=2)
    return {"label": found.label, "geometry": b64encode(shape).decode(), "source": found.source}
