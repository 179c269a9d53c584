"""The table of properties (`config/fields.toml`), as values. Everything that lists properties derives from here."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from sync_service.sync.values import Owner


@dataclass(frozen=True, slots=True)
class Field:
    """One property of a proposal.

    `type` is string, integer, boolean, date or datetime; `stored` says that the store has a column for it (the others
    are computed when answering); `labels` are the spellings of its labelled line on a card; `values` is a closed list.
    """

    name: str
    owner: Owner
    type: str
    public: bool
    stored: bool
    labels: tuple[str, ...]
    values: tuple[str, ...]
    ru: str
    en: str

    def title(self, language: str) -> str:
        """What people call it, in `ru` or `en`."""
        return self.ru if language == "ru" else self.en


@cache
def field_table() -> dict[str, Field]:
    """All properties by name, in the order in which they are shown."""
    rows = tomllib.loads(files("config").joinpath("fields.toml").read_text("utf-8"))
    return {name: _field(name, row) for name, row in rows.items()}


def _field(name: str, row: dict[str, object]) -> Field:
    labels, values = row.get("labels", ()), row.get("values", ())
    assert isinstance(labels, list | tuple)
    assert isinstance(values, list | tuple)
    return Field(
        name=name,
        owner=Owner(str(row["owner"])),
        type=str(row["type"]),
        public=bool(row["public"]),
        stored=bool(row.get("stored", False)),
        labels=tuple(str(label) for label in labels),
        values=tuple(str(value) for value in values),
        ru=str(row["ru"]),
        en=str(row["en"]),
    )


@cache
def names_owned(owner: Owner) -> tuple[str, ...]:
    """Names of the stored fields with this owner."""
    return tuple(f.name for f in field_table().values() if f.owner is owner and f.stored)
