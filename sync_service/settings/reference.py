"""The settings reference and the sample config, made from the table of settings so that they cannot drift from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from sync_service.settings.about import GROUPS
from sync_service.settings.fields import Settings, secret_names, variable
from sync_service.words import LANGUAGES, Language, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

SAMPLE_PATH = Path("config/placecard.example.toml")


def settings_reference(language: Language) -> str:
    """The page `docs/settings.<language>.md`: every setting with its default, chapter by chapter."""
    parts = [say("reference.top", language).strip(), *(_chapter(group, language) for group in GROUPS)]
    return "\n\n".join(parts) + "\n"


def _chapter(group: str, language: Language) -> str:
    head = f"## {GROUPS[group][LANGUAGES.index(language)]}\n\n{say('reference.columns', language)}\n|---|---|---|"
    return "\n".join([head, *(_row(name, field, language) for name, field in _settings_in(group))])


def _settings_in(group: str) -> Iterator[tuple[str, FieldInfo]]:
    return ((name, field) for name, field in Settings.model_fields.items() if _about(field)["group"] == group)


def _row(name: str, field: FieldInfo, language: Language) -> str:
    purpose = _about(field)[language]
    if name in secret_names():
        purpose += " " + say("reference.secret", language, file=f"{variable(name)}_FILE")
    if choices := _choices(field):
        purpose += " " + say("reference.choices", language, choices=", ".join(f"`{choice}`" for choice in choices))
    default = _default(field)
    return f"| `{variable(name)}` | {f'`{default}`' if default else '–'} | {purpose} |"


def _about(field: FieldInfo) -> dict[str, Any]:
    assert isinstance(field.json_schema_extra, dict)
    return field.json_schema_extra


def _choices(field: FieldInfo) -> tuple[str, ...]:
    if field.annotation is bool:
        return ("off", "on")
    values = get_args(field.annotation)
    return values if values and all(isinstance(value, str) for value in values) else ()


def _default(field: FieldInfo) -> str:
    if isinstance(field.default, bool):
        return "on" if field.default else "off"
    usual = field.default_factory is None and field.default not in {None, "", "{}", ()}
    return str(field.default) if usual else ""


def sample_config() -> str:
    """The sample config: every setting commented out, with what it is for; uncommented it is a valid config."""
    parts = ["# " + line for line in say("reference.sample", "ru").strip().splitlines()]
    parts += ["# " + line for line in say("reference.sample", "en").strip().splitlines()]
    for group, titles in GROUPS.items():
        parts += ["", f"# --- {titles[0]} · {titles[1]}"]
        parts += [line for name, field in _settings_in(group) for line in _sample_lines(name, field)]
    return "\n".join(parts) + "\n"


def _sample_lines(name: str, field: FieldInfo) -> list[str]:
    about = _about(field)
    value = about["sample"] or _toml(_default(field), field)
    shown = f"# {name} = {value}" if name != "config" else f"# {variable(name)}=/etc/placecard/placecard.toml"
    return ["", f"# {about['ru']}", f"# {about['en']}", shown]


def _toml(default: str, field: FieldInfo) -> str:
    return default if field.annotation in {int, float} else f'"{default}"'


def write_reference(root: Path) -> list[Path]:
    """Write both pages and the sample under the project folder `root`; the paths written."""
    pages = {Path(f"docs/settings.{language}.md"): settings_reference(language) for language in LANGUAGES}
    pages[SAMPLE_PATH] = sample_config()
    for path, text in pages.items():
        (root / path).write_text(text, "utf-8")
    return list(pages)
