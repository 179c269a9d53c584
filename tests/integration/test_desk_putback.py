"""Putting back on the pages: foretold first, later edits spared, whole pushes and single changes."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest
import shapely
from sqlalchemy import select

from sync_service.store import tables
from tests.bureau import Visitor, visit_desk
from tests.desk import PLACE
from tests.editor import Editor

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.desk import Desk

EAST = shapely.to_wkb(shapely.Point(49.3479, 53.5303))
WEST = shapely.to_wkb(shapely.Point(49.3443, 53.5303))
KEY = "8e3b1d0e-6a0f-4c34-9a52-3c1f3b9a7f10"


@pytest.fixture
def anna(desk: Desk) -> Editor:
    return Editor(desk, "anna")


@pytest.fixture
def boris(desk: Desk) -> Editor:
    return Editor(desk, "boris")


@pytest.fixture
def moderator(desk: Desk) -> Visitor:
    return visit_desk(desk).sign_in()


@pytest.fixture
def guids(desk: Desk) -> list[str]:
    cards = [desk.add(title, PLACE, column="Одобрено") for title in ("Park", "Lane")]
    desk.sweep()
    return [desk.known(card).guid for card in cards]


def plain(page: TestResponse) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def newest(desk: Desk, guid: str) -> str:
    """The page that puts the newest change of a proposal back."""
    h = tables.history.c
    with desk.parts.database.reading() as connection:
        found = connection.execute(select(h.id).where(h.guid == guid).order_by(h.id.desc())).scalars().first()
    return f"/desk/proposals/{guid}/changes/{found}"


def test_stranger_is_led_to_the_sign_in(desk: Desk, guids: list[str]) -> None:
    path = newest(desk, guids[0])
    assert visit_desk(desk).get(path).headers["Location"] == f"/signin?next={path}"
    assert visit_desk(desk).client.post(path).status_code == 401
    assert visit_desk(desk).client.post(f"/desk/pushes/{KEY}").status_code == 401


def test_push_is_put_back_after_saying_what_that_would_do(
    desk: Desk, moderator: Visitor, anna: Editor, guids: list[str]
) -> None:
    park, lane = guids
    before = [anna.sees(guid) for guid in guids]
    anna.push(anna.update(park, EAST, address="Mira street, 7"), anna.update(lane, horizon=2030), key=KEY)
    assert f'href="/desk/pushes/{KEY}"' in moderator.get(f"/desk/proposals/{park}").text
    page = moderator.get(f"/desk/pushes/{KEY}")
    text = plain(page)
    assert "QGIS · anna · 2026-03-02 13:00" in text
    assert "Place moved 119 m" in text
    assert "Address was Mira street, 7 → is –" in text
    assert "Horizon, year was 2030 → is –" in text
    assert "Put back 2 proposals" in text
    assert anna.sees(park).geometry == EAST, "looking changes nothing"
    assert moderator.post(f"/desk/pushes/{KEY}").status_code == 303
    after = plain(moderator.get(f"/desk/pushes/{KEY}"))
    assert "Put back: 2 proposals." in after
    assert "This push was put back already" in after
    assert "There is nothing to put back" in after
    assert [each.geometry for each in map(anna.sees, guids)] == [each.geometry for each in before]
    assert [each.properties for each in map(anna.sees, guids)] == [each.properties for each in before]


def test_later_edits_are_spared_and_named(moderator: Visitor, anna: Editor, boris: Editor, guids: list[str]) -> None:
    park = guids[0]
    anna.push(anna.update(park, EAST, address="Mira street, 7", horizon=2030), key=KEY)
    boris.push(boris.update(park, WEST, address="Mira street, 9"))
    text = plain(moderator.get(f"/desk/pushes/{KEY}"))
    assert "Horizon, year was 2030 → is –" in text
    assert "Spared, changed later: Address, Place" in text
    moderator.post(f"/desk/pushes/{KEY}")
    feature = anna.sees(park)
    assert (feature.geometry, feature.properties["address"]) == (WEST, "Mira street, 9")
    assert feature.properties["horizon"] is None


def test_one_change_is_put_back_and_that_too(desk: Desk, moderator: Visitor, anna: Editor, guids: list[str]) -> None:
    park = guids[0]
    was = anna.sees(park).geometry
    anna.push(anna.update(park, EAST))
    assert newest(desk, park) in moderator.get(f"/desk/proposals/{park}").text
    page = moderator.get(newest(desk, park))
    assert page.text.count("<svg") == 1
    moderator.post(newest(desk, park))
    assert anna.sees(park).geometry == was
    history = plain(moderator.get(f"/desk/proposals/{park}"))
    assert "these pages · signed in by token" in history
    moderator.post(newest(desk, park))
    assert anna.sees(park).geometry == EAST


def test_edits_that_clashed_are_withdrawn_with_their_push(
    moderator: Visitor, anna: Editor, boris: Editor, guids: list[str]
) -> None:
    base = boris.version(guids[0])
    anna.push(anna.update(guids[0], EAST))
    boris.push(boris.update(guids[0], WEST, base=base), key=KEY)
    assert len(anna.clashes()) == 1
    assert "Withdraw the push" in moderator.get(f"/desk/pushes/{KEY}").text
    moderator.post(f"/desk/pushes/{KEY}")
    assert anna.clashes() == []
    assert anna.sees(guids[0]).geometry == EAST


def test_the_boards_own_words_are_not_offered_to_be_put_back(desk: Desk, moderator: Visitor, guids: list[str]) -> None:
    desk.person.edit_card("1", title="Park with a fountain")
    desk.sweep()
    assert "Put back as it was" not in moderator.get(f"/desk/proposals/{guids[0]}").text


def test_form_of_another_site_does_nothing(moderator: Visitor, anna: Editor, guids: list[str]) -> None:
    anna.push(anna.update(guids[0], EAST), key=KEY)
    assert moderator.client.post(f"/desk/pushes/{KEY}").status_code == 400
    assert anna.sees(guids[0]).geometry == EAST


@pytest.mark.parametrize("path", ["/desk/pushes/none", "/desk/proposals/none/changes/1"])
def test_what_nobody_did_is_not_there(moderator: Visitor, path: str) -> None:
    assert moderator.get(path).status_code == 404
    token = re.findall(r'name="csrf_token" value="([^"]+)"', moderator.get("/desk/changes").text)[0]
    assert moderator.client.post(path, data={"csrf_token": token}).status_code == 404
