"""A town with a day's work in it: cards on a real Kanboard, streets to find addresses in, districts.

The streets are made up, and so is what people propose; the town lies where Tolyatti does, so that distances are right.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import shapely

from tests.copies import PROPOSALS, WorkingCopy, expect
from tests.exchange import body, change, wkb
from tests.service import PATIENCE, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

    from tests.service import Service

WEST, SOUTH = 49.400, 53.500
STEP_X, STEP_Y = 0.0045, 0.0027
"""A block, in degrees: about 300 m either way."""

ALONG = ("Мира", "Победы", "Горького", "Ленина", "Баныкина", "Жилина")
ACROSS = ("Садовая", "Школьная", "Речная", "Парковая", "Новая", "Лесная", "Заводская")
SETTINGS = {"GAZETTEER": "gazetteer.db", "HOME_SETTLEMENT": "Тольятти", "LANGUAGE": "ru"}

ADDRESS = ("addr:street", "addr:housenumber", "addr:city")

WAITING = (
    ("Аллея для прогулок с колясками", "Широкий тротуар без бордюров, скамейки через каждые сто метров.", "ул. Мира"),
    (
        "Библиотека вечерних занятий",
        "Открыта до одиннадцати вечера, с комнатой для групповой работы.",
        "ул. Ленина, 14а",
    ),
    ("Велодорожка до завода", "От жилых кварталов до проходной, отделена от машин.", ""),
    ("Мастерская для подростков", "Столярное дело, робототехника, ремонт велосипедов.", "ул. Школьная"),
    ("Набережная без барьеров", "Пандусы к воде и тактильная плитка от речного вокзала до парка.", ""),
    ("Остановка с тёплым павильоном", "Зимой ждут автобус по двадцать минут.", "ул. Победы, 23б"),
    ("Пункт приёма вторсырья", "Стекло, бумага, пластик; открыт по выходным.", "ул. Горького"),
    ("Школьный автобус по выходным", "До бассейна и обратно, из всех районов.", ""),
)
"""Title, text and address of cards that are approved and that nobody could place: no house, or none of that number."""

PLACED = (
    ("Сквер у школы", "53.5060, 49.4110", "Одобрено"),
    ("Освещение пешеходной улицы", "53.5095, 49.4180", "В работе"),
    ("Пандус у поликлиники", "53.5042, 49.4205", "Выполнено"),
    ("Детская площадка во дворе", "53.5122, 49.4092", "Одобрено"),
    ("Ремонт спортивного зала", "53.5078, 49.4251", "В работе"),
    ("Фонтан на площади", "53.5110, 49.4240", "На рассмотрении"),
)
"""Title, coordinates and column of cards whose text says where they are."""


def street_lines() -> Iterator[tuple[str, shapely.LineString]]:
    """The streets with their names."""
    east, north = WEST + STEP_X * len(ACROSS), SOUTH + STEP_Y * len(ALONG)
    for row, name in enumerate(ALONG):
        y = SOUTH + STEP_Y * (row + 0.5)
        yield f"ул. {name}", shapely.LineString([(WEST, y), (east, y)])
    for column, name in enumerate(ACROSS):
        x = WEST + STEP_X * (column + 0.5)
        yield f"ул. {name}", shapely.LineString([(x, SOUTH), (x, north)])


def houses() -> Iterator[tuple[str, str, BaseGeometry]]:
    """Street, number and outline of the houses: odd numbers on the north side, even ones on the south."""
    for row, name in enumerate(ALONG):
        for place in range(4 * len(ACROSS)):
            x, y = WEST + STEP_X * (place + 0.5) / 4, SOUTH + STEP_Y * (row + 0.5)
            for number, side in ((2 * place + 1, 1), (2 * place + 2, -1)):
                wide, deep = (0.0003, 0.00016) if (place + row + number) % 3 else (0.0002, 0.0003)
                middle = y + side * (0.00025 + deep)
                yield f"ул. {name}", str(number), shapely.box(x - wide, middle - deep, x + wide, middle + deep)


def districts() -> Iterator[tuple[str, BaseGeometry]]:
    """Names and outlines of the districts."""
    middle, east = WEST + STEP_X * 3.5, WEST + STEP_X * len(ACROSS)
    north = SOUTH + STEP_Y * len(ALONG)
    yield "Центральный район", shapely.box(WEST, SOUTH, middle, north)
    yield "Комсомольский район", shapely.box(middle, SOUTH, east, north)


def write_layer(path: Path, things: Iterator[tuple[Any, ...]], *names: str) -> Path:
    """A GeoJSON file of things, the last of each its geometry."""
    features = [
        {"type": "Feature", "properties": dict(zip(names, thing, strict=False)), "geometry": _json(thing[-1])}
        for thing in things
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False))
    return path


def _json(shape: BaseGeometry) -> Any:
    return json.loads(shapely.to_geojson(shape))


def furnish(live: Service, waiting: Sequence[tuple[str, str, str]] = WAITING) -> dict[str, str]:
    """Streets, districts and cards of the town, for a service that does not run yet; the ids of the cards by title."""
    known = [
        *((street, number, "Тольятти", outline.centroid) for street, number, outline in houses()),
        *((street, None, "Тольятти", line) for street, line in street_lines()),
    ]
    addresses = write_layer(live.folder / "addresses.geojson", iter(known), *ADDRESS)
    _run(live, "gazetteer", "import", str(addresses))
    _run(live, "districts", "import", str(write_layer(live.folder / "districts.geojson", districts(), "name")))
    cards = {}
    for title, text, address in waiting:
        said = f"{text}\n\nАдрес: {address}" if address else text
        cards[title] = live.project.add(title, f"{said}\nНаправление: Городская среда", "Одобрено")
    for title, place, column in PLACED:
        cards[title] = live.project.add(title, f"Место: {place}\nНаправление: Городская среда", column)
    _run(live, "sync")
    return cards


def _run(live: Service, *arguments: str) -> None:
    done = live.run(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass
class Colleague:
    """Somebody else with a working copy, who speaks the protocol without QGIS."""

    live: Service
    name: str = field(default_factory=lambda: str(uuid4()))
    copy: WorkingCopy = field(init=False)

    def __post_init__(self) -> None:
        self.copy = WorkingCopy(self._ask, None).take()

    def _ask(self, method: str, path: str, *, query: dict[str, str] | None = None, **rest: Any) -> tuple[int, Any]:
        answer = self.live.session.request(
            method, f"{self.live.url}{path}", params=query, timeout=PATIENCE, allow_redirects=False, **rest
        )
        return answer.status_code, answer.json()

    def row(self, title: str) -> dict[str, Any]:
        """A proposal as the service has it now."""
        rows = self.copy.follow().rows.values()
        return next(row for row in rows if row["properties"]["title"] == title)

    def edit(self, title: str, shape: BaseGeometry | None = None, **values: Any) -> dict[str, Any]:
        """Edit a proposal and push; what became of it."""
        row = self.row(title)
        edited: dict[str, Any] = {"set": values} if values else {}
        if shape is not None:
            edited["geometry"] = wkb(shape)
        sent = change(row["guid"], base_version=row["version"], **edited)
        document = body(sent, client_id=self.name)
        status, answer = self._ask(
            "POST", f"{PROPOSALS}/push", json=document, headers={"Idempotency-Key": str(uuid4())}
        )
        assert status == 200, answer
        (result,) = expect("results", answer)["results"]
        return dict(result)

    def until(self, title: str, **values: Any) -> dict[str, Any]:
        """Wait until a proposal has these properties."""

        def there() -> dict[str, Any] | None:
            row = self.row(title)
            return row if all(row["properties"][name] == value for name, value in values.items()) else None

        found: dict[str, Any] = until(there)
        return found
