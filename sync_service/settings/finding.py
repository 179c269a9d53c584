"""Where settings are found: the config file and the environment, which wins. Everything wrong is told at once."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from sync_service.errors import Problem, SettingsError
from sync_service.settings.fields import PREFIX, Settings, path_names, secret_names, variable
from sync_service.words import LANGUAGES, Language, language_spoken

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT_CONFIG = Path("config/placecard.toml")


@dataclass(frozen=True, slots=True)
class Given:
    """A value as found: what a person would call the place it stands in, and the folder its relative paths mean."""

    value: object
    place: str
    folder: Path


def load_settings(environ: Mapping[str, str], cwd: Path) -> Settings:
    """The settings of this environment and working directory. SettingsError with every problem found."""
    problems: list[Problem] = []
    config = _config_file(environ, cwd)
    found = {**_from_file(config, problems), **_from_environment(environ, cwd, problems)}
    values: dict[str, Any] = {name: _anchored(name, given) for name, given in found.items()}
    values.setdefault("store_url", _anchor(Settings.model_fields["store_url"].default, cwd))
    values.setdefault("language", language_spoken(environ))
    try:
        settings = Settings(config=config, **values)
    except ValidationError as error:
        problems.extend(_refused(error, found))
    else:
        problems.extend(contradictions(settings))
    if problems:
        raise SettingsError(problems, language_asked(environ, cwd))
    return settings


def language_asked(environ: Mapping[str, str], cwd: Path) -> Language:
    """The language that environment or config file ask for, however wrong the rest of them is; else the terminal's.

    It only looks: nothing is checked and no secret is read. Help and refusals are worded by it before settings load.
    """
    config = _config_file(environ, cwd)
    asked = environ.get(variable("language")) or (_table_in(config, []) if config else {}).get("language")
    return next((language for language in LANGUAGES if language == asked), language_spoken(environ))


def _config_file(environ: Mapping[str, str], cwd: Path) -> Path | None:
    named = environ.get(variable("config"), "").strip()
    if named:
        return cwd / named
    return cwd / DEFAULT_CONFIG if (cwd / DEFAULT_CONFIG).is_file() else None


def _from_file(config: Path | None, problems: list[Problem]) -> dict[str, Given]:
    if config is None:
        return {}
    known = [name for name in Settings.model_fields if name != "config"]
    table = _table_in(config, problems)
    entries = {key: Given(value, f"{config.name}: {key}", config.parent) for key, value in table.items()}
    return dict(_settled(entries, {name: name for name in known}, "_file", problems))


def _table_in(config: Path, problems: list[Problem]) -> dict[str, object]:
    try:
        return tomllib.loads(config.read_text("utf-8"))
    except OSError as error:
        problems.append(
            Problem("settings.unreadable", {"name": variable("config"), "path": config, "why": error.strerror})
        )
    except ValueError as error:  # not TOML, or not UTF-8
        problems.append(Problem("settings.not_toml", {"path": config, "why": error}))
    return {}


def _from_environment(environ: Mapping[str, str], cwd: Path, problems: list[Problem]) -> dict[str, Given]:
    entries = {key: Given(value, key, cwd) for key, value in sorted(environ.items()) if key.startswith(PREFIX)}
    entries.pop(variable("config"), None)
    return dict(_settled(entries, {variable(name): name for name in Settings.model_fields}, "_FILE", problems))


def _settled(
    entries: Mapping[str, Given], known: Mapping[str, str], suffix: str, problems: list[Problem]
) -> Iterator[tuple[str, Given]]:
    """Each entry under the name of its setting: unknown keys told, empty ones left out, secret files read."""
    files = {key + suffix: key for key, name in known.items() if name in secret_names()}
    for key, given in entries.items():
        if key not in known and key not in files:
            problems.append(_unknown(key, given, [*known, *files]))
        elif given.value == "":
            continue
        elif key in known:
            yield known[key], given
        elif entries.get(files[key], given).value not in {"", given.value}:
            problems.append(Problem("settings.twice", {"name": given.place, "other": files[key]}))
        elif (secret := _secret_in(given, problems)) is not None:
            yield known[files[key]], secret


def _unknown(key: str, given: Given, known: list[str]) -> Problem:
    bare = {name.removeprefix(PREFIX): name for name in known}  # the prefix would make all of them alike
    plain = key.removeprefix(PREFIX)
    near = [name for name in bare if plain.lower() == f"{name}_file".lower()] or get_close_matches(plain, bare, n=1)
    if near:
        return Problem("settings.unknown_near", {"name": given.place, "near": bare[near[0]]})
    return Problem("settings.unknown", {"name": given.place})


def _secret_in(given: Given, problems: list[Problem]) -> Given | None:
    path = given.folder / str(given.value)
    try:
        secret = path.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        problems.append(Problem("settings.unreadable", {"name": given.place, "path": path, "why": why}))
        return None
    if not secret:
        problems.append(Problem("settings.empty_file", {"name": given.place, "path": path}))
        return None
    return Given(secret, given.place, given.folder)


def _anchored(name: str, given: Given) -> object:
    if name in path_names() and isinstance(given.value, str):
        return _anchor(given.value.strip(), given.folder)
    return given.value


def _anchor(value: str, folder: Path) -> str:
    """A path, or the path in an sqlite address, made absolute; any other address is left alone."""
    if value.startswith("sqlite:///") and value != "sqlite:///" and ":memory:" not in value:
        return f"sqlite:///{folder / value.removeprefix('sqlite:///')}"
    return value if ":" in value.split("/", maxsplit=1)[0] else str(folder / Path(value).expanduser())


def _refused(error: ValidationError, found: Mapping[str, Given]) -> Iterator[Problem]:
    for each in error.errors(include_url=False, include_input=False):
        if each["type"] == "default_factory_not_called":
            continue  # follows from another problem, already told
        name = str(each["loc"][0])
        given = found.get(name)
        place = given.place if given else variable(name)
        shown = "…" if name in secret_names() or given is None else given.value
        yield Problem(
            f"settings.{_BUILT_IN.get(each['type'], each['type'])}", {"name": place, "value": shown} | _limits(each)
        )


_BUILT_IN = {
    "int_parsing": "not_whole",
    "int_type": "not_whole",
    "int_from_float": "not_whole",
    "float_parsing": "not_number",
    "float_type": "not_number",
    "greater_than_equal": "too_small",
    "less_than_equal": "too_big",
    "literal_error": "not_one_of",
    "string_type": "not_text",
    "path_type": "not_text",
    "bool_type": "not_one_of",
}
"""Pydantic's own refusals, by the key of ours that says the same."""


def _limits(each: Any) -> dict[str, object]:
    context = each.get("ctx", {})
    limit = next((context[key] for key in ("ge", "le") if key in context), None)
    choices = str(context.get("expected", "")).replace("'", "").replace(" or ", ", ")
    return {"limit": limit, "choices": choices, **context}


def contradictions(settings: Settings) -> Iterator[Problem]:
    """Settings that are right one by one and wrong together."""
    if settings.geocoder == "gazetteer" and settings.gazetteer is None:
        yield _wants("geocoder", settings.geocoder, "gazetteer")
    if settings.geocoder == "yandex" and settings.geocoder_key is None:
        yield _wants("geocoder", settings.geocoder, "geocoder_key")
    if settings.store_url.startswith("postgresql") and settings.secret_key is None:
        yield _wants("store_url", "postgresql://…", "secret_key")
    if settings.internal_bind.rpartition(":")[2] == str(settings.port):
        yield Problem("settings.same_port", {"name": variable("internal_bind"), "other": variable("port")})
    for one, other in (
        ("board_user", "board_password"),
        ("board_password", "board_user"),
        ("oidc_issuer", "oidc_audience"),
        ("jobs_client_id", "jobs_client_secret"),
        ("jobs_client_id", "oidc_issuer"),
        ("jobs_client_id", "board_token"),
    ):
        if getattr(settings, one) and not getattr(settings, other):
            yield _wants(one, "…", other)


def _wants(name: str, value: str, other: str) -> Problem:
    return Problem("settings.wants", {"name": variable(name), "value": value, "other": variable(other)})
