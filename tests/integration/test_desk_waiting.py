"""What waits, before a moderator: confirmed and refused one by one or together, and never what was not seen."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from sync_service.engine.settling import Answer, settle_waiting
from sync_service.store import tables
from sync_service.store.clock import utc_now
from sync_service.store.features import Author
from sync_service.store.waiting import waiting_items
from sync_service.sync.values import Visibility
from tests.bureau import Visitor, buttons, visit_desk
from tests.desk import PLACE, Desk, make_desk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PERSONAL = f"Call +7 927 123-45-67.\n\n{PLACE}"


@pytest.fixture
def surge(tmp_path: Path) -> Iterator[Desk]:
    """Five cards are to be public, two may: three wait; one more would show a phone number."""
    desk = make_desk(tmp_path, SURGE_LIMIT="2")
    for number in range(5):
        desk.add(f"Square {number}", column="Одобрено")
    desk.sweep()
    yield desk
    desk.parts.database.close()


@pytest.fixture
def moderator(surge: Desk) -> Visitor:
    return visit_desk(surge, surge_limit=2).sign_in()


def waits(desk: Desk) -> list[str]:
    with desk.parts.database.reading() as connection:
        return [f"{item.card_id} {item.change}" for item in waiting_items(connection)]


def public(desk: Desk) -> list[str]:
    f = tables.feature.c
    with desk.parts.database.reading() as connection:
        query = select(f.card_id).where(f.visibility == Visibility.PUBLIC).order_by(f.fid)
        return list(connection.execute(query).scalars())


def of_item(visitor: Visitor, answer: str, number: int) -> str:
    """The button that gives an answer to the n-th item of the page."""
    return [do for do in buttons(visitor.get("/desk/waiting")) if do.startswith(f"{answer} item ")][number]


def of_kind(visitor: Visitor, answer: str, kind: str) -> str:
    found = [do for do in buttons(visitor.get("/desk/waiting")) if do.startswith(f"{answer} kind {kind} ")]
    return found[0]


@pytest.mark.parametrize("path", ["/desk/", "/desk/waiting", "/desk/waiting?kind=public"])
def test_stranger_is_led_to_the_sign_in_and_back(surge: Desk, path: str) -> None:
    stranger = visit_desk(surge)
    answer = stranger.get(path)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/signin?next=/desk/")
    back = stranger.post(answer.headers["Location"], token="a-token-long-enough-to-use")
    assert back.headers["Location"] == path


def test_program_without_rights_is_refused_not_redirected(surge: Desk) -> None:
    client = visit_desk(surge).client
    assert client.get("/desk/waiting").status_code == 401
    assert client.post("/desk/waiting", data={"do": "confirm chosen"}).status_code == 401
    assert client.get("/desk/open.json").status_code == 401
    assert len(waits(surge)) == 3


def test_page_says_what_each_would_do(surge: Desk, moderator: Visitor) -> None:
    page = moderator.get("/desk/waiting").text
    assert "<b>3</b> publications" in page
    assert "not seen" in page
    assert "seen by all" in page
    assert "Square 2" in page
    assert "approved" in page
    assert "since 2026-03-02 13:00" in page  # Europe/Samara
    assert "Card 3" in page


def test_one_is_confirmed_and_the_others_wait_on(surge: Desk, moderator: Visitor) -> None:
    answer = moderator.post("/desk/waiting", do=of_item(moderator, "confirm", 1))
    assert answer.status_code == 303
    assert public(surge) == ["1", "2", "4"]
    assert waits(surge) == ["3 public", "5 public"]
    assert "1 change confirmed." in moderator.get("/desk/waiting").text
    with surge.parts.database.reading() as connection:
        last = connection.execute(select(tables.history).order_by(tables.history.c.id.desc())).first()
        assert last is not None
        assert (last.source, last.who) == ("page", "token")
    surge.now = utc_now() + timedelta(minutes=1)  # the service has a clock of its own
    surge.work()
    assert surge.links("4"), "the card link is owed to the card as for any publication"


def test_ticked_ones_are_confirmed_together(surge: Desk, moderator: Visitor) -> None:
    refs = [of_item(moderator, "confirm", number).removeprefix("confirm item ") for number in (0, 2)]
    moderator.post("/desk/waiting", do="confirm chosen", item=refs)
    assert waits(surge) == ["4 public"]
    answer = moderator.post("/desk/waiting", do="confirm chosen")
    assert answer.status_code == 303
    assert "Nothing was ticked." in moderator.get("/desk/waiting").text


def test_a_kind_is_confirmed_at_once_and_surges_no_further(surge: Desk, moderator: Visitor) -> None:
    surge.drag("1", "Отклонено")
    surge.sweep()
    moderator.post("/desk/waiting", do=of_kind(moderator, "confirm", "public"))
    assert waits(surge) == ["1 hidden"]
    assert public(surge) == ["1", "2", "3", "4", "5"]
    moderator.post("/desk/waiting", do=of_kind(moderator, "confirm", "hidden"))
    assert public(surge) == ["2", "3", "4", "5"]
    surge.later(minutes=11)
    surge.add("Square 6", column="Одобрено")
    surge.add("Square 7", column="Одобрено")
    surge.sweep()
    assert waits(surge) == []


def test_what_came_after_the_page_was_made_is_not_confirmed_with_its_kind(surge: Desk, moderator: Visitor) -> None:
    do = of_kind(moderator, "confirm", "public")
    surge.later(seconds=5)
    surge.add("Square 6", column="Одобрено")
    surge.sweep()
    moderator.post("/desk/waiting", do=do)
    assert waits(surge) == ["6 public"]


def test_refused_stays_refused_until_a_person_thinks_again(surge: Desk, moderator: Visitor) -> None:
    moderator.post("/desk/waiting", do=of_kind(moderator, "refuse", "public"))
    surge.later(minutes=11)
    surge.sweep(full=True)
    assert waits(surge) == []
    assert public(surge) == ["1", "2"]
    page = moderator.get("/desk/waiting")
    assert "Refused: 3" in page.text
    moderator.post("/desk/waiting", do=of_item(moderator, "confirm", 0))
    assert public(surge) == ["1", "2", "3"]


def test_what_changed_meanwhile_is_left_alone_and_told(surge: Desk, moderator: Visitor) -> None:
    do = of_item(moderator, "confirm", 0)
    surge.drag("3", "Отклонено")  # wants nothing any more
    surge.sweep()
    answer = moderator.post("/desk/waiting", do=do)
    assert answer.status_code == 409
    assert "became another meanwhile" in answer.text
    assert public(surge) == ["1", "2"]


def test_the_same_card_asking_for_something_else_is_another_item(surge: Desk, moderator: Visitor) -> None:
    do = of_item(moderator, "confirm", 0)
    surge.later(minutes=1)
    surge.drag("3", "Отклонено")
    surge.sweep()
    surge.drag("3", "Одобрено")
    surge.sweep()
    assert "3 public" in waits(surge)
    assert moderator.post("/desk/waiting", do=do).status_code == 409
    assert "3 public" in waits(surge)


def test_everything_else_goes_on(surge: Desk, moderator: Visitor) -> None:
    surge.person.edit_card("3", title="Square with a fountain")
    surge.sweep()
    assert "Square with a fountain" in moderator.get("/desk/waiting").text
    assert surge.known("3").properties["title"] == "Square with a fountain"


def test_held_text_is_shown_and_released(surge: Desk, moderator: Visitor) -> None:
    card = surge.add("Workshop", PERSONAL)
    surge.sweep()
    page = moderator.get("/desk/waiting?kind=text")
    assert "Call +7 927 123-45-67." in page.text
    assert "phone number" in page.text
    assert "Square" not in page.text
    moderator.post("/desk/waiting", do=of_kind(moderator, "confirm", "text"))
    assert surge.known(card).properties["held"] is None
    surge.sweep(full=True)
    assert surge.known(card).properties["held"] is None


def test_another_text_is_not_released_by_a_look_at_the_older(surge: Desk, moderator: Visitor) -> None:
    card = surge.add("Workshop", PERSONAL)
    surge.sweep()
    do = next(each for each in buttons(moderator.get("/desk/waiting?kind=text")) if each.startswith("confirm item"))
    surge.later(minutes=1)
    surge.person.edit_card(card, description=PERSONAL.replace("Call", "Call my neighbour"))
    surge.sweep()
    assert moderator.post("/desk/waiting?kind=text", do=do).status_code == 409
    assert surge.known(card).properties["held"] == "summary"


def test_what_changes_between_reading_and_writing_is_left_alone(surge: Desk) -> None:
    surge.add("Workshop", PERSONAL)
    surge.sweep()
    with surge.parts.database.reading() as connection:
        seen = waiting_items(connection)
    surge.later(minutes=1)
    surge.person.edit_card("6", description=PERSONAL.replace("Call", "Call my neighbour"))
    surge.drag("3", "Отклонено")
    surge.sweep()
    settled = settle_waiting(surge.parts.database, seen, Answer.CONFIRM, Author("page", "anna"), surge.parts.now)
    assert (settled.done, settled.moved) == (2, 2)
    assert surge.known("6").properties["held"] == "summary"
    assert public(surge) == ["1", "2", "4", "5"]


@pytest.mark.parametrize("do", ["", "confirm", "allow chosen", "confirm everything"])
def test_made_up_answers_are_refused(surge: Desk, moderator: Visitor, do: str) -> None:
    assert moderator.post("/desk/waiting", do=do).status_code == 400
    assert moderator.get("/desk/waiting?kind=other").status_code == 400


def test_form_of_another_site_does_nothing(surge: Desk, moderator: Visitor) -> None:
    do = of_kind(moderator, "confirm", "public")
    assert moderator.client.post("/desk/waiting", data={"do": do}).status_code == 400
    assert moderator.client.post("/desk/waiting", data={"do": do, "csrf_token": "x"}).status_code == 400
    assert len(waits(surge)) == 3


def test_form_is_demanded_at_the_machine_itself_too(surge: Desk) -> None:
    somebody = visit_desk(surge, api_token=None)
    do = of_kind(somebody, "confirm", "public")
    assert somebody.client.post("/desk/waiting", data={"do": do}).status_code == 400
    assert somebody.post("/desk/waiting", do=do).status_code == 303
    assert waits(surge) == []


def test_counts_are_told_to_pages_and_to_monitoring(surge: Desk, moderator: Visitor) -> None:
    assert moderator.get("/desk/open.json").json == {"waiting": 3, "clashes": 0, "total": 3}
    assert "placecard_waiting_changes 3.0" in moderator.get("/metrics").text
    moderator.post("/desk/waiting", do=of_kind(moderator, "confirm", "public"))
    assert "placecard_waiting_changes 0.0" in moderator.get("/metrics").text
    assert "Nothing waits." in moderator.get("/desk/waiting").text


def test_long_list_comes_in_pages(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, SURGE_LIMIT="0")
    for number in range(103):
        desk.add(f"Square {number}", column="Одобрено")
    desk.sweep()
    moderator = visit_desk(desk).sign_in()
    first = moderator.get("/desk/waiting").text
    assert first.count('type="checkbox" name="item"') == 100
    assert "<b>103</b> publications" in first
    rest = moderator.get(f"/desk/waiting?after={first.partition('after=')[2].partition('&')[0].partition(chr(34))[0]}")
    assert rest.text.count('type="checkbox" name="item"') == 3
    moderator.post("/desk/waiting", do=of_kind(moderator, "confirm", "public"))
    assert waits(desk) == []
    desk.parts.database.close()


def test_pages_stay_under_the_path_of_the_service(surge: Desk) -> None:
    client = visit_desk(surge, api_token=None, public_url="http://127.0.0.1/map").client
    page = client.get("/desk/waiting", environ_overrides={"SCRIPT_NAME": "/map"}, headers={"Accept": "text/html"}).text
    links = re.findall(r'(?:href|src|action)="([^"]+)"', page)
    assert links
    assert [link for link in links if link.startswith("/") and not link.startswith("/map/")] == []
