"""The page of properties, made from the table of fields: `python -m tools.properties`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sync_service.sync.fields import field_table
from sync_service.sync.values import Owner

if TYPE_CHECKING:
    from sync_service.sync.fields import Field
    from sync_service.words import Language

ROOT = Path(__file__).parents[1]

HEADS: dict[Language, str] = {
    "ru": """\
# Свойства предложения

Все свойства плоские; чего нет, то `null` (`overdue_days` и `blocked` есть всегда). «Кто решает»: доска – меняется \
только на карточке; карта – только на карте; доска и карта – на обеих сторонах; служба – вычисляется. Строка с \
подписью пишется в описании карточки, например `Адрес: ул. Мира, 5`; где ещё может стоять свойство, задаёт \
`PLACECARD_FIELDS` ([настройки](settings.ru.md)). Эта страница создана из `config/fields.toml`: \
`python -m tools.properties`.

| Свойство | Название | Тип | Кто решает | Видно всем | Строка на карточке | Значения |
|---|---|---|---|---|---|---|
""",
    "en": """\
# Properties of a proposal

All properties are flat; what is missing is `null` (`overdue_days` and `blocked` are always there). "Who decides": \
board – changed on the card only; map – on the map only; board and map – on either side; service – computed. A \
labelled line is written into the card's description, like `Address: Mira street 5`; where else a property may stand \
is said by `PLACECARD_FIELDS` ([settings](settings.en.md)). This page is made from `config/fields.toml`: \
`python -m tools.properties`.

| Property | Name | Type | Who decides | Public | Line on the card | Values |
|---|---|---|---|---|---|---|
""",
}
OWNERS: dict[Language, dict[Owner, str]] = {
    "ru": {
        Owner.BOARD: "доска",
        Owner.MAP: "карта",
        Owner.SHARED: "доска и карта",
        Owner.COMPUTED: "служба",
    },
    "en": {
        Owner.BOARD: "board",
        Owner.MAP: "map",
        Owner.SHARED: "board and map",
        Owner.COMPUTED: "service",
    },
}
YES_NO: dict[Language, tuple[str, str]] = {"ru": ("да", "нет"), "en": ("yes", "no")}


def properties_page(language: Language) -> str:
    """The text of `docs/properties.<language>.md`."""
    return HEADS[language] + "".join(_row(field, language) for field in field_table().values())


def _row(field: Field, language: Language) -> str:
    yes, no = YES_NO[language]
    cells = (
        f"`{field.name}`",
        field.title(language),
        field.type,
        OWNERS[language][field.owner],
        yes if field.public else no,
        " · ".join(f"{label}:" for label in field.labels) or "–",
        ", ".join(f"`{value}`" for value in field.values) or "–",
    )
    return f"| {' | '.join(cells)} |\n"


def main() -> None:
    """Write both pages."""
    for language in HEADS:
        (ROOT / f"docs/properties.{language}.md").write_text(properties_page(language), "utf-8")


if __name__ == "__main__":
    main()
