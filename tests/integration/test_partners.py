"""Partners: they see what is of their own organisation, at every stage, and bring in more of it; of others, nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from sync_service.app import create_app
from sync_service.exchange.capabilities import schema_rev
from sync_service.settings import load_settings
from sync_service.store.clock import utc_now
from tests.copies import PROPOSALS, WorkingCopy, expect
from tests.mint import AUDIENCE, Provider, claims, publishing, rsa, sign
from tests.postgres import both_stores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask

    from tests.desk import Desk

pytestmark = both_stores

OURS = rsa("ours")
COUNCIL, UNION, BUREAU = "Молодёжный парламент", "Союз строителей", "Бюро"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with publishing(OURS) as made:
        yield made


@dataclass
class Member:
    """Somebody of an organisation, or of several, and the service."""

    app: Flask
    headers: dict[str, str]

    def ask(self, method: str, path: str, *, query: dict[str, str] | None = None, **rest: Any) -> tuple[int, Any]:
        headers = {**self.headers, **rest.pop("headers", {})}
        answer = self.app.test_client().open(path, method=method, query_string=query, headers=headers, **rest)
        return answer.status_code, answer.json if answer.is_json else answer.text

    def copy(self) -> WorkingCopy:
        return WorkingCopy(self.ask).take()

    def titles(self) -> set[str]:
        return {row["properties"]["title"] for row in self.copy().rows.values()}

    def push(self, **change: Any) -> dict[str, Any]:
        change = {"op": "create", "guid": str(uuid4()), "change_id": str(uuid4()), **change}
        document = {"client_id": "a copy", "schema_rev": schema_rev(), "changes": [change]}
        status, answer = self.ask("POST", f"{PROPOSALS}/push", json=document, headers={"Idempotency-Key": str(uuid4())})
        assert status == 200, answer
        result: dict[str, Any] = expect("results", answer)["results"][0]
        return result

    def fill(self, **form: str) -> tuple[int, str]:
        return self.ask("POST", "/desk/own", data=form)


@dataclass
class City:
    """The engine, its board, and the service over its store."""

    desk: Desk
    app: Flask
    provider: Provider

    def member(self, *organisations: str, role: str = "partner") -> Member:
        groups = [f"/partners/{name}" for name in organisations]
        said = claims(self.provider.url, resource_access={AUDIENCE: {"roles": [role]}}, groups=groups)
        return Member(self.app, {"Authorization": f"Bearer {sign(said, OURS)}", "Accept-Language": "en"})

    def add(self, title: str, partner: str, column: str = "Предложено") -> str:
        card = self.desk.add(title, f"Партнёр: {partner}\n53.5303, 49.3461", column)
        self.desk.sweep()
        return card


@pytest.fixture
def city(make: Callable[..., Desk], provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> City:
    desk = make()
    # One and the same, which is closed when the test ends.
    monkeypatch.setattr("sync_service.app.Database", lambda _: desk.parts.database)
    given = {
        "STORE_URL": desk.parts.database.url,
        "SECRET_KEY": "a key of this test",
        "OIDC_ISSUER": provider.url,
        "OIDC_AUDIENCE": AUDIENCE,
        "PUBLISH": "on",
    }
    environ = {f"PLACECARD_{name}": value for name, value in given.items()}
    return City(desk, create_app(load_settings(environ, tmp_path)), provider)


def test_partner_sees_their_own_at_every_stage_and_nothing_else(city: City) -> None:
    city.add("Сквер", COUNCIL)
    city.add("Дорога", UNION)
    city.add("Парк", COUNCIL.upper(), "Одобрено")
    city.desk.add("Ничей")
    city.desk.sweep()
    assert city.member(COUNCIL).titles() == {"Сквер", "Парк"}
    assert city.member(COUNCIL, UNION).titles() == {"Сквер", "Парк", "Дорога"}
    assert city.member().titles() == set()
    assert city.member(COUNCIL, role="viewer").titles() == {"Сквер", "Парк", "Дорога", "Ничей"}
    _, page = city.member(COUNCIL).ask("GET", "/desk/own")
    assert [title for title in ("Сквер", "Парк", "Дорога", "Ничей") if title in page] == ["Сквер", "Парк"]


def test_changes_tell_of_their_own_and_of_what_is_so_no_longer(city: City) -> None:
    card, foreign = city.add("Сквер", COUNCIL), city.add("Дорога", UNION)
    member = city.member(COUNCIL)
    copy = member.copy()
    (mine,) = copy.rows
    board = city.desk.person
    board.edit_card(foreign, title="Большая дорога")
    city.desk.sweep()
    status, told = member.ask("GET", f"{PROPOSALS}/changes", query={"since": copy.cursor or ""})
    assert (status, told["changes"]) == (200, [])
    board.edit_card(card, description=f"Партнёр: {UNION}")
    city.desk.sweep()
    _, told = member.ask("GET", f"{PROPOSALS}/changes", query={"since": copy.cursor or ""})
    assert [(each["op"], each["guid"], each["properties"]) for each in told["changes"]] == [("delete", mine, None)]


def test_cursor_is_of_its_organisations(city: City) -> None:
    city.add("Сквер", COUNCIL)
    cursor = city.member(COUNCIL).copy().cursor or ""
    for other in (city.member(UNION), city.member(COUNCIL, UNION), city.member(role="viewer")):
        assert other.ask("GET", f"{PROPOSALS}/changes", query={"since": cursor})[0] == 410


def test_partner_brings_in_a_proposal_and_its_card_says_whose_it_is(city: City) -> None:
    member = city.member(COUNCIL)
    told = {"title": "Сквер у школы", "description": f"Партнёр: {UNION}\nПосадить липы"}
    assert member.push(set=told)["status"] == "applied"
    assert member.titles() == {"Сквер у школы"}
    city.desk.now = utc_now()  # the application's clock
    city.desk.sweep()
    city.desk.sweep()
    (card,) = city.desk.board.world.state.cards.values()
    assert card.description == f"Партнёр: {COUNCIL}\n\n{told['description']}"
    assert city.member(UNION).titles() == set()
    assert member.titles() == {"Сквер у школы"}


@pytest.mark.parametrize(
    ("organisations", "said", "code"),
    [
        pytest.param((COUNCIL,), {"partner": UNION}, "not_your_organisation", id="another's"),
        pytest.param((COUNCIL, UNION), {}, "not_your_organisation", id="which of two"),
        pytest.param((), {}, "not_your_organisation", id="of none"),
        pytest.param((COUNCIL,), {"stage": "approved"}, "may_not_approve", id="approved"),
        pytest.param((COUNCIL,), {"direction": "Город"}, "read_only", id="the board's"),
    ],
)
def test_what_a_partner_may_not_bring_in(
    city: City, organisations: tuple[str, ...], said: dict[str, Any], code: str
) -> None:
    result = city.member(*organisations).push(set={"title": "Сквер", **said})
    assert (result["status"], result["code"]) == ("rejected", code)
    assert city.member(role="viewer").titles() == set()


def test_partner_of_two_says_for_whom(city: City) -> None:
    member = city.member(COUNCIL, UNION)
    assert member.push(set={"title": "Сквер", "partner": UNION})["status"] == "applied"
    assert city.member(UNION).titles() == {"Сквер"}


def test_what_is_there_is_not_the_partners_to_change(city: City) -> None:
    city.add("Сквер", COUNCIL)
    member = city.member(COUNCIL)
    (guid,) = member.copy().rows
    for change in ({"op": "update", "set": {"address": "ул. Мира, 1"}}, {"op": "unplace"}):
        result = member.push(guid=guid, **change)
        assert (result["status"], result["code"]) == ("rejected", "only_new")
    assert member.push(op="update", guid=str(uuid4()), set={})["code"] == "only_new"


def test_staff_say_nothing_of_a_partner(city: City) -> None:
    result = city.member(role="gis_editor").push(set={"title": "Сквер", "partner": UNION})
    assert (result["status"], result["code"]) == ("rejected", "read_only")


def test_form_brings_in_one_proposal_however_often_it_is_sent(city: City) -> None:
    member = city.member(COUNCIL)
    _, page = member.ask("GET", "/desk/own")
    guid = re.findall(r'name="guid" value="([^"]+)"', page)[0]
    form = {"guid": guid, "title": "Сквер <у школы>", "address": "ул. Мира, 1", "horizon": "2035"}
    assert [member.fill(**form)[0] for _ in range(2)] == [303, 303]
    (row,) = member.copy().rows.values()
    assert row["guid"] == guid
    assert (row["properties"]["address"], row["properties"]["horizon"]) == ("ул. Мира, 1", 2035)
    assert "Сквер &lt;у школы&gt;" in member.ask("GET", "/desk/own")[1]


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"title": "  "}, "Say what you propose"),
        ({"title": "Сквер", "horizon": "скоро"}, "A horizon is a year"),
        ({"title": "Сквер", "horizon": "99"}, "cannot have this value"),
        ({"title": "Сквер", "partner": UNION}, "must be one of your organisations"),
        ({"title": "С" * 300}, "longer than 255"),
    ],
)
def test_form_that_cannot_be_taken_says_why_and_keeps_what_was_written(
    city: City, form: dict[str, str], why: str
) -> None:
    member = city.member(COUNCIL)
    status, page = member.fill(**form, description="Посадить липы")
    assert status == 422
    assert why in page
    assert "Посадить липы" in page
    assert member.titles() == set()


def test_who_is_in_no_organisation_is_told_what_to_do(city: City) -> None:
    status, page = city.member().ask("GET", "/desk/own")
    assert status == 200
    assert "Ask the service" in page
    assert "<form" not in page


def test_entrance_leads_partners_to_their_own(city: City) -> None:
    answer = city.app.test_client().get("/desk/", headers=city.member(COUNCIL).headers)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/desk/own")


def test_nothing_waits_for_a_partner(city: City) -> None:
    """The map asks for it whoever has signed in."""
    assert city.member(COUNCIL).ask("GET", "/desk/open.json") == (200, {"waiting": 0, "clashes": 0, "total": 0})


def test_long_lists_are_paged(city: City) -> None:
    member = city.member(BUREAU)
    for number in range(101):
        member.push(set={"title": f"Номер {number};"})
    _, first = member.ask("GET", "/desk/own")
    (further,) = re.findall(r"before=(\d+)", first)
    _, last = member.ask("GET", "/desk/own", query={"before": further})
    found = [re.findall(r"Номер (\d+);", page) for page in (first, last)]
    assert [len(each) for each in found] == [100, 1]
    assert sorted(map(int, found[0] + found[1])) == list(range(101))
