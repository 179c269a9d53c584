"""The pages of the desk in a real Chromium, on a phone and on a wide screen."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import pytest
import shapely
from pydantic import SecretStr

from tests.bureau import TOKEN
from tests.desk import Desk, make_desk
from tests.editor import Editor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.browser.onlooker import Onlooker
    from tests.browser.town import LiveService

SCREENS = pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Desk]:
    """Five cards are to be public and two may, so that three wait; one text looks personal."""
    made = make_desk(tmp_path, SURGE_LIMIT="2")
    for number in range(4):
        made.add(f"Сквер {number}", column="Одобрено")
    made.add("Мастерская", "Звонить +7 927 123-45-67.\n\nМесто: 53.5303, 49.3461", "Одобрено")
    made.sweep()
    yield made
    made.parts.database.close()


@pytest.fixture
def service(bridge: Desk, serve: Callable[..., LiveService]) -> LiveService:
    """The service over its store; nobody needs to sign in at this machine."""
    return serve(store_url=bridge.parts.database.url, surge_limit=2)


def titles(seen: Onlooker) -> list[str]:
    return seen.page.locator("form.pick .item h2").all_inner_texts()


def is_sound(seen: Onlooker) -> None:
    """Nothing was complained of, nothing asked of others, nothing hangs over the edge, fingers find everything."""
    assert seen.complaints == []
    assert seen.strangers == []
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    small = seen.page.evaluate(
        "() => [...document.querySelectorAll('button, select, .places a, input[type=date], input[type=password]')]"
        ".filter((each) => each.offsetParent && each.offsetHeight < 44).map((each) => each.outerHTML)"
    )
    assert small == []


@SCREENS
def test_signing_in_leads_back_and_the_map_shows_what_waits(
    bridge: Desk, serve: Callable[..., LiveService], look: Callable[..., Onlooker], phone: bool
) -> None:
    guarded = serve(store_url=bridge.parts.database.url, api_token=SecretStr(TOKEN))
    stranger = look(guarded, "/", phone=phone).settled()
    assert stranger.page.locator("#desk").count() == 0
    seen = look(guarded, "/desk/waiting?kind=text", phone=phone)
    seen.page.fill("#token", TOKEN)
    seen.follow(seen.page.locator("button.button"))
    assert seen.page.url.endswith("/desk/waiting?kind=text")
    assert titles(seen) == ["Мастерская"]
    is_sound(seen)
    seen.visit("/")
    seen.settled()
    assert seen.page.locator("#desk").inner_text().split() == ["Разбор", "4"]
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    seen.follow(seen.page.locator("#desk"))
    assert seen.page.url.endswith("/desk/waiting")
    seen.follow(seen.page.locator(".leave button"))
    assert "/signin" in seen.page.url


@SCREENS
def test_all_are_ticked_and_confirmed_together(
    service: LiveService, look: Callable[..., Onlooker], phone: bool
) -> None:
    seen = look(service, "/desk/waiting?kind=public", phone=phone)
    assert titles(seen) == ["Сквер 2", "Сквер 3", "Мастерская"]
    confirm = seen.page.locator('button[value="confirm chosen"]')
    assert confirm.is_disabled()
    seen.page.locator('.item input[type="checkbox"]').first.check()
    assert seen.page.locator(".chosen").inner_text() == "Отмечено: 1"
    assert seen.page.evaluate("document.querySelector('[data-all] input').indeterminate")
    seen.page.locator("[data-all] input").check()
    assert seen.page.locator(".chosen").inner_text() == "Отмечено: 3"
    is_sound(seen)
    seen.follow(confirm)
    assert seen.page.locator(".told").inner_text() == "Подтверждено: 3 изменения."
    assert seen.page.locator(".places .count").inner_text() == "1"
    is_sound(seen)


def test_one_is_refused_by_keyboard(service: LiveService, look: Callable[..., Onlooker]) -> None:
    seen = look(service, "/desk/waiting?kind=public", language="en-GB")
    button = seen.page.get_by_role("button", name="Refuse: Сквер 3")
    button.focus()
    with seen.page.expect_navigation():
        seen.page.keyboard.press("Enter")
    assert seen.page.locator(".told").inner_text() == "1 change refused."
    assert titles(seen) == ["Сквер 2", "Мастерская"]
    assert seen.page.locator(".refused summary").inner_text() == "Refused: 1"


@SCREENS
def test_pages_work_without_javascript(service: LiveService, look: Callable[..., Onlooker], phone: bool) -> None:
    seen = look(service, "/desk/waiting", phone=phone, java_script_enabled=False)
    assert seen.page.locator("[data-all]").is_hidden()
    seen.page.locator('.item input[type="checkbox"]').nth(0).check()
    seen.page.locator('.item input[type="checkbox"]').nth(1).check()
    seen.follow(seen.page.locator('button[value="confirm chosen"]'))
    assert seen.page.locator(".told").inner_text() == "Подтверждено: 2 изменения."
    seen.visit("/desk/changes?since=2026-03-01")
    assert seen.page.locator(".changed").count() == 5 + 2, "five came in March, two were settled just now"
    seen.page.click("details summary")
    seen.page.select_option('select[name="source"]', "page")
    seen.follow(seen.page.locator(".fields .button"))
    assert seen.page.locator(".changed").count() == 2
    seen.follow(seen.page.locator(".changed h3 a").first)
    assert seen.page.locator("svg.sketch").count() == 1


@SCREENS
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/desk/waiting", "/desk/changes?since=2026-03-01"])
def test_pages_are_sound_in_every_light(
    service: LiveService, look: Callable[..., Onlooker], path: str, phone: bool, scheme: str
) -> None:
    seen = look(service, path, phone=phone, color_scheme=scheme)
    seen.page.wait_for_load_state("networkidle")
    is_sound(seen)


# --- clashes


@pytest.fixture
def quarrel(bridge: Desk) -> str:
    """Two people move one place and name another address; the path of their clash."""
    anna, boris = Editor(bridge, "первый редактор"), Editor(bridge, "второй редактор")
    guid = bridge.known("1").guid
    base = boris.version(guid)
    anna.push(anna.update(guid, shapely.to_wkb(shapely.Point(49.3479, 53.5303)), address="ул. Мира, 7"))
    road = shapely.LineString([(49.34, 53.53), (49.35, 53.53)])
    boris.push(boris.update(guid, shapely.to_wkb(road), base=base, address="ул. Мира, 9"))
    (clash,) = anna.clashes(guid)
    return f"/desk/clashes/{clash.id}"


MAPS = "[...document.querySelectorAll('[data-side]')].map((place) => place.map)"


@SCREENS
def test_both_versions_are_on_maps_that_move_together(
    service: LiveService, look: Callable[..., Onlooker], quarrel: str, phone: bool
) -> None:
    seen = look(service, quarrel, phone=phone)
    seen.until(lambda: seen.page.evaluate(f"{MAPS}.every((map) => map?.loaded())"), "both maps")
    assert seen.page.locator("svg.sketch").count() == 0
    for layer in ("theirs-point", "mine-line"):
        shown = f"{MAPS}.every((map) => map.queryRenderedFeatures({{layers: ['{layer}']}}).length > 0)"
        seen.until(functools.partial(seen.page.evaluate, shown), layer)
    seen.page.evaluate(f"{MAPS}[0].jumpTo({{center: [49.36, 53.54], zoom: 13}})")
    centres = seen.page.evaluate(f"{MAPS}.map((map) => [...map.getCenter().toArray(), map.getZoom()])")
    assert centres[0] == centres[1] == pytest.approx([49.36, 53.54, 13])
    is_sound(seen)
    seen.follow(seen.page.locator('button[value="mine"]'))
    assert seen.page.locator(".told").inner_text() == "Расхождение разобрано."
    assert seen.page.locator(".empty").inner_text() == "Расхождений нет."
    is_sound(seen)


@SCREENS
@pytest.mark.parametrize("script", [True, False], ids=["no webgl", "no javascript"])
def test_both_versions_are_drawn_without_maps(
    service: LiveService, look: Callable[..., Onlooker], quarrel: str, phone: bool, script: bool
) -> None:
    seen = look(service, "/desk/clashes", phone=phone, java_script_enabled=script)
    if script:
        seen.page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    seen.follow(seen.page.locator(".clash h2 a"))
    assert seen.page.url.endswith(quarrel)
    if script:
        seen.until(lambda: any("no map" in each for each in seen.complaints), "the map to fail")
    assert seen.page.locator("svg.sketch").count() == 2
    assert seen.page.locator("svg.sketch").first.is_visible()
    assert seen.page.locator(".map").count() == 0
    seen.page.get_by_role("radio", name="Правка · второй редактор ул. Мира, 9").check()
    seen.page.get_by_role("radio", name="Сейчас на карте · первый редактор").first.check()
    seen.follow(seen.page.locator('button[value="picked"]'))
    assert seen.page.locator(".told").inner_text() == "Расхождение разобрано."
    seen.visit("/desk/changes?since=2026-03-01&source=page")
    assert seen.page.locator(".lines").first.inner_text().split("\n")[0] == "Адрес"


def test_moved_since_is_told_on_the_page(
    bridge: Desk, service: LiveService, look: Callable[..., Onlooker], quarrel: str
) -> None:
    seen = look(service, quarrel)
    vera = Editor(bridge, "третий редактор")
    vera.push(vera.update(bridge.known("1").guid, address="ул. Мира, 11"))
    seen.follow(seen.page.locator('button[value="mine"]'))
    assert "одна из сторон изменилась" in seen.page.get_by_role("alert").inner_text()
    assert seen.page.locator(".side-theirs .said").nth(1).inner_text() == "ул. Мира, 11"


# --- changes and putting back


@SCREENS
def test_a_push_is_put_back_from_the_list_of_changes(
    bridge: Desk, service: LiveService, look: Callable[..., Onlooker], phone: bool
) -> None:
    editor = Editor(bridge, "первый редактор")
    guid = bridge.known("1").guid
    before = editor.sees(guid).geometry
    editor.push(editor.update(guid, shapely.to_wkb(shapely.Point(49.3479, 53.5303)), address="ул. Мира, 7"))
    seen = look(service, "/desk/changes?since=2026-03-01&source=qgis", phone=phone)
    assert seen.page.locator(".lines > li").all_inner_texts()[1].split("\n")[-1] == "передвинуто на 119 м"
    is_sound(seen)
    seen.follow(seen.page.get_by_role("link", name="вся отправка"))
    assert seen.page.locator("svg.sketch").count() == 1
    is_sound(seen)
    seen.follow(seen.page.get_by_role("button", name="Вернуть 1 предложение"))
    assert seen.page.locator(".told-done").inner_text() == "Возвращено: 1 предложение."
    assert editor.sees(guid).geometry == before
    is_sound(seen)


def test_what_is_picked_is_downloaded(service: LiveService, look: Callable[..., Onlooker]) -> None:
    seen = look(service, "/desk/changes?since=2026-03-01")
    with seen.page.expect_download() as download:
        seen.page.get_by_role("link", name="XLSX").click()
    assert download.value.suggested_filename.startswith("changes-2026-03-01-")
    assert download.value.suggested_filename.endswith(".xlsx")
