"""What a spreadsheet can hold: no control characters, no formulas, no text too long. Tables as CSV and as Excel."""

from __future__ import annotations

import csv
import re
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

CELL = 32_767
"""Characters an Excel cell holds."""

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def printable(value: Any) -> Any:
    """A text without the control characters that no office format, and no C string, can hold."""
    return _CONTROL.sub("", value) if isinstance(value, str) else value


def harmless(value: Any) -> Any:
    """A text that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_DANGEROUS) else value


def fitting(value: Any) -> Any:
    """A text that a cell holds: a longer one ends in an ellipsis."""
    return f"{value[: CELL - 1]}…" if isinstance(value, str) and len(value) > CELL else value


def write_csv(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """A table as CSV in UTF-8 with the mark by which Excel knows it."""
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(headings)
    writer.writerows([harmless(printable(value)) for value in row] for row in rows)
    return text.getvalue().encode("utf-8-sig", "replace")


def write_xlsx(headings: Sequence[str], rows: Iterable[Sequence[Any]], *, sheet: str) -> bytes:
    """A table as an Excel workbook of one sheet."""
    book = Workbook(write_only=True)
    page = book.create_sheet(sheet)
    page.append(list(headings))
    for row in rows:
        page.append([fitting(harmless(printable(value))) for value in row])
    target = BytesIO()
    book.save(target)
    return target.getvalue()


def writers(sheet: str) -> Mapping[str, tuple[str, Callable[[Sequence[str], Iterable[Sequence[Any]]], bytes]]]:
    """What writes a table, with its media type, by the suffix of the file."""
    return {
        "csv": ("text/csv; charset=utf-8", write_csv),
        "xlsx": (
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            lambda headings, rows: write_xlsx(headings, rows, sheet=sheet),
        ),
    }
