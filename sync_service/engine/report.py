"""What a run did: the counts `placecard sync --json` prints, and what went wrong."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Report:
    """Counts of one run. `errors` has one line per thing that went wrong, free of secrets."""

    read: int = 0
    created: int = 0
    updated: int = 0
    published: int = 0
    hidden: int = 0
    retired: int = 0
    clashes: int = 0
    board_writes: int = 0
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0
    may_publish: int = 0  # proposals that pass the gate, published or not; no part of the JSON

    @property
    def changed(self) -> int:
        """Features made or changed so far."""
        return self.created + self.updated

    def as_json(self) -> dict[str, object]:
        """The report as `sync --json` prints it."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "may_publish"}
