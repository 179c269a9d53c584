"""Names of settlements and districts, bare of the words for what they are. Pure."""

from __future__ import annotations

import re

from sync_service.places.streets import fold_text

_SETTLEMENT_PREFIX = re.compile(
    r"\A(?:городской округ|сельское поселение|поселок городского типа|город|поселок|село|деревня"
    r"|г\.о\.|пгт\.?|г\.|пос\.|п\.|с\.|д\.|г|с|п)\s+"
    r"|\A(?:г|с|п|д)\.(?=\w)"
)
_DISTRICT_WORDS = re.compile(r"\b(?:внутригородской |муниципальный |городской )?(?:район|р-н)\b\.?")


def plain_settlement(name: str) -> str:
    """Fold a settlement's name and take «г.», «село» and the like off."""
    return _SETTLEMENT_PREFIX.sub("", fold_text(name)).strip()


def plain_district(name: str) -> str:
    """Fold a district's name and take «район» off."""
    return " ".join(_DISTRICT_WORDS.sub(" ", fold_text(name)).split())
