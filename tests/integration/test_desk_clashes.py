"""Clashes before a moderator: both sides in words and drawn, resolved as a whole or field by field, never unseen."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import shapely

from kanban_adapter.card import Relation
from sync_service.desk import judging
from sync_service.store import clashes
from sync_service.sync.values import Visibility
from tests.bureau import Visitor, visit_desk
from tests.desk import PLACE
from tests.editor import Editor

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.desk import Desk

EAST = shapely.to_wkb(shapely.Point(49.3479, 53.5303))
NORTH = shapely.to_wkb(shapely.Point(49.3461, 53.5403))
ROAD = shapely.to_wkb(shapely.LineString([(49.34, 53.53), (49.35, 53.53)]))


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
def guid(desk: Desk) -> str:
    card = desk.add("Park", f"Address: Mira street, 5\n{PLACE}", column="Одобрено")
    desk.sweep()
    return desk.known(card).guid


def quarrel(anna: Editor, boris: Editor, guid: str) -> str:
    """Two people move the same place and name another address and year; the later clashes. Gives the page's path."""
    base = boris.version(guid)
    anna.push(anna.update(guid, EAST, address="Mira street, 7", horizon=2030))
    boris.push(boris.update(guid, ROAD, base=base, address="Mira street, 9", horizon=2035))
    (clash,) = anna.clashes(guid)
    return f"/desk/clashes/{clash.id}"


def resolve(moderator: Visitor, path: str, do: str, **fields: str) -> TestResponse:
    """Press a button of the page as it is now."""
    return moderator.post(path, do=do, revision=revision(moderator.get(path)), **fields)


def revision(page: TestResponse) -> str:
    found = re.search(r'name="revision" value="(\d+)"', page.text)
    assert found is not None
    return found[1]


def plain(page: TestResponse) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def test_stranger_is_led_to_the_sign_in(desk: Desk, anna: Editor, boris: Editor, guid: str) -> None:
    path = quarrel(anna, boris, guid)
    assert visit_desk(desk).get(path).headers["Location"] == f"/signin?next={path}"
    assert visit_desk(desk).client.post(path).status_code == 401
    assert visit_desk(desk).client.get("/desk/clashes").status_code == 401


def test_both_sides_are_told_and_drawn(moderator: Visitor, anna: Editor, boris: Editor, guid: str) -> None:
    path = quarrel(anna, boris, guid)
    listed = plain(moderator.get("/desk/clashes"))
    assert "An edit clashes with the map: Place, Address, Horizon, year" in listed
    page = moderator.get(path)
    text = plain(page)
    assert "On the map now · anna · 2026-03-02 13:00 Mira street, 7" in text
    assert "The edit · boris Mira street, 9" in text
    assert "Before both edits: Mira street, 5" in text
    assert "point, 53.53030, 49.34790 moved 119 m" in text
    assert re.search(r"line, 53\.53\d{3}, 49\.\d{5} was point, is line", text)
    assert page.text.count("<svg") == 2
    assert 'class="side-theirs"' in page.text
    assert 'class="side-mine"' in page.text


@pytest.mark.parametrize("do", ["theirs", "mine"])
def test_one_side_is_taken_whole(moderator: Visitor, anna: Editor, boris: Editor, guid: str, do: str) -> None:
    path = quarrel(anna, boris, guid)
    answer = resolve(moderator, path, do)
    assert answer.headers["Location"] == "/desk/clashes"
    assert "The clash is resolved." in moderator.get("/desk/clashes").text
    feature = anna.sees(guid)
    wanted = {"theirs": (EAST, "Mira street, 7"), "mine": (ROAD, "Mira street, 9")}[do]
    assert (feature.geometry, feature.properties["address"]) == wanted
    assert anna.clashes() == []
    assert moderator.get(path).status_code == 404


def test_fields_are_picked_from_both_sides(moderator: Visitor, anna: Editor, boris: Editor, guid: str) -> None:
    path = quarrel(anna, boris, guid)
    resolve(moderator, path, "picked", **{"side-geometry": "mine", "side-address": "theirs", "side-horizon": "mine"})
    feature = anna.sees(guid)
    assert feature.geometry == ROAD
    assert (feature.properties["address"], feature.properties["horizon"]) == ("Mira street, 7", 2035)
    assert anna.clashes() == []
    history = plain(moderator.get(f"/desk/proposals/{guid}"))
    assert "these pages · signed in by token" in history


def test_what_is_not_picked_waits_on(moderator: Visitor, anna: Editor, boris: Editor, guid: str) -> None:
    path = quarrel(anna, boris, guid)
    answer = resolve(moderator, path, "picked", **{"side-address": "mine"})
    assert answer.headers["Location"] == path
    page = moderator.get(path)
    assert "The rest still waits." in page.text
    assert "Address" not in re.findall(r"<legend>([^<]+)", page.text)
    assert anna.sees(guid).properties["address"] == "Mira street, 9"
    assert resolve(moderator, path, "picked").status_code == 400


def test_what_moved_since_is_told_and_nothing_done(moderator: Visitor, anna: Editor, boris: Editor, guid: str) -> None:
    path = quarrel(anna, boris, guid)
    seen = revision(moderator.get(path))
    anna.push(anna.update(guid, address="Mira street, 11"))
    answer = moderator.post(path, do="mine", revision=seen)
    assert answer.status_code == 409
    assert "One side changed while the page was open" in answer.text
    assert "Mira street, 11" in answer.text
    assert anna.sees(guid).properties["address"] == "Mira street, 11"
    assert resolve(moderator, path, "mine").status_code == 303
    assert anna.sees(guid).properties["address"] == "Mira street, 9"


def test_what_was_resolved_already_is_told(moderator: Visitor, anna: Editor, boris: Editor, guid: str) -> None:
    path = quarrel(anna, boris, guid)
    page = moderator.get(path)
    resolve(moderator, path, "theirs")
    token = re.findall(r'name="csrf_token" value="([^"]+)"', page.text)[-1]
    form = {"do": "mine", "revision": revision(page), "csrf_token": token}
    answer = moderator.client.post(path, headers=moderator.headers, data=form)
    assert answer.status_code == 303
    assert "resolved already" in moderator.get("/desk/clashes").text
    assert anna.sees(guid).properties["address"] == "Mira street, 7"


def test_form_of_another_site_does_nothing(moderator: Visitor, anna: Editor, boris: Editor, guid: str) -> None:
    path = quarrel(anna, boris, guid)
    assert moderator.client.post(path, data={"do": "mine", "revision": "1"}).status_code == 400
    assert len(anna.clashes()) == 1


def test_unknown_answers_are_refused(moderator: Visitor, anna: Editor, boris: Editor, guid: str) -> None:
    path = quarrel(anna, boris, guid)
    assert resolve(moderator, path, "ours").status_code == 400
    assert moderator.get("/desk/clashes/none").status_code == 404


@pytest.mark.parametrize("do", ["theirs", "mine"])
def test_board_against_map_comes_to_rest_either_way(
    desk: Desk, moderator: Visitor, anna: Editor, guid: str, do: str
) -> None:
    anna.push(anna.update(guid, address="Mira street, 7"))
    desk.person.edit_card("1", description=f"Address: Mira street, 9\n{PLACE}")
    desk.sweep()
    (clash,) = anna.clashes()
    assert clash.reason == clashes.FIELDS
    page = moderator.get(f"/desk/clashes/{clash.id}")
    assert "On the card Mira street, 9" in plain(page)
    assert "On the map Mira street, 7" in plain(page)
    resolve(moderator, f"/desk/clashes/{clash.id}", do)
    wanted = {"theirs": "Mira street, 9", "mine": "Mira street, 7"}[do]
    for _ in range(2):
        desk.sweep(full=True)
        assert anna.clashes() == []
        assert anna.sees(guid).properties["address"] == wanted


def test_overwritten_is_restored_with_one_button(moderator: Visitor, anna: Editor, boris: Editor, guid: str) -> None:
    anna.push(anna.update(guid, EAST, address="Mira street, 7"))
    boris.push(replace(boris.update(guid, NORTH, base=None, address="Mira street, 3"), overwrite=True))
    (clash,) = anna.clashes()
    assert clash.reason == clashes.OVERWRITTEN
    page = plain(moderator.get(f"/desk/clashes/{clash.id}"))
    assert "What was overwritten · anna Mira street, 7" in page
    assert "Restore" in page
    assert "Before both edits" not in page, "it is what was overwritten"
    resolve(moderator, f"/desk/clashes/{clash.id}", "mine")
    feature = anna.sees(guid)
    assert (feature.geometry, feature.properties["address"]) == (EAST, "Mira street, 7")
    assert anna.clashes() == []


def test_place_of_a_duplicate_is_chosen(desk: Desk, moderator: Visitor, anna: Editor, guid: str) -> None:
    twin = desk.add("Park again", "Place: 53.5100, 49.4000", column="Одобрено")
    desk.sweep()
    desk.person.relate(twin, Relation.DUPLICATES, "1")
    desk.person.close_card(twin)
    desk.work()
    (clash,) = anna.clashes()
    assert clash.reason == clashes.DUPLICATE
    page = plain(moderator.get(f"/desk/clashes/{clash.id}"))
    assert "Duplicate: Park again" in page
    assert "Place of the duplicate" in page
    resolve(moderator, f"/desk/clashes/{clash.id}", "mine")
    place = anna.sees(guid).geometry
    assert place is not None
    assert shapely.from_wkb(place).equals(shapely.Point(49.4, 53.51))


def orphan(desk: Desk, anna: Editor, guid: str) -> str:
    """A card is removed while an edit is owed to it. Gives the path of the clash."""
    anna.push(anna.update(guid, address="Mira street, 7"))
    desk.person.remove_card("1")
    for _ in range(2):
        desk.later(days=1)
        desk.sweep(full=True)
    (clash,) = anna.clashes()
    assert clash.reason == clashes.GONE
    return f"/desk/clashes/{clash.id}"


def test_proposal_without_its_card_is_retired(desk: Desk, moderator: Visitor, anna: Editor, guid: str) -> None:
    path = orphan(desk, anna, guid)
    assert "The card is gone" in moderator.get(path).text
    assert resolve(moderator, path, "mine").status_code == 400
    resolve(moderator, path, "retire")
    assert anna.sees(guid).visibility is Visibility.RETIRED
    assert anna.clashes() == []


def test_proposal_without_its_card_gets_a_new_one(desk: Desk, moderator: Visitor, anna: Editor, guid: str) -> None:
    path = orphan(desk, anna, guid)
    resolve(moderator, path, "renew")
    desk.now = desk.now.replace(year=2027)  # the service has a clock of its own
    desk.work()
    desk.sweep(full=True)
    feature = anna.sees(guid)
    card = desk.board.read([str(feature.properties["card_id"])]).cards[str(feature.properties["card_id"])]
    assert card is not None
    assert card.reference == guid
    assert feature.properties["address"] == "Mira street, 7"
    assert anna.clashes() == []


def test_long_list_comes_in_pages(
    moderator: Visitor, anna: Editor, boris: Editor, guid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "PAGE", 1)
    base = anna.version(guid)
    anna.push(anna.update(guid, address="Mira street, 7"))
    for editor in (boris, Editor(anna.desk, "clara")):
        editor.push(editor.update(guid, base=base, address=f"Mira street, {editor.who}"))
    first = moderator.get("/desk/clashes")
    assert first.text.count('class="clash"') == 1
    rest = moderator.get(html.unescape(first.text.partition('rel="next" href="')[2].partition('"')[0]))
    assert rest.text.count('class="clash"') == 1
    assert 'rel="next"' not in rest.text
