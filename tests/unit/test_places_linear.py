"""A description of 60,000 characters, whatever it holds, must not stop the service: no reader is worse than linear."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sync_service.places.area import WORLD
from sync_service.places.coordinates import find_coordinates
from sync_service.places.lines import labelled_lines, looks_personal, summary
from sync_service.places.maplinks import blank_links, find_links
from sync_service.places.parcels import find_parcels
from sync_service.places.reading import read_place

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 60_000
PATTERNS = [
    "1 ", "53.5303 ", "53° ", "N 5", "\u200f😀", "1,", "53.5,", "с.ш. ", "9", "53°31'4", "http://", "a", "a@", "@a.",
    "9 ", "(", "8 9", "a: ", "тел", "паспорт", "geo:1", "+7", "паспорт 36", "a.", ")", "*", "\n", "63:09:",
    "https://yandex.ru/maps/?pt=1", "Место: 5\n", "שלום ", "<https://ya.ru/maps/> ", "user собака ", "12-", "Место 1:",
]  # fmt: skip
READERS: dict[str, Callable[[str], object]] = {
    "coordinates": lambda text: find_coordinates(text, WORLD, labelled=True),
    "links": lambda text: find_links(text, WORLD),
    "blank": blank_links,
    "lines": labelled_lines,
    "summary": lambda text: summary(text, drop=["место"]),
    "personal": looks_personal,
    "parcels": find_parcels,
    "reading": lambda text: read_place(text, address=None, area=WORLD),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", READERS)
def test_long_texts_end(name: str) -> None:
    """A quadratic reader would need minutes for this; the limit is for the hopeless, not a measure."""
    for pattern in PATTERNS:
        READERS[name]((pattern * SIZE)[:SIZE])
