"""SQL with names put in. Values never are: they go beside the statement. Names are ours, or quoted."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def fill(template: str, **pieces: str) -> str:
    """The statement of a template: `$name` is a name of ours, a quoted one, or a piece made of these."""
    return Template(template).substitute(pieces)


def quoted(name: str) -> str:
    """A column's name, which the service chose, inside a statement."""
    return '"' + name.replace('"', '""') + '"'


def listed(names: Iterable[str], template: str = "$name", between: str = ", ") -> str:
    """Columns one after another, each as the template has it."""
    return between.join(fill(template, name=quoted(name), plain=name.replace("'", "''")) for name in names)


def marks(count: int) -> str:
    """So many question marks."""
    return ", ".join("?" * count)
