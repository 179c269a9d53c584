"""The settings: what can be set (`table`), how a value is written (`kinds`), where it is found (`finding`).

`load_settings` gathers them from the config file and the environment it is given; nothing is read at import.
"""

from __future__ import annotations

from sync_service.settings.doubts import doubts_about
from sync_service.settings.fields import Settings
from sync_service.settings.finding import language_asked, load_settings
from sync_service.settings.keeping import signing_key
from sync_service.settings.kinds import CardSource
from sync_service.settings.reference import settings_reference

__all__ = [
    "CardSource",
    "Settings",
    "doubts_about",
    "language_asked",
    "load_settings",
    "settings_reference",
    "signing_key",
]
