"""Public proposals around Tolyatti as the OGC API gives them, made up by rule: the same every time."""

from __future__ import annotations

import random
import uuid
from typing import Any

Feature = dict[str, Any]

NAMESPACE = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")
STAGES = ("approved", "approved", "in_progress", "in_progress", "done")
DISTRICTS = {
    "Автозаводский": (49.235, 53.505, 49.345, 53.56),
    "Центральный": (49.385, 53.495, 49.475, 53.545),
    "Комсомольский": (49.48, 53.455, 49.57, 53.495),
}
DIRECTIONS = (
    "Городская среда",
    "Транспорт",
    "Экология",
    "Образование и молодёжь",
    "Технологическое лидерство",
    "Социальные проекты",
)
PARTNERS = ("Молодёжный парламент", "Профсоюз работников завода", "Совет архитекторов", "", "Клуб велосипедистов")
THINGS = (
    "Сквер с навесами и скамьями",
    "Велодорожка вдоль бульвара",
    "Мастерская для подростков",
    "Экотропа через лес",
    "Остановка с тёплым павильоном",
    "Спортивная площадка во дворе",
    "Освещение пешеходной улицы",
    "Центр цифрового творчества",
    "Набережная без барьеров",
    "Пункт приёма вторсырья",
    "Библиотека вечерних занятий",
    "Кольцевой автобус до промзоны",
)
STREETS = ("ул. Юбилейная", "б-р Ленина", "ул. Мира", "Московский проспект", "ул. Карла Маркса", "ул. Матросова")


def make_feature(name: str, *, geometry: Feature | None = None, **given: Any) -> Feature:
    """One public feature; `name` makes its guid."""
    guid = str(uuid.uuid5(NAMESPACE, name))
    properties: Feature = {
        "guid": guid,
        "title": name,
        "summary": "",
        "stage": "approved",
        "direction": None,
        "partner": None,
        "start": None,
        "due": None,
        "address": None,
        "horizon": None,
        "placement": "placed" if geometry else "citywide",
        "cadastral_number": None,
        "district": None,
        "blocked": False,
        "overdue_days": 0,
        "row_version": "1-1-1",
        "created": "2026-01-10T09:00:00Z",
        "modified": "2026-11-20T09:00:00Z",
        "published": "2026-02-01T09:00:00Z",
        "card_id": "1",
    }
    return {"type": "Feature", "id": guid, "geometry": geometry, "properties": properties | given}


def point(x: float, y: float) -> Feature:
    return {"type": "Point", "coordinates": [x, y]}


def make_city(count: int = 80, seed: int = 7) -> list[Feature]:
    """Proposals of every stage and kind of geometry, some blocked, some overdue, some without a place."""
    chance = random.Random(seed)
    return [_proposal(number, chance) for number in range(count)]


def make_districts() -> Feature:
    """Rough outlines with their names."""
    return {"type": "FeatureCollection", "features": [_outline(name, box) for name, box in DISTRICTS.items()]}


def _proposal(number: int, chance: random.Random) -> Feature:
    district = chance.choice(list(DISTRICTS))
    stage = chance.choice(STAGES)
    late = stage != "done" and chance.random() < 0.2
    thing, street = chance.choice(THINGS), chance.choice(STREETS)
    geometry = None if number % 13 == 0 else _geometry(number, DISTRICTS[district], chance)
    return make_feature(
        f"{thing} №\u00a0{number + 1}",
        geometry=geometry,
        stage=stage,
        summary=f"{thing}: место выбрано жителями на сессии.\n\nОжидаемый итог: удобно людям всех возрастов.",
        direction=chance.choice(DIRECTIONS),
        partner=chance.choice(PARTNERS) or None,
        start="2026-03-01",
        due=f"20{chance.randrange(26, 55)}-10-01",
        address=f"{street}, {chance.randrange(1, 90)}" if geometry else None,
        horizon=chance.choice((2025, 2027, 2030, 2035, 2040, 2055)),
        placement="placed" if geometry else chance.choice(("citywide", "district", "none")),
        district=district,
        blocked=chance.random() < 0.1,
        overdue_days=chance.randrange(3, 200) if late else 0,
        card_id=str(number + 1),
    )


def _geometry(number: int, box: tuple[float, float, float, float], chance: random.Random) -> Feature:
    west, south, east, north = box
    x, y = chance.uniform(west, east), chance.uniform(south, north)
    if number % 9 == 1:
        return {
            "type": "LineString",
            "coordinates": [[x + step * 0.004, y + chance.uniform(-1, 1) * 0.002] for step in range(5)],
        }
    if number % 11 == 2:
        ring = [[x, y], [x + 0.008, y + 0.001], [x + 0.009, y + 0.005], [x + 0.002, y + 0.006], [x, y]]
        return {"type": "Polygon", "coordinates": [ring]}
    if number % 17 == 3:
        return {"type": "MultiPoint", "coordinates": [[x, y], [x + 0.012, y - 0.004]]}
    return point(x, y)


def _outline(name: str, box: tuple[float, float, float, float]) -> Feature:
    west, south, east, north = box
    ring = [[west, south], [east, south + 0.004], [east + 0.006, north], [west - 0.004, north - 0.003], [west, south]]
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": {"name": name}}
