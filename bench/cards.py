"""Cards by the thousand for the benchmarks: real streets, plain measures, combined by rule and the same for a seed."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from shapely.geometry import LineString

from sync_service.demo.samples import Sample
from sync_service.sync.values import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

MEASURES = (
    ("Городская среда", "Скамьи и тень"),
    ("Городская среда", "Ремонт двора"),
    ("Городская среда", "Площадка для детей"),
    ("Городская среда", "Освещение прохода"),
    ("Транспорт и дороги", "Приподнятый переход"),
    ("Транспорт и дороги", "Тёплая остановка"),
    ("Транспорт и дороги", "Велодорожка"),
    ("Транспорт и дороги", "Ремонт тротуара"),
    ("Экология", "Посадка деревьев"),
    ("Экология", "Площадка раздельного сбора"),
    ("Экология", "Дождевой сад"),
    ("Экология", "Пост контроля воздуха"),
    ("Образование и молодёжь", "Кружок робототехники"),
    ("Образование и молодёжь", "Читальный зал"),
    ("Образование и молодёжь", "Ремонт школьного двора"),
    ("Экономика и промышленность", "Ярмарочные ряды"),
    ("Экономика и промышленность", "Зарядная станция"),
    ("Экономика и промышленность", "Мастерские в аренду"),
    ("Здоровье и спорт", "Поле для дворового футбола"),
    ("Здоровье и спорт", "Турники и брусья"),
    ("Здоровье и спорт", "Пандус к поликлинике"),
)
STAGES = (
    (Stage.PROPOSED,) * 3
    + (Stage.REVIEW,) * 2
    + (Stage.APPROVED,) * 5
    + (Stage.IN_PROGRESS,) * 5
    + (Stage.DONE,) * 4
    + (Stage.REJECTED,)
)
SPREAD = 0.004
"""How far from its street a point may lie, in degrees: some hundreds of metres, so that points do not form lines."""


class Street(NamedTuple):
    name: str
    district: str
    line: LineString


@dataclass(frozen=True, slots=True)
class MadeCard:
    """A sample, and the place its text names, in degrees, CRS84."""

    sample: Sample
    lon: float
    lat: float


def many_cards(n: int, seed: int) -> Iterator[MadeCard]:
    """Give `n` placed proposals over the whole city: the same for the same seed, references unique within it."""
    streets = city_streets()
    chance = random.Random(seed)
    for index in range(n):
        street = streets[index % len(streets)]
        lon, lat = _spot(street, chance)
        yield MadeCard(_sample(index, seed, street, f"{lat:.6f}, {lon:.6f}", chance), lon, lat)


def city_streets() -> list[Street]:
    """The streets of the demo's gazetteer."""
    features = json.loads(files("config.demo").joinpath("gazetteer.geojson").read_text("utf-8"))["features"]
    return [
        Street(row["properties"]["street"], row["properties"]["district"], LineString(row["geometry"]["coordinates"]))
        for row in features
        if row["geometry"]["type"] == "LineString"
    ]


def _spot(street: Street, chance: random.Random) -> tuple[float, float]:
    on_street = street.line.interpolate(chance.random(), normalized=True)
    lon = on_street.x + chance.uniform(-SPREAD, SPREAD)
    lat = on_street.y + chance.uniform(0, SPREAD)  # northwards only: the water lies to the south
    return round(lon, 6), round(lat, 6)


def _sample(index: int, seed: int, street: Street, place: str, chance: random.Random) -> Sample:
    # the numbers of streets and of measures have no common divisor: all combinations come before any comes again
    direction, measure = MEASURES[index % len(MEASURES)]
    house = 1 + index // len(MEASURES) % 180
    start = chance.randrange(-700, 300)
    text = (
        f"{measure} у дома {house}: просят жители соседних домов, замеры и фотографии приложены.",
        "",
        f"Направление: {direction}",
        f"Адрес: {street.name}, {house}",
        f"Место: {place}",
        f"Район: {street.district}",
        f"Горизонт: {2024 + index % 32}",
    )
    return Sample(
        reference=f"bench-{seed}-{index:06d}",
        stage=STAGES[(index + index // len(STAGES)) % len(STAGES)],
        closed=False,
        title=f"{measure}: {street.name}, {house}",
        description="\n".join(text),
        start_in_days=start,
        due_in_days=start + chance.randrange(30, 600),
        tags=frozenset({"заблокировано"}) if index % 29 == 0 else frozenset(),
    )
