"""The settings as the service uses them: the table of settings with what derives from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from sync_service.errors import Problem, SettingsError
from sync_service.settings.table import Table
from sync_service.sync.stages import stage_for_title

if TYPE_CHECKING:
    from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

    from sync_service.sync.values import Stage

PREFIX = "PLACECARD_"
_SHORTEST_KEY = 8
"""Letters of a parameter in an address that may be a key: shorter ones are words like `png`."""


class Settings(Table):
    """All settings, checked and never changed. Text not set is empty, anything else not set is None.

    Made by `load_settings`; made directly it takes only what it is given and reads nothing by itself.
    """

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic-settings'
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what the constructor is given: environment and files are gathered by `load_settings`, never unseen."""
        return (init_settings,)

    @property
    def store_path(self) -> Path:
        """File of an SQLite store."""
        return Path(self.store_url.removeprefix("sqlite:///"))

    def stage_of(self, title: str) -> Stage | None:
        """The stage a column with this title has when first seen; None for a title nobody mapped."""
        return stage_for_title(title, self.stages)

    def secrets(self) -> tuple[str, ...]:
        """Every secret that is set, so that logs can be kept free of them; those within addresses too."""
        values = (getattr(self, name) for name in secret_names())
        password, query = urlsplit(self.store_url).password, urlsplit(self.tiles_url).query
        keys = (value for _, value in parse_qsl(query) if len(value) >= _SHORTEST_KEY and "{" not in value)
        return (*(value.get_secret_value() for value in values if value), *((password,) if password else ()), *keys)

    def demand(self, *names: str) -> None:
        """SettingsError if a setting named (in lower case) is not set: for commands that cannot do without it."""
        missing = [name for name in names if not getattr(self, name)]
        if missing:
            problems = [Problem("settings.wanted", {"name": variable(name)}) for name in missing]
            raise SettingsError(problems, self.language)


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def secret_names() -> tuple[str, ...]:
    """Names of the settings that are secrets: these may come from a `…_FILE`, and are never shown."""
    return tuple(name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation))


def path_names() -> tuple[str, ...]:
    """Names of the settings that hold, or may hold, a path: a relative one is resolved where it was written."""
    paths = (name for name, field in Settings.model_fields.items() if "Path" in str(field.annotation))
    return (*paths, "store_url", "tiles_url")
