"""What a person set in the options and which copies were opened here: kept in QGIS's own settings."""

from __future__ import annotations

import json
from dataclasses import dataclass

from qgis.core import QgsSettings

from placecard.core.words import choose_language

ROOT = "placecard"
REMEMBERED = 10


@dataclass(frozen=True)
class Known:
    """A working copy that was opened here: its file, the service's address and name."""

    path: str
    address: str
    name: str


def language() -> str:
    """The language of the plugin: the one that was set, else the one of QGIS."""
    chosen = str(_read("language", ""))
    return chosen or choose_language(str(QgsSettings().value("locale/userLocale", "en")))


def suggesting() -> bool:
    """Whether the geocoder is asked for each proposal that is selected."""
    return _flag("suggesting", default=True)


def zooming() -> bool:
    """Whether the map goes to the suggestions, and to the place of what is checked."""
    return _flag("zooming", default=True)


def own_language() -> str:
    """The language that was set, or "" for the one of QGIS."""
    return str(_read("language", ""))


def keep(**values: object) -> None:
    """Keep these settings."""
    for name, value in values.items():
        QgsSettings().setValue(f"{ROOT}/{name}", value)


def known() -> list[Known]:
    """The copies that were opened here, newest first."""
    return [Known(**each) for each in json.loads(str(_read("copies", "[]")))]


def remember(copy: Known) -> None:
    """Put a copy first among the known ones."""
    _write_known([copy, *(each for each in known() if each.path != copy.path)][:REMEMBERED])


def forget(path: str) -> None:
    """Drop a copy from the known ones; its file stays."""
    _write_known([each for each in known() if each.path != path])


def _write_known(copies: list[Known]) -> None:
    keep(copies=json.dumps([vars(each) for each in copies], ensure_ascii=False))


def _flag(name: str, *, default: bool) -> bool:
    return str(_read(name, default)).lower() in {"true", "1"}


def _read(name: str, default: object) -> object:
    return QgsSettings().value(f"{ROOT}/{name}", default)
