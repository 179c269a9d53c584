"""Takes the pictures of the docs.

python tools/screenshots.py http://127.0.0.1:8080 [docs/images]   the public map of a running service
python tools/screenshots.py desk [docs/images]                    the pages of the desk, of a store made for it
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import shapely
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from sync_service.store.clock import utc_now
from tests.browser.onlooker import ARGUMENTS, CHROMIUM, DESKTOP, PHONE, Onlooker
from tests.browser.town import running_service
from tests.desk import Desk, make_desk
from tests.editor import Editor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

SURGE_LIMIT = 4
THINGS = (
    "Набережная без барьеров от речного вокзала до парка",
    "Велодорожка вдоль бульвара",
    "Мастерская для подростков",
    "Экотропа через лес",
    "Остановка с тёплым павильоном",
    "Освещение пешеходной улицы",
    "Пункт приёма вторсырья",
    "Библиотека вечерних занятий",
)


def take_picture(seen: Onlooker, target: Path, *, card: int | None) -> None:
    """One picture of the settled map, with the n-th proposal open if wanted."""
    seen.visit("/")
    seen.settled()
    seen.until(lambda: seen.drawn("cluster") or seen.drawn("mark"), "the marks")
    if card is not None:
        seen.page.locator(".group-placed .entry").nth(card).click()
        seen.settled()
        seen.page.locator("#whole").click()
        seen.until(lambda: seen.map("!map.isMoving()"), "the flight")
        seen.settled()
    seen.page.screenshot(path=target)
    print(target)


def take_map(browser: Browser, base_url: str, folder: Path) -> None:
    """A wide screen with a summary open, and a phone."""
    for name, screen, card in (("map-desktop.png", DESKTOP, 2), ("map-phone.png", PHONE, None)):
        with looking(browser, base_url, screen) as seen:
            take_picture(seen, folder / name, card=card)


def take_desk(browser: Browser, folder: Path) -> None:
    """What waits, a clash and what changed, on a wide screen."""
    with tempfile.TemporaryDirectory() as store:
        desk = make_desk(Path(store), SURGE_LIMIT=str(SURGE_LIMIT), TIMEZONE="Europe/Samara")
        clash = fill_desk(desk)
        pages = {"waiting": "/desk/waiting", "clash": clash, "changes": "/desk/changes"}
        with running_service(store_url=desk.parts.database.url, surge_limit=SURGE_LIMIT) as service:
            for name, path in pages.items():
                with looking(browser, service.base_url, DESKTOP) as seen:
                    take_page(seen, path, folder / f"desk-{name}.png")
        desk.parts.database.close()


def take_page(seen: Onlooker, path: str, target: Path) -> None:
    """One picture of a page, once its maps stand still."""
    seen.visit(path)
    seen.until(lambda: seen.page.evaluate(MAPS_STAND), "the maps")
    seen.page.screenshot(path=target)
    print(target)


MAPS_STAND = "[...document.querySelectorAll('[data-side]')].every((place) => place.map?.loaded())"


def fill_desk(desk: Desk) -> str:
    """A surge, a text that looks personal, and two people who drew one place; gives the path of their clash."""
    desk.now = utc_now() - timedelta(hours=4)
    cards = [desk.add(thing, _description(number), "Одобрено") for number, thing in enumerate(THINGS)]
    desk.sweep()
    desk.drag(cards[1], "В работе")
    desk.drag(cards[3], "Отклонено")
    desk.sweep()
    first, second = Editor(desk, "ГИС-отдел"), Editor(desk, "Совет архитекторов", source="ogc")
    guid = desk.known(cards[0]).guid
    base = second.version(guid)
    first.push(first.update(guid, _line((49.341, 53.529), (49.352, 53.5295)), address="Комсомольская наб., 3"))
    desk.now += timedelta(minutes=40)
    drawn = _line((49.341, 53.529), (49.3461, 53.5311), (49.353, 53.5312))
    second.push(second.update(guid, drawn, base=base, address="от речного вокзала до парка"))
    (clash,) = first.clashes(guid)
    return f"/desk/clashes/{clash.id}"


def _description(number: int) -> str:
    place = f"Место: {53.5303 + number / 500:.4f}, {49.3461 + number / 300:.4f}"
    direction = f"Направление: {'Транспорт' if number % 3 else 'Городская среда'}"
    told = "Спросить по телефону +7 900 000-00-00.\n\n" if number == 2 else ""
    return f"{told}{direction}\n{place}"


def _line(*corners: tuple[float, float]) -> bytes:
    return bytes(shapely.to_wkb(shapely.LineString(corners)))


@contextmanager
def looking(browser: Browser, base_url: str, screen: dict[str, Any]) -> Iterator[Onlooker]:
    """Somebody before a screen of this size."""
    context = browser.new_context(locale="ru-RU", timezone_id="Europe/Samara", **screen)
    yield Onlooker(context.new_page(), base_url.rstrip("/"))
    context.close()


def main(what: str, folder: Path) -> None:
    """All pictures of the map at an address, or of the desk."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        if what == "desk":
            take_desk(browser, folder)
        else:
            take_map(browser, what, folder)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2] if len(sys.argv) > 2 else "docs/images"))
