"""People who edit the map of a desk: pushes as the plugin sends them, without the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from sync_service.editing.applying import EditRules
from sync_service.editing.pushes import Change, Mode, Push, PushAnswer, apply_push
from sync_service.editing.versions import version_text
from sync_service.store.clashes import open_clashes
from sync_service.store.counter import identity
from sync_service.store.features import Author, find_feature
from sync_service.sync.editing import Edit, EditOp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sync_service.store.clashes import OpenClash
    from sync_service.sync.state import Feature
    from tests.desk import Desk


@dataclass(slots=True)
class Editor:
    """A person with the plugin open at a desk."""

    desk: Desk
    who: str = "anna"
    source: str = "qgis"
    rules: EditRules = field(default_factory=EditRules)
    numbers: Iterator[int] = field(default_factory=count)
    copy: str = "copy"
    who_id: str | None = None

    @property
    def author(self) -> Author:
        """Who stands in the history."""
        return Author(self.source, self.who, who_id=self.who_id)

    def push(self, *changes: Change, key: str | None = None, mode: Mode = Mode.EACH, check: bool = False) -> PushAnswer:
        """Send changes at once."""
        push = Push(key, f"{self.who}'s {self.copy}", self.source, changes, mode, check)
        return apply_push(self.desk.parts.database, push, self.author, self.rules, self.desk.now)

    def update(self, guid: str, geometry: bytes | None = None, *, base: Any = "now", **values: Any) -> Change:
        """A change of what is there, made from the present version unless another is named."""
        return self.change(EditOp.UPDATE, guid, values, geometry, base=base)

    def unplace(self, guid: str, *, base: Any = "now", **values: Any) -> Change:
        """The place taken away."""
        return self.change(EditOp.UNPLACE, guid, values, None, base=base)

    def create(self, guid: str, geometry: bytes | None = None, **values: Any) -> Change:
        """A proposal drawn on the map."""
        return self.change(EditOp.CREATE, guid, values, geometry, base=None)

    def change(self, op: EditOp, guid: str, values: dict[str, Any], geometry: bytes | None, *, base: Any) -> Change:
        """Any change, named by the next number."""
        base = self.version(guid) if base == "now" else base
        return Change(f"{self.who}-{next(self.numbers)}", Edit(op, guid, values, geometry), base)

    def version(self, guid: str) -> str:
        """The version of a proposal as its copy has it now."""
        with self.desk.parts.database.reading() as connection:
            feature = find_feature(connection, guid)
            assert feature is not None
            return version_text(identity(connection), feature.version)

    def sees(self, guid: str) -> Feature:
        """The proposal as it is."""
        with self.desk.parts.database.reading() as connection:
            feature = find_feature(connection, guid)
            assert feature is not None
            return feature

    def clashes(self, guid: str | None = None) -> list[OpenClash]:
        """The open clashes."""
        with self.desk.parts.database.reading() as connection:
            return list(open_clashes(connection, guid))


def rests(desk: Desk) -> None:
    """Two sweeps bring both sides to rest: the third has nothing to do."""
    for _ in range(2):
        desk.sweep(full=True)
    report = desk.sweep(full=True)
    assert (report.board_writes, report.changed, report.clashes) == (0, 0, 0)
