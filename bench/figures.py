"""What the benchmarks found, as one table: each figure beside what it is compared with, the ratio and its target."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement. `target` bounds the ratio, from above or (`at_least`) from below; None: reported only.

    Without `compared` the figure is absolute, and so is its target, in `unit`.
    """

    what: str
    ours: float
    unit: str
    compared: float | None = None
    beside: str = ""
    target: float | None = None
    at_least: bool = False

    @property
    def value(self) -> float:
        """What the target bounds: the ratio where there is one."""
        return self.ours / self.compared if self.compared else self.ours

    @property
    def met(self) -> bool | None:
        """Whether the target was met; None where there is none."""
        if self.target is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target

    def cells(self) -> tuple[str, ...]:
        """The figure as a row of the table."""
        beside = f"{_number(self.compared)} {self.unit}  {self.beside}" if self.compared else self.beside
        ratio = f"{self.ours / self.compared:.2f}" if self.compared else ""
        bound = "" if self.target is None else f"{'≥' if self.at_least else '≤'} {_number(self.target)}"
        verdict = {True: "met", False: "MISSED", None: ""}[self.met]
        return self.what, f"{_number(self.ours)} {self.unit}", beside, ratio, bound, verdict


def middle(values: Iterable[float]) -> float:
    """The median, the lower of two."""
    return percentile(values, 50)


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least `share` per cent of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)]


def print_table(figures: Sequence[Figure]) -> None:
    """Print the figures with aligned columns."""
    head = ("figure", "measured", "beside", "ratio", "target", "")
    rows = [head, *(figure.cells() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip(), flush=True)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.3g}"
