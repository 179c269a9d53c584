"""The public map in a real Chromium, on a phone and on a wide screen."""

from __future__ import annotations

import colorsys
import json
from typing import TYPE_CHECKING

import pytest

from sync_service.publicmap.legend import LOOKS
from tests.browser.sample import make_city, make_districts, make_feature, point

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Route

    from tests.browser.onlooker import Onlooker
    from tests.browser.town import LiveService

HOME = (49.35, 53.52)
SCREENS = pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])


def titles(seen: Onlooker) -> list[str]:
    return seen.page.locator(".entry-title").all_inner_texts()


def rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def near(one: tuple[int, ...], other: tuple[int, ...], within: int = 12) -> bool:
    return all(abs(a - b) <= within for a, b in zip(one, other, strict=True))


@SCREENS
def test_city_is_shown_without_complaint(live_service: LiveService, look: Callable[..., Onlooker], phone: bool) -> None:
    live_service.load(make_city())
    live_service.set_districts(make_districts())
    seen = look(live_service, phone=phone).settled()
    assert seen.page.locator("#count").inner_text() == "80 предложений"
    assert seen.page.locator(".group-placed .tally").inner_text() == "73"
    assert seen.page.locator(".group-noplace h2").inner_text().startswith("Без точки на карте")
    seen.until(lambda: seen.drawn("cluster"), "the clusters")
    assert seen.complaints == []
    assert seen.strangers == []


def test_nothing_on_the_page_runs_or_styles_inline(live_service: LiveService, look: Callable[..., Onlooker]) -> None:
    seen = look(live_service).settled()
    policy = seen.page.request.get(seen.base_url + "/").headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


@SCREENS
def test_each_stage_has_its_colour(live_service: LiveService, look: Callable[..., Onlooker], phone: bool) -> None:
    places = {look_.stage: (HOME[0] + 0.01 * number, HOME[1]) for number, look_ in enumerate(LOOKS)}
    live_service.load([make_feature(stage, stage=stage, geometry=point(*place)) for stage, place in places.items()])
    seen = look(live_service, phone=phone).settled()
    for look_ in LOOKS:
        place = places[look_.stage]
        seen.go(*place, 16)
        seen.shown("mark", 1)
        assert seen.drawn("mark")[0]["stage"] == look_.stage
        x, y = seen.spot(*place)
        assert near(seen.pixel(x + 6.5, y), rgb(look_.colour)), look_.stage


def test_trouble_is_marked(live_service: LiveService, look: Callable[..., Onlooker]) -> None:
    calm, late = (HOME[0], HOME[1]), (HOME[0] + 0.001, HOME[1])
    live_service.load(
        [
            make_feature("calm", geometry=point(*calm)),
            make_feature("late", geometry=point(*late), overdue_days=12, blocked=True),
        ]
    )
    seen = look(live_service).settled()
    seen.go(*HOME, 17)
    seen.shown("overdue", 1)
    x, y = seen.spot(*late)
    red, green, _ = seen.pixel(x + 13.5, y)
    assert red > green + 80, "the ring of an overdue proposal"
    assert not near(seen.pixel(x, y), (255, 255, 255)), "bars leave the middle free"
    x, y = seen.spot(*calm)
    assert near(seen.pixel(x, y), (255, 255, 255)), "the dot of an approved one"
    badges = seen.page.locator(".entry", has_text="late").locator(".badge").all_inner_texts()
    assert badges == ["Просрочено на 12 дн.", "Заблокировано"]


def test_lines_and_areas_are_drawn_as_such(live_service: LiveService, look: Callable[..., Onlooker]) -> None:
    x, y = HOME
    ring = [[x, y], [x + 0.004, y], [x + 0.004, y + 0.003], [x, y + 0.003], [x, y]]
    live_service.load(
        [
            make_feature(
                "line", geometry={"type": "LineString", "coordinates": [[x, y - 0.001], [x + 0.004, y - 0.001]]}
            ),
            make_feature("area", geometry={"type": "MultiPolygon", "coordinates": [[ring]]}, stage="done"),
            make_feature(
                "two", geometry={"type": "MultiPoint", "coordinates": [[x, y - 0.002], [x + 0.004, y - 0.002]]}
            ),
        ]
    )
    seen = look(live_service).settled()
    seen.go(x + 0.002, y, 15.5)
    seen.shown("mark", 4)  # one for the line, one for the area, two for the points
    assert {each["stage"] for each in seen.drawn("area")} == {"done"}
    assert len({each["guid"] for each in seen.drawn("line")}) == 2, "the line and the area's edge"
    px, py = seen.spot(x + 0.001, y - 0.001)
    assert near(seen.pixel(px, py), rgb(LOOKS[0].colour))


@SCREENS
def test_click_on_the_map_opens_the_summary(
    live_service: LiveService, look: Callable[..., Onlooker], phone: bool
) -> None:
    feature = make_feature(
        "Сквер у фонтана", geometry=point(*HOME), summary="Первая строка\nВторая", partner="Профсоюз", horizon=2030,
        start="2026-05-01", due="2027-06-30", address="ул. Мира, 7", direction="Экология",
    )  # fmt: skip
    live_service.load([feature])
    seen = look(live_service, phone=phone).settled()
    seen.go(HOME[0], HOME[1] - (0.002 if phone else 0), 15)
    seen.shown("mark", 1)
    x, y = seen.spot(*HOME)
    (seen.page.touchscreen.tap if phone else seen.page.mouse.click)(x, y)
    card = seen.page.locator("#card")
    card.locator("h2").wait_for()
    assert card.locator("h2").inner_text() == "Сквер у фонтана"
    assert card.locator(".chip").inner_text() == "Одобрено"
    assert card.locator(".summary").inner_text() == "Первая строка\nВторая"
    assert card.locator("dd").all_inner_texts() == [
        "Экология", "Профсоюз", "2030", "1 мая 2026 г. – 30 июн. 2027 г.", "ул. Мира, 7",
    ]  # fmt: skip
    assert "null" not in card.inner_text()
    assert seen.page.evaluate("location.search") == f"?proposal={feature['id']}"
    seen.page.keyboard.press("Escape")
    assert card.is_hidden()
    assert seen.page.evaluate("location.search") == ""
    assert seen.complaints == []


def test_second_click_goes_on_to_what_lies_below(live_service: LiveService, look: Callable[..., Onlooker]) -> None:
    live_service.load([make_feature(name, geometry=point(*HOME)) for name in ("one", "two")])
    seen = look(live_service).settled()
    seen.go(*HOME, 15)
    seen.shown("mark", 2)
    opened = set()
    for _ in range(2):
        seen.page.mouse.click(*seen.settled().spot(*HOME))
        opened.add(seen.page.locator("#card h2").inner_text())
    assert opened == {"one", "two"}


def test_click_on_a_cluster_opens_it(live_service: LiveService, look: Callable[..., Onlooker]) -> None:
    live_service.load([make_feature(str(n), geometry=point(HOME[0] + n * 0.003, HOME[1])) for n in range(4)])
    seen = look(live_service).settled()
    seen.go(*HOME, 9)
    seen.until(lambda: [each["point_count"] for each in seen.drawn("cluster")] == [4], "the cluster")
    place = seen.map("map.queryRenderedFeatures({layers: ['cluster']})[0].geometry.coordinates")
    seen.page.mouse.click(*seen.spot(*place))
    seen.until(lambda: sorted(each["point_count"] for each in seen.drawn("cluster")) == [2, 2], "its two halves")


def test_list_by_keyboard(live_service: LiveService, look: Callable[..., Onlooker]) -> None:
    live_service.load([make_feature("А", geometry=point(*HOME)), make_feature("Б", geometry=point(49.5, 53.47))])
    seen = look(live_service).settled()
    entry = seen.page.locator(".entry").nth(1)
    entry.focus()
    seen.page.keyboard.press("Enter")
    assert seen.page.locator("#card h2").inner_text() == "Б"
    assert entry.get_attribute("aria-current") == "true"
    seen.until(lambda: abs(seen.map("map.getCenter().lng") - 49.5) < 0.01, "the flight")
    seen.page.keyboard.press("Escape")
    assert seen.page.evaluate("document.activeElement.textContent").startswith("Б"), "the focus comes back"


def test_filters(live_service: LiveService, look: Callable[..., Onlooker]) -> None:
    live_service.load(
        [
            make_feature("Ёлки во дворе", geometry=point(*HOME), direction="Экология", horizon=2030, district="Центр"),
            make_feature("Мост", geometry=point(49.4, 53.5), stage="done", direction="Транспорт", horizon=2050),
            make_feature("Трамвай", stage="in_progress", direction="Транспорт", overdue_days=3),
        ]
    )
    seen = look(live_service).settled()
    page = seen.page
    page.fill("#query", "елки  ДВОР")
    assert titles(seen) == ["Ёлки во дворе"]
    assert page.locator("#count").inner_text() == "1 из 3 предложения"
    page.fill("#query", "")
    page.click("#stage-done")
    assert titles(seen) == ["Мост"]
    assert page.locator("#stage-done").get_attribute("aria-pressed") == "true"
    assert page.evaluate("document.activeElement.id") == "stage-done", "the focus stays on the button in use"
    page.click("#stage-done")
    page.click("#filters-toggle")
    page.select_option("#filter-direction", "Транспорт")
    assert titles(seen) == ["Мост", "Трамвай"]
    page.check("#filter-overdue")
    assert titles(seen) == ["Трамвай"]
    assert page.locator("#filters-toggle").inner_text() == "Фильтры: 2"
    assert page.evaluate("decodeURIComponent(location.search)") == "?direction=Транспорт&overdue=1"
    page.click("#reset")
    assert len(titles(seen)) == 3
    page.select_option("#filter-from", "2050")
    assert titles(seen) == ["Мост"]
    page.fill("#query", "нет такого")
    assert page.locator(".note-title").inner_text() == "Ничего не найдено"


def test_filtered_list_is_filtered_map(live_service: LiveService, look: Callable[..., Onlooker]) -> None:
    live_service.load(
        [make_feature("А", geometry=point(*HOME)), make_feature("Б", geometry=point(49.352, 53.52), stage="done")]
    )
    seen = look(live_service, "/?stage=done").settled()
    assert titles(seen) == ["Б"]
    seen.go(*HOME, 15)
    seen.shown("mark", 1)
    assert seen.drawn("mark")[0]["stage"] == "done"


@pytest.mark.parametrize(
    ("language", "title"), [("ru-RU", "Карта развития"), ("en-GB", "Development map"), ("de", "Карта развития")]
)
def test_language_is_the_browsers(
    live_service: LiveService, look: Callable[..., Onlooker], language: str, title: str
) -> None:
    assert look(live_service, language=language).settled().page.title() == title


def test_language_switch_stays(live_service: LiveService, look: Callable[..., Onlooker]) -> None:
    live_service.load([make_feature("Сквер", geometry=point(*HOME), direction="Экология")])
    seen = look(live_service).settled()
    seen.page.locator(".entry").click()
    seen.page.click("#language")
    seen.page.locator("h1", has_text="Development map").wait_for()
    assert seen.page.locator("#card .chip").inner_text() == "Approved"
    assert seen.page.locator("#card dt").all_inner_texts()[0] == "Direction"
    assert seen.page.locator("#count").inner_text() == "1 proposal"
    assert seen.page.locator("#zoom-in").get_attribute("aria-label") == "Zoom in"
    assert seen.page.evaluate("document.documentElement.lang") == "en"
    seen.page.reload()
    seen.settled()
    assert seen.page.title() == "Development map"


HOSTILE = '<img src=x onerror="window.broken=1"><script>window.broken=1</script>&amp;'


def test_markup_from_a_card_is_only_text(live_service: LiveService, look: Callable[..., Onlooker]) -> None:
    texts = dict.fromkeys(("summary", "direction", "partner", "address", "district", "cadastral_number"), HOSTILE)
    live_service.load([make_feature(HOSTILE, geometry=point(*HOME), stage="x' onload='", **texts), make_feature("ok")])
    outlines = make_districts()
    outlines["features"][0]["properties"]["name"] = HOSTILE
    live_service.set_districts(outlines)
    seen = look(live_service).settled()
    seen.page.locator(".entry").first.click()
    assert seen.page.locator("#card h2").inner_text() == HOSTILE
    assert seen.page.locator("#card .summary").inner_text() == HOSTILE
    seen.page.click("#filters-toggle")
    assert seen.page.locator("#panel img, #card img, #panel script, #card script").count() == 0
    assert seen.page.evaluate("window.broken") is None
    assert seen.complaints == []


@SCREENS
def test_deep_link_opens_and_goes_there(live_service: LiveService, look: Callable[..., Onlooker], phone: bool) -> None:
    features = make_city()
    live_service.load(features)
    wanted = next(each for each in features if each["geometry"] and each["geometry"]["type"] == "Point")
    seen = look(live_service, f"/?proposal={wanted['id']}", phone=phone).settled()
    assert seen.page.locator("#card h2").inner_text() == wanted["properties"]["title"]
    assert seen.map("map.getZoom()") > 13
    x, y = seen.spot(*wanted["geometry"]["coordinates"])
    on_top = seen.page.evaluate("([x, y]) => document.elementFromPoint(x, y).className", [x, y])
    assert "maplibregl-canvas" in on_top, "the place is not hidden behind the card"


def test_deep_link_to_a_proposal_without_a_place(live_service: LiveService, look: Callable[..., Onlooker]) -> None:
    feature = make_feature("Везде", placement="citywide")
    live_service.load([feature])
    seen = look(live_service, f"/?proposal={feature['id']}").settled()
    assert "Весь город" in seen.page.locator("#card").inner_text()
    assert seen.page.locator("#card button.action").count() == 0


def test_deep_link_to_what_is_not_public(live_service: LiveService, look: Callable[..., Onlooker]) -> None:
    live_service.load([make_feature("А", geometry=point(*HOME))])
    seen = look(live_service, "/?proposal=00000000-0000-0000-0000-000000000000").settled()
    assert "не найдено" in seen.page.locator("#notice").inner_text()
    assert seen.page.locator("#card").is_hidden()


def test_back_closes_the_summary(live_service: LiveService, look: Callable[..., Onlooker]) -> None:
    live_service.load([make_feature("А", geometry=point(*HOME))])
    seen = look(live_service).settled()
    seen.page.locator(".entry").click()
    seen.page.go_back()
    seen.page.locator("#card").wait_for(state="hidden")
    seen.page.go_forward()
    seen.page.locator("#card h2").wait_for()


def test_proposals_may_come_before_the_map(live_service: LiveService, look: Callable[..., Onlooker]) -> None:
    live_service.load([make_feature("А", geometry=point(*HOME))])
    seen = look(live_service)
    held: list[Route] = []
    seen.page.route("**/mapview.js", lambda route: held.append(route))  # noqa: PLW0108 - a builtin cannot be a handler
    seen.page.reload()
    seen.page.locator(".entry").wait_for()
    seen.page.locator(".entry").click()
    seen.until(lambda: held, "the map's module")
    held.pop().continue_()
    seen.settled()
    seen.shown("mark", 1)
    seen.until(lambda: seen.drawn("chosen"), "the open one")


def test_many_pages_come_by_their_links(live_service: LiveService, look: Callable[..., Onlooker]) -> None:
    live_service.load([make_feature(f"№ {n}", geometry=point(49.3 + n * 1e-4, 53.5)) for n in range(2300)])
    seen = look(live_service).settled()
    seen.until(lambda: "2" in seen.page.locator("#count").inner_text(), "the first page")
    seen.until(
        lambda: seen.page.locator("#count").inner_text().replace("\u00a0", " ") == "2 300 предложений", "all pages"
    )
    assert seen.page.locator(".entry").count() == 60, "the list grows on demand"
    seen.page.click(".more")
    assert seen.page.locator(".entry").count() == 120


def test_nothing_public_yet(live_service: LiveService, look: Callable[..., Onlooker]) -> None:
    seen = look(live_service).settled()
    seen.page.locator(".note-title", has_text="Опубликованных предложений пока нет").wait_for()
    assert seen.complaints == []


def test_service_out_of_reach_and_back(live_service: LiveService, look: Callable[..., Onlooker]) -> None:
    live_service.load([make_feature("А", geometry=point(*HOME))])
    seen = look(live_service, "/").settled()
    seen.page.route("**/ogc/**", lambda route: route.abort())
    seen.page.reload()
    seen.page.locator(".note-title", has_text="Не удалось загрузить").wait_for()
    seen.page.unroute("**/ogc/**")
    seen.page.locator(".note .retry").click()
    seen.page.locator(".entry").wait_for()
    seen.settled()
    seen.until(lambda: abs(seen.map("map.getCenter().lng") - HOME[0]) < 0.05, "the first view after the retry")


def test_lost_connection_keeps_what_is_there(live_service: LiveService, look: Callable[..., Onlooker]) -> None:
    live_service.load([make_feature("А", geometry=point(*HOME))])
    seen = look(live_service).settled()
    seen.page.route("**/ogc/**", lambda route: route.fulfill(status=200, body="<html>not json</html>"))
    seen.page.evaluate("window.dispatchEvent(new Event('online'))")
    seen.page.locator("#notice", has_text="показаны прежние данные").wait_for()
    assert titles(seen) == ["А"]


def test_open_page_follows_the_board(live_service: LiveService, look: Callable[..., Onlooker]) -> None:
    live_service.load([make_feature("А", geometry=point(*HOME))])
    seen = look(live_service).settled()
    seen.page.locator(".entry").click()
    live_service.load([make_feature("Б", geometry=point(*HOME))])
    seen.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    seen.page.locator(".entry-title", has_text="Б").wait_for()
    assert seen.page.locator("#card").is_hidden(), "a proposal no longer public closes"


def test_list_works_without_webgl(live_service: LiveService, look: Callable[..., Onlooker]) -> None:
    live_service.load([make_feature("А", geometry=point(*HOME), summary="текст")])
    seen = look(live_service)
    seen.page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    seen.page.reload()
    seen.page.locator(".no-map").wait_for()
    seen.page.locator(".entry").click()
    assert seen.page.locator("#card .summary").inner_text() == "текст"


def test_sheet_has_three_heights(live_service: LiveService, look: Callable[..., Onlooker]) -> None:
    live_service.load(make_city())
    seen = look(live_service, phone=True, reduced_motion="reduce").settled()

    def height() -> float:
        return seen.page.locator("#panel").bounding_box()["height"]  # type: ignore[index]  # it is there

    middle = height()
    seen.page.locator("#handle").focus()
    seen.page.keyboard.press("ArrowDown")
    low = height()
    seen.page.keyboard.press("ArrowUp")
    seen.page.keyboard.press("ArrowUp")
    assert low < middle < height()
    box = seen.page.locator("#handle").bounding_box()
    assert box
    seen.page.mouse.move(box["x"] + 100, box["y"] + 10)
    seen.page.mouse.down()
    seen.page.mouse.move(box["x"] + 100, 830, steps=4)
    seen.page.mouse.up()
    assert height() == low, "dragged down"
    seen.page.locator("#handle").tap()
    assert height() == middle, "a tap raises it"


@SCREENS
def test_everything_a_finger_needs_is_big_enough(
    live_service: LiveService, look: Callable[..., Onlooker], phone: bool
) -> None:
    live_service.load(make_city())
    seen = look(live_service, phone=phone).settled()
    sizes = seen.page.evaluate(
        "() => [...document.querySelectorAll('button:not(#handle)')].filter((each) => each.offsetParent)"
        ".map((each) => [each.id || each.className, each.offsetHeight])"
    )
    assert [each for each in sizes if each[1] < (36 if each[0] == "language" else 40)] == []
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, index) => sum + v * [0.2126, 0.7152, 0.0722][index], 0);
  const ground = (node) => {
    for (let each = node; each; each = each.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(each).backgroundColor);
      if (r !== undefined && a > 0.7) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const poor = [];
  while (texts.nextNode()) {
    const node = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !node.offsetParent || node.closest("svg, noscript, option")) continue;
    const [one, other] = [light(parse(getComputedStyle(node).color)), light(ground(node))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) poor.push([texts.currentNode.data, ratio]);
  }
  return poor;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(live_service: LiveService, look: Callable[..., Onlooker], scheme: str) -> None:
    live_service.load([make_feature("А", geometry=point(*HOME), overdue_days=4, blocked=True, summary="текст")])
    seen = look(live_service, color_scheme=scheme).settled()
    seen.page.locator(".entry").click()
    seen.page.click("#filters-toggle")
    assert seen.page.evaluate(CONTRAST) == []


def test_dark_page_has_a_dark_map(live_service: LiveService, look: Callable[..., Onlooker]) -> None:
    live_service.load([make_feature("А", geometry=point(*HOME))])
    seen = look(live_service, color_scheme="dark").settled()
    seen.go(*HOME, 16)
    seen.shown("mark", 1)
    x, y = seen.spot(*HOME)
    assert near(seen.pixel(x + 6.5, y), rgb(LOOKS[0].dark))
    assert colorsys.rgb_to_hls(*(v / 255 for v in seen.pixel(x + 40, y + 33)))[1] < 0.3
    seen.page.emulate_media(color_scheme="light")
    seen.until(
        lambda: seen.map("!!map.getLayer('mark') && map.getPaintProperty('paper', 'background-color') === '#f3f1ea'"),
        "the light style",
    )
    seen.until(lambda: near(seen.pixel(x + 6.5, y), rgb(LOOKS[0].colour)), "the light mark")


def test_service_below_a_path(serve: Callable[..., LiveService], look: Callable[..., Onlooker]) -> None:
    service = serve(public_url="https://city.example.org/placecard")
    seen = look(service)
    assert json.loads(seen.page.request.get(service.base_url + "/map/config.json").text())["ogc"] == "/placecard/ogc"
    page = seen.page.request.get(service.base_url + "/").text()
    assert 'src="/placecard/static/map/' in page
    assert 'data-config="/placecard/map/config.json"' in page
