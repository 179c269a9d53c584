"""Pushes over the plugin's protocol: what comes of each change, and that nothing is done twice or half."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import shapely
from sqlalchemy import select

from sync_service.exchange.capabilities import MOST_CHANGES, schema_rev
from sync_service.exchange.wire import wire_schemas
from sync_service.store import tables
from sync_service.sync.values import Visibility
from tests.copies import PROPOSALS, expect, shape_of
from tests.exchange import Exchange, body, change, wkb
from tests.ogc import AREA, LINE, POINT, Town
from tests.postgres import both_stores

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

PUSH = f"{PROPOSALS}/push"
THERE = shapely.Point(49.4, 53.51)
BOW = shapely.Polygon([(49.3, 53.5), (49.4, 53.6), (49.4, 53.5), (49.3, 53.6)])


def post(exchange: Exchange, document: Any, key: str | None = None, **headers: str) -> tuple[int, Any]:
    named = {"Idempotency-Key": key or str(uuid4()), **headers}
    return exchange.ask("POST", PUSH, json=document, headers=named)


def only(answer: Any) -> Any:
    (result,) = answer["results"]
    return result


def everything(town: Town) -> list[Any]:
    """All that a push could leave behind."""
    found: list[Any] = []
    with town.database.reading() as connection:
        for name in ("store", "feature", "history", "change", "clash", "push", "edit", "effect", "inbox"):
            table = tables.metadata.tables[name]
            found.append([tuple(each) for each in connection.execute(select(table).order_by(*table.primary_key))])
    return found


# --- what comes of a change


def test_edit_from_the_present_state_is_applied(exchange: Exchange) -> None:
    guid = exchange.town.plant()
    before = exchange.row(guid)
    sent = change(guid, base_version=before["version"], set={"horizon": 2031}, geometry=wkb(THERE))
    answer = exchange.send(sent)
    assert (answer["kept"], only(answer)["status"]) == (True, "applied")
    after = exchange.row(guid)
    assert after["version"] == only(answer)["version"] != before["version"]
    assert (after["properties"]["horizon"], shape_of(after["geometry"])) == (2031, THERE)
    assert after["properties"]["title"] == before["properties"]["title"]


def test_geometry_left_out_stays(exchange: Exchange) -> None:
    guid = exchange.town.plant(LINE)
    exchange.send(change(guid, base_version=exchange.row(guid)["version"], set={"address": "ул. Мира, 5"}))
    assert shape_of(exchange.row(guid)["geometry"]) == LINE


def test_other_fields_are_merged_and_the_same_value_is_unchanged(exchange: Exchange) -> None:
    guid = exchange.town.plant()
    base = exchange.row(guid)["version"]
    exchange.town.change(guid, horizon=2040)
    merged = only(exchange.send(change(guid, base_version=base, set={"address": "ул. Мира, 5"})))
    same = only(exchange.send(change(guid, base_version=base, set={"horizon": 2040})))
    assert (merged["status"], same["status"]) == ("merged", "unchanged")
    found = exchange.row(guid)["properties"]
    assert (found["horizon"], found["address"]) == (2040, "ул. Мира, 5")


@both_stores
def test_same_field_clashes_alone_and_the_rest_is_applied(exchange: Exchange) -> None:
    guid = exchange.town.plant(horizon=2030)
    base = exchange.row(guid)["version"]
    exchange.town.change(guid, horizon=2040)
    sent = {"horizon": 2050, "address": "ул. Мира, 5"}
    result = only(exchange.send(change(guid, base_version=base, set=sent)))
    assert result["status"] == "clash"
    assert result["clash"]["fields"] == {"horizon": {"base": 2030, "theirs": 2040, "mine": 2050}}
    found = exchange.row(guid)["properties"]
    assert (found["horizon"], found["address"]) == (2040, "ул. Мира, 5")


def test_geometry_clashes_with_both_sides_told(exchange: Exchange) -> None:
    guid = exchange.town.plant(POINT)
    base = exchange.row(guid)["version"]
    exchange.town.change(guid, shape=LINE)
    sides = only(exchange.send(change(guid, base_version=base, geometry=wkb(AREA))))["clash"]["geometry"]
    assert [shape_of(sides[name]) for name in ("base", "theirs", "mine")] == [POINT, LINE, AREA]
    assert shape_of(exchange.row(guid)["geometry"]) == LINE


@pytest.mark.parametrize("base", [{}, {"base_version": None}, {"base_version": "another.1.1"}])
def test_without_a_base_that_is_kept_every_difference_clashes(exchange: Exchange, base: dict[str, Any]) -> None:
    guid = exchange.town.plant(horizon=2030)
    assert only(exchange.send(change(guid, **base, set={"horizon": 2031})))["status"] == "clash"
    assert only(exchange.send(change(guid, **base, set={"horizon": 2030})))["status"] == "unchanged"


def test_drawn_proposal_is_there_at_once(exchange: Exchange) -> None:
    guid = str(uuid4())
    sent = {"title": "Сквер", "description": None, "horizon": None}
    result = only(exchange.send(change(guid, op="create", set=sent, geometry=wkb(POINT))))
    assert (result["status"], result["guid"]) == ("applied", guid)
    found = exchange.row(guid)
    assert found["version"] == result["version"]
    assert (found["properties"]["title"], found["properties"]["stage"]) == ("Сквер", "proposed")


def test_unplaced_proposal_keeps_everything_else(exchange: Exchange) -> None:
    guid = exchange.town.plant(horizon=2030)
    version = exchange.row(guid)["version"]
    assert only(exchange.send(change(guid, op="unplace", base_version=version)))["status"] == "applied"
    found = exchange.row(guid)
    assert (found["geometry"], found["properties"]["placement"]) == (None, "unplaced")
    assert found["properties"]["horizon"] == 2030


NOT_WKB = {"nonsense": "=", "text": b64encode(b"POINT(1 2)").decode(), "nothing": "", "words": "это не base64"}


@pytest.mark.parametrize(
    ("sent", "code", "field"),
    [
        ({"set": {"nonsense": 1}}, "unknown_property", "nonsense"),
        ({"set": {"title": "Другое"}}, "read_only", "title"),
        ({"set": {"overdue_days": 5}}, "read_only", "overdue_days"),
        ({"set": {"horizon": "soon"}}, "bad_value", "horizon"),
        ({"set": {"horizon": 2030.5}}, "bad_value", "horizon"),
        ({"set": {"horizon": True}}, "bad_value", "horizon"),
        ({"set": {"placement": "somewhere"}}, "bad_value", "placement"),
        ({"set": {"address": "x" * 300}}, "too_long", "address"),
        ({"set": {"address": "a\u0000b"}}, "bad_value", "address"),
        ({"geometry": None}, "geometry_null", None),
        *(({"geometry": text}, "geometry_unreadable", None) for text in NOT_WKB.values()),
        ({"geometry": wkb(shapely.GeometryCollection([POINT, LINE]))}, "geometry_kind", None),
        ({"geometry": wkb(shapely.Point())}, "geometry_empty", None),
        ({"geometry": wkb(shapely.Point(200, 100))}, "outside_area", None),
        ({"geometry": wkb(BOW)}, "geometry_invalid", None),
        ({"op": "create"}, "exists", None),
        ({"guid": str(uuid4())}, "unknown_guid", None),
        ({"guid": "not a guid", "op": "create"}, "bad_guid", None),
    ],
)
def test_what_cannot_be_is_rejected_by_itself(
    exchange: Exchange, sent: dict[str, Any], code: str, field: str | None
) -> None:
    guid, other = exchange.town.plant(), exchange.town.plant()
    base = exchange.row(guid)["version"]
    good = change(other, base_version=exchange.row(other)["version"], set={"horizon": 2035})
    bad, fine = exchange.send({**change(guid, base_version=base), **sent}, good)["results"]
    assert (bad["status"], bad["code"], bad.get("field")) == ("rejected", code, field)
    assert bad["message"]
    assert fine["status"] == "applied"


def test_retired_proposal_is_edited_no_more(exchange: Exchange) -> None:
    guid = exchange.town.plant()
    base = exchange.row(guid)["version"]
    exchange.town.change(guid, visibility=Visibility.RETIRED)
    assert only(exchange.send(change(guid, base_version=base, set={"horizon": 2031})))["code"] == "gone"


def test_messages_are_in_the_reader_s_language(exchange: Exchange) -> None:
    document = body(change(str(uuid4())))
    told = [only(post(exchange, document, **{"Accept-Language": each})[1])["message"] for each in ("ru", "en")]
    assert told == ["Такого предложения нет.", "There is no such proposal."]


# --- once, all, and only told


@both_stores
def test_same_push_again_does_nothing_and_answers_the_same(exchange: Exchange) -> None:
    guid = exchange.town.plant()
    sent = [
        change(guid, base_version=exchange.row(guid)["version"], set={"horizon": 2031}),
        change(str(uuid4()), op="create", set={"title": "Сквер"}, geometry=wkb(POINT)),
        change(guid, set={"nonsense": 1}),
    ]
    first = exchange.send(*sent, key="a-key-of-mine")
    before = everything(exchange.town)
    again = exchange.send(*sent, key="a-key-of-mine")
    assert everything(exchange.town) == before
    assert not again["kept"]
    assert [each["replayed"] for each in again["results"]] == [True] * 3
    assert [{**each, "replayed": False} for each in again["results"]] == first["results"]


def test_same_change_in_another_push_is_not_done_again(exchange: Exchange) -> None:
    guid = exchange.town.plant()
    sent = change(guid, base_version=exchange.row(guid)["version"], set={"horizon": 2031})
    exchange.send(sent)
    exchange.town.change(guid, horizon=2044)
    assert only(exchange.send(sent))["replayed"]
    assert exchange.row(guid)["properties"]["horizon"] == 2044


def test_other_content_under_a_used_change_id_is_rejected(exchange: Exchange) -> None:
    guid = exchange.town.plant()
    sent = change(guid, base_version=exchange.row(guid)["version"], set={"horizon": 2031})
    exchange.send(sent)
    result = only(exchange.send({**sent, "set": {"horizon": 2032}}))
    assert (result["status"], result["code"]) == ("rejected", "change_id_reused")
    assert exchange.row(guid)["properties"]["horizon"] == 2031


@both_stores
def test_other_body_under_a_used_key_is_refused(exchange: Exchange) -> None:
    guid = exchange.town.plant()
    exchange.send(change(guid, set={"horizon": 2031}), key="a-key-of-mine")
    before = everything(exchange.town)
    status, problem = post(exchange, body(change(guid, set={"horizon": 2032})), "a-key-of-mine")
    assert (status, expect("problem", problem)["reason"]) == (422, "key_reused")
    assert everything(exchange.town) == before


def test_quotes_around_the_key_are_no_part_of_it(exchange: Exchange) -> None:
    document = body(change(str(uuid4())))
    assert post(exchange, document, '"a-key-of-mine"')[1]["push"] == "a-key-of-mine"


@both_stores
def test_same_push_twice_at_the_same_time_is_done_once(exchange: Exchange) -> None:
    guid = exchange.town.plant(horizon=2030)
    version = exchange.row(guid)["version"]
    sent = [change(guid, base_version=version, set={"horizon": 2030 + step}) for step in range(1, 4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: exchange.send(*sent, key="a-key-of-mine"), range(4)))
    assert sorted(answer["kept"] for answer in answers) == [False, False, False, True]
    told = [[{**each, "replayed": None} for each in answer["results"]] for answer in answers]
    assert told == [told[0]] * 4
    assert exchange.row(guid)["properties"]["row_version"] == 4


def test_worker_is_woken_when_there_is_something_to_do(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[str] = []
    monkeypatch.setattr("sync_service.exchange.writing.wake_worker", woken.append)
    guid = exchange.town.plant()
    sent = change(guid, base_version=exchange.row(guid)["version"], set={"horizon": 2031})
    exchange.send(sent, check_only=True)
    assert woken == []
    exchange.send(sent)
    assert woken == [exchange.town.settings.store_url]
    exchange.send(sent)
    assert len(woken) == 1


@both_stores
def test_checked_push_changes_nothing(exchange: Exchange) -> None:
    guid = exchange.town.plant(horizon=2030)
    base = exchange.row(guid)["version"]
    exchange.town.change(guid, horizon=2040)
    before = everything(exchange.town)
    sent = [
        change(guid, base_version=base, set={"horizon": 2050, "address": "ул. Мира, 5"}),
        change(str(uuid4()), op="create", set={"title": "Сквер"}, geometry=wkb(POINT)),
        change(str(uuid4())),
    ]
    answer = exchange.send(*sent, check_only=True, key="a-key-of-mine")
    assert [each["status"] for each in answer["results"]] == ["clash", "applied", "rejected"]
    assert answer["kept"] is False
    assert everything(exchange.town) == before
    assert [each["status"] for each in exchange.send(*sent, key="a-key-of-mine")["results"]] == [
        each["status"] for each in answer["results"]
    ]


@both_stores
def test_all_or_nothing(exchange: Exchange) -> None:
    one, two = exchange.town.plant(), exchange.town.plant()
    good = [change(guid, base_version=exchange.row(guid)["version"], set={"horizon": 2031}) for guid in (one, two)]
    before = everything(exchange.town)
    answer = exchange.send(good[0], change(one, set={"nonsense": 1}), good[1], mode="all")
    assert [each["code"] for each in answer["results"]] == ["all_or_nothing", "unknown_property", "all_or_nothing"]
    assert (answer["kept"], everything(exchange.town)) == (False, before)
    assert [each["status"] for each in exchange.send(*good, mode="all")["results"]] == ["applied", "applied"]


def test_who_and_from_where_stands_in_the_history(exchange: Exchange) -> None:
    guid = exchange.town.plant()
    exchange.send(change(guid, base_version=exchange.row(guid)["version"], set={"horizon": 2031}), key="a-push")
    with exchange.town.database.reading() as connection:
        last = connection.execute(select(tables.history).order_by(tables.history.c.id.desc())).first()
    assert last is not None
    assert (last.source, last.who, last.push) == ("qgis", "token", "a-push")


def test_full_push_is_taken(exchange: Exchange) -> None:
    guids = [str(uuid4()) for _ in range(MOST_CHANGES)]
    drawn = [change(guid, op="create", set={"title": "Сквер"}, geometry=wkb(POINT)) for guid in guids]
    assert {each["status"] for each in exchange.send(*drawn)["results"]} == {"applied"}
    assert list(exchange.copy().take().rows) == guids


# --- asked wrongly


def test_limit_of_changes_is_the_same_in_schema_and_capabilities(exchange: Exchange) -> None:
    assert wire_schemas()["push"]["properties"]["changes"]["maxItems"] == MOST_CHANGES
    sent = [change(str(uuid4())) for _ in range(MOST_CHANGES + 1)]
    document = {"client_id": "c", "schema_rev": schema_rev(), "changes": sent}
    status, problem = post(exchange, document)
    assert (status, problem["limit"], problem["field"]) == (413, MOST_CHANGES, "#/changes")


def test_stale_properties_are_told(exchange: Exchange) -> None:
    status, problem = post(exchange, body(change(str(uuid4())), schema_rev="of old"))
    assert (status, expect("problem", problem)["reason"], problem["schema_rev"]) == (
        409,
        "schema_rev_stale",
        schema_rev(),
    )


SOUND = {"client_id": "c", "schema_rev": "r", "changes": [{"change_id": "1", "guid": "g", "op": "update"}]}


@pytest.mark.parametrize(
    ("document", "field", "reason"),
    [
        ([], "#", "wire_type"),
        ({}, "#", "wire_required"),
        ({**SOUND, "x/y~z": 1}, "#", "wire_additionalProperties"),
        ({**SOUND, "client_id": ""}, "#/client_id", "wire_minLength"),
        ({**SOUND, "client_id": "x" * 101}, "#/client_id", "wire_maxLength"),
        ({**SOUND, "client_id": 5}, "#/client_id", "wire_type"),
        ({**SOUND, "mode": "some"}, "#/mode", "wire_enum"),
        ({**SOUND, "check_only": "yes"}, "#/check_only", "wire_type"),
        ({**SOUND, "changes": []}, "#/changes", "wire_minItems"),
        ({**SOUND, "changes": [{"guid": "g", "op": "update"}]}, "#/changes/0", "wire_required"),
        ({**SOUND, "changes": [*SOUND["changes"], {"change_id": "2", "guid": "g", "op": "delete"}]},
         "#/changes/1/op", "wire_enum"),
        ({**SOUND, "changes": [{"change_id": "1", "guid": "g", "op": "update", "set": {"а/б": []}}]},
         "#/changes/0/set/%D0%B0~1%D0%B1", "wire_type"),
        ({**SOUND, "changes": [{"change_id": "1", "guid": "g", "op": "update", "geometry": {}}]},
         "#/changes/0/geometry", "wire_type"),
    ],
)  # fmt: skip
def test_wrong_documents_are_told_where(exchange: Exchange, document: Any, field: str, reason: str) -> None:
    status, problem = post(exchange, document)
    expect("problem", problem)
    assert (status, problem["field"], problem["reason"]) == (400, field, reason)
    assert "wire_" not in problem["detail"]
    assert "{" not in problem["detail"]


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b'{"a": NaN}', b'"\\ud800"', b"[" * 5000])
def test_what_is_no_json_is_told(exchange: Exchange, data: bytes) -> None:
    headers = {"Idempotency-Key": "a-key", "Content-Type": "application/json"}
    status, problem = exchange.ask("POST", PUSH, data=data, headers=headers)
    assert (status, expect("problem", problem)["reason"]) == (400, "wire_json")


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "application/geo+json"])
def test_only_json_is_taken(exchange: Exchange, media: str) -> None:
    headers = {"Idempotency-Key": "a-key", "Content-Type": media}
    status, problem = exchange.ask("POST", PUSH, data=json.dumps(SOUND), headers=headers)
    assert status == 415
    expect("problem", problem)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "key_wanted"),
        ({"Idempotency-Key": ""}, "key_form"),
        ({"Idempotency-Key": "a/b"}, "key_form"),
        ({"Idempotency-Key": "x" * 129}, "key_form"),
        ({"Idempotency-Key": "two words"}, "key_form"),
    ],
)
def test_key_is_wanted(exchange: Exchange, headers: dict[str, str], reason: str) -> None:
    status, problem = exchange.ask("POST", PUSH, json=SOUND, headers=headers)
    assert (status, problem["field"], problem["reason"]) == (400, "Idempotency-Key", reason)


def test_large_body_is_refused_before_it_is_read(exchange: Exchange) -> None:
    exchange.client.application.config["MAX_CONTENT_LENGTH"] = 1000
    document = {**SOUND, "client_id": "x" * 2000}
    assert post(exchange, document)[0] == 413


def form_token_in(page: TestResponse) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


def test_cookie_pushes_only_with_the_form_s_token(exchange: Exchange) -> None:
    token = form_token_in(exchange.client.get("/signin"))
    exchange.client.post("/signin", data={"csrf_token": token, "token": "a-token-long-enough-to-use"})
    token = form_token_in(exchange.client.get("/signin"))
    document, key = body(change(str(uuid4()))), {"Idempotency-Key": "a-key"}
    assert exchange.client.post(PUSH, json=document, headers=key).json["reason"] == "csrf"  # type: ignore[index]  # a problem
    assert exchange.client.post(PUSH, json=document, headers={**key, "X-CSRF-Token": token}).status_code == 200


def test_stranger_pushes_nothing(exchange: Exchange) -> None:
    answer = exchange.client.post(PUSH, json=body(change(str(uuid4()))), headers={"Idempotency-Key": "a-key"})
    assert answer.status_code == 401
