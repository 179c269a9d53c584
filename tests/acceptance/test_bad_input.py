"""Cards as nobody should write them, on the real Kanboard: each keeps its feature and its reason, the others go on."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
from openpyxl import load_workbook

from sync_service.export.writing import export_features
from sync_service.store.database import Database
from sync_service.words import catalogue
from tests.boards import make_kanboard_project
from tests.service import make_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.boards import KanboardProject
    from tests.service import Service
    from tools.kanboard import KanboardServer

PLACE = "Место: 53.5303, 49.3461"
LONG = "Очень длинное описание сквера, улица Мира, 5; 53.1 49.2, https://example.org/?q=1 " * 800
SCRIPT = "<script>alert('взлом')</script><img src=x onerror=alert(1)>"
RIGHT_TO_LEFT = "حديقة المدينة \u202eкрас \u2066שלום\u2069"
EMOJI = "Сквер 🌳👨‍👩‍👧‍👦🏳️‍🌈 и e\u0301"
CONTROL = "Сквер\x01\x08\x0b\x1b[31m\x7f\ufffe"
LABELS = "\n".join(
    f"Направление: {number}\nАдрес: улица {number}\nГоризонт: 20{number % 100:02}" for number in range(3000)
)


@dataclass(slots=True)
class Crowd:
    """Cards by what is odd about them, and the running service that has met them."""

    service: Service
    cards: dict[str, str] = field(default_factory=dict)

    def feature(self, name: str) -> dict[str, Any]:
        """The only feature of a card, wherever it stands."""
        found = [
            feature
            for collection in ("proposals", "proposals_noplace", "unplaced")
            for feature in self.service.items(collection, card_id=self.cards[name])
        ]
        assert len({feature["id"] for feature in found}) == 1, f"{name}: {len(found)} features"
        return found[-1]

    def reason(self, name: str) -> str:
        """Why a card has no place, as its feature says it."""
        feature = self.feature(name)
        assert (feature["geometry"], feature["properties"]["placement"]) == (None, "unplaced")
        return str(feature["properties"]["place_reason"])


ODD: dict[str, tuple[str, str]] = {
    "good": ("Сквер у школы", PLACE),
    "link": ("Битая ссылка", "Место: https://[yandex.ru/maps?pt=49,53"),
    "marker": ("Ссылка без метки", "Место: https://yandex.ru/maps/?pt=сквер,%ZZ&z=17"),
    "short": ("Короткая ссылка", "Место: https://clck.ru/3abc"),
    "planet": ("Другая планета", "Место: 153.5303, 949.3461"),
    "outside": ("За городом", "Место: 55.7558, 37.6173"),
    "zero": ("Пустое поле", "Место: 0.0, 0.0"),
    "long": ("Длинное описание", f"{PLACE}\n{LONG[:60_000]}"),
    "emoji": (EMOJI, f"{PLACE}\n{EMOJI}"),
    "rtl": (RIGHT_TO_LEFT, f"{PLACE}\n{RIGHT_TO_LEFT}"),
    "control": (CONTROL, f"{PLACE}\n{CONTROL}"),
    "script": (SCRIPT, f"{PLACE}\n{SCRIPT}"),
    "formula": ('=HYPERLINK("http://evil.example";"Сквер")', f"{PLACE}\n@SUM(A1)"),
    "title": ("Ж" * 250, PLACE),
    "labels": ("Тысячи строк", f"{PLACE}\n{LABELS}"),
    "braces": ("{why} {0} %s ${x} {{", "Место: {place} %d"),
    "slow": ("Трудное для чтения", "Место: " + "53.5 " * 4000 + "\nАдрес: " + "ул. " * 4000),
}


@pytest.fixture(scope="module")
def crowd(kanboard_server: KanboardServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """All the odd cards approved, met by one sweep of a service beside them."""
    project = make_kanboard_project(kanboard_server)
    service = make_service(tmp_path_factory.mktemp("crowd"), project)
    met = Crowd(service)
    for name, (title, description) in ODD.items():
        met.cards[name] = project.add(title, description, "Одобрено")
    met.cards["crowded"] = crowded(project)
    service.start()
    done = service.run("sync", "--json")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    yield met
    service.session.close()
    service.stop()


def crowded(project: KanboardProject) -> str:
    """A card with 500 comments, 200 links and 100 tags."""
    card = project.add("Всё и сразу", PLACE, "Одобрено")
    link = {"url": "https://example.org/", "title": "ссылка", "type": "weblink", "dependency": "related"}
    comments = [("createComment", {"task_id": int(card), "user_id": 1, "content": f"№ {n} 🌳"}) for n in range(500)]
    links = [
        ("createExternalTaskLink", {"task_id": int(card), **link, "url": f"https://example.org/{n}"})
        for n in range(200)
    ]
    project.server.call_many([*comments, *links])
    project.hands.set_tags(card, [f"метка {number}" for number in range(99)] + ["заблокировано"])
    return card


def test_every_card_has_one_feature_and_nothing_failed(crowd: Crowd) -> None:
    numbers = [feature["properties"]["card_id"] for feature in crowd.service.items("proposals")]
    numbers += [feature["properties"]["card_id"] for feature in crowd.service.items("unplaced")]
    assert sorted(numbers) == sorted(crowd.cards.values())
    log = crowd.service.lines()
    assert [line for line in log if line["level"] == "ERROR"] == []
    assert crowd.service.check()["hints"]["ok"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("link", "link_broken"),
        ("marker", "link_no_marker"),
        ("short", "link_short"),
        ("planet", "coordinates_impossible"),
        ("outside", "outside_area"),
        ("zero", "coordinates_zero"),
        ("braces", "place_unreadable"),
    ],
)
def test_wrong_place_is_none_and_its_reason_is_kept(crowd: Crowd, name: str, reason: str) -> None:
    beginning = re.split(r"[“{]", str(catalogue("en")[reason]))[0].strip()
    said = crowd.reason(name)
    assert beginning in said or reason in said, said


def test_reason_stands_in_the_working_layer_of_those_who_may(crowd: Crowd) -> None:
    rows = crowd.service.items("unplaced")
    assert {row["properties"]["card_id"] for row in rows} >= {
        crowd.cards[name] for name in ("link", "planet", "outside")
    }
    assert all(row["properties"]["place_reason"] for row in rows)
    assert crowd.service.as_stranger("/ogc/collections/unplaced/items").status_code == 401


@pytest.mark.parametrize(
    "name", ["good", "long", "emoji", "rtl", "control", "script", "formula", "title", "labels", "crowded"]
)
def test_odd_text_takes_no_place_away_and_is_kept_whole(crowd: Crowd, name: str) -> None:
    feature = crowd.feature(name)
    assert feature["geometry"] == {"type": "Point", "coordinates": [49.3461, 53.5303]}
    if name not in {"crowded", "control"}:
        assert feature["properties"]["title"] == ODD[name][0]
    assert feature["properties"]["blocked"] is (name == "crowded")


def test_long_text_is_kept_to_its_last_letter(crowd: Crowd) -> None:
    (row,) = crowd.service.items("working_points", card_id=crowd.cards["long"])
    assert len(row["properties"]["description"]) >= 60_000
    assert crowd.service.get(f"/board/cards/{crowd.cards['long']}").ok


def test_card_link_is_put_once_among_two_hundred(crowd: Crowd) -> None:
    links = crowd.service.project.links(crowd.cards["crowded"])
    assert [link for link in links if link.startswith(crowd.service.url)] == [
        f"{crowd.service.url}/board/cards/{crowd.cards['crowded']}"
    ]


def test_no_page_runs_what_a_card_says(crowd: Crowd) -> None:
    number = crowd.cards["script"]
    guid = crowd.feature("script")["id"]
    pages = [
        f"/ogc/collections/proposals/items/{guid}",
        "/ogc/collections/proposals/items?limit=1000",
        "/ogc/collections/working_points/items?limit=1000",
        f"/board/cards/{number}",
        "/",
    ]
    for page in pages:
        answer = crowd.service.get(page, headers={"Accept": "text/html"})
        assert answer.ok
        assert answer.headers["Content-Type"].startswith("text/html"), page
        assert "<script>alert" not in answer.text, page
        assert "<img src=x" not in answer.text, page
    assert "&lt;script&gt;" in crowd.service.get(pages[0], headers={"Accept": "text/html"}).text


def test_json_is_json_whatever_the_texts(crowd: Crowd) -> None:
    answer = crowd.service.get("/ogc/collections/proposals/items?limit=1000")
    answer.content.decode("utf-8", "strict")
    assert len(answer.json()["features"]) == answer.json()["numberReturned"]


@pytest.mark.parametrize("suffix", ["gpkg", "geojson", "fgb", "xlsx", "csv"])
def test_export_holds_every_odd_card(crowd: Crowd, suffix: str) -> None:
    path = crowd.service.folder / f"odd.{suffix}"
    database = Database(crowd.service.environ["PLACECARD_STORE_URL"])
    with database.reading() as connection:
        assert export_features(connection, path, date(2026, 3, 2)) == len(crowd.cards)
    database.close()
    titles = READ[suffix](path)
    assert len(titles) == len(crowd.cards)
    assert {"Сквер у школы", EMOJI, SCRIPT} <= set(titles)
    guarded = "'" if suffix in {"xlsx", "csv"} else ""
    assert guarded + ODD["formula"][0] in titles


def layer_titles(path: Path) -> list[str]:
    frame = gpd.read_file(path)
    if isinstance(frame, gpd.GeoDataFrame) and frame.crs:
        assert frame.crs.to_authority() in {("OGC", "CRS84"), ("EPSG", "4326")}
        placed = frame[frame.geometry.notna()].geometry
        assert placed.x.between(49, 50).all(), "longitude comes first"
    return list(frame["title"])


def package_titles(path: Path) -> list[str]:
    return [title for name, _ in pyogrio.list_layers(path) for title in package_layer(path, name)]


def package_layer(path: Path, name: str) -> list[str]:
    frame = gpd.read_file(path, layer=name)
    kinds = {"points": {"MultiPoint"}, "noplace": set()}
    if isinstance(frame, gpd.GeoDataFrame) and "geometry" in frame:
        assert set(frame[frame.geometry.notna()].geom_type) == kinds[name]
    return list(frame["title"])


def sheet_titles(path: Path) -> list[str]:
    with closing(load_workbook(path, read_only=True)) as book:
        rows = list(book["proposals"].iter_rows(values_only=True))
    return [str(row[rows[0].index("title")]) for row in rows[1:]]


READ: dict[str, Callable[[Path], list[str]]] = {
    "gpkg": package_titles,
    "geojson": layer_titles,
    "fgb": layer_titles,
    "xlsx": sheet_titles,
    "csv": lambda path: list(pd.read_csv(path)["title"]),
}
"""Each format read as people would read it."""
