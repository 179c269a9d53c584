"""What changed, before the project group: in words, picked, exported, and one proposal's history."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
import shapely
from openpyxl import load_workbook

from sync_service.desk import tracking
from sync_service.desk.changes import by_day, tell_field
from sync_service.desk.moves import say_distance, say_move
from sync_service.desk.picking import read_pick
from sync_service.desk.wording import Wording
from sync_service.errors import BadRequest
from sync_service.store.clock import utc_now
from sync_service.store.features import Author, find_feature, write_feature
from sync_service.store.journal import Picked, read_entries
from sync_service.sync.editing import geometry_text
from sync_service.sync.values import Hand
from tests.bureau import Visitor, visit_desk

if TYPE_CHECKING:
    from tests.desk import Desk

QGIS = Author("qgis", who="A. Editor", push="push-1")
HERE = shapely.Point(49.3461, 53.5303)
NEAR = shapely.Point(49.3479, 53.5303)  # 119 m east


@pytest.fixture
def reader(desk: Desk) -> Visitor:
    return visit_desk(desk).sign_in()


@pytest.fixture(params=["ru", "en"])
def wording(request: pytest.FixtureRequest) -> Wording:
    return Wording(request.param, ZoneInfo("Europe/Samara"))


def edit(desk: Desk, card: str, author: Author, geometry: shapely.Geometry | None = None, **values: Any) -> str:
    """Somebody edits a proposal on the map."""
    guid = desk.known(card).guid
    with desk.parts.database.writing() as connection:
        feature = find_feature(connection, guid)
        assert feature is not None
        wkb = feature.geometry if geometry is None else shapely.to_wkb(geometry)
        fresh = replace(feature, geometry=wkb, hand=Hand.MAP, properties={**feature.properties, **values})
        write_feature(connection, fresh, author, desk.now)
    return guid


def recently(desk: Desk) -> None:
    """The service tells today by its own clock."""
    desk.now = utc_now() - timedelta(minutes=5)


def told(page: str) -> list[str]:
    """The page's text, line by line, without markup."""
    plain = re.sub(r"<(?:script|style).*?</(?:script|style)>", "", page, flags=re.DOTALL)
    return [" ".join(unescape(re.sub(r"<[^>]+>", " ", line)).split()) for line in plain.splitlines()]


# --- the page


def test_stranger_is_led_to_the_sign_in(desk: Desk) -> None:
    stranger = visit_desk(desk)
    assert stranger.get("/desk/changes?since=2026-03-01").headers["Location"].startswith("/signin?next=/desk/changes")
    assert stranger.client.get("/desk/changes.csv").status_code == 401
    assert stranger.client.get("/desk/proposals/x").status_code == 401


def test_everything_since_a_week_is_told_in_words(desk: Desk, reader: Visitor) -> None:
    recently(desk)
    card = desk.add("Park")
    desk.sweep()
    desk.drag(card, "Одобрено")
    desk.sweep()
    edit(desk, card, QGIS, NEAR, address="Lenin Boulevard, 15")
    lines = told(reader.get("/desk/changes").text)
    assert "3 changes of 1 proposal" in " ".join(lines)
    text = " ".join(lines)
    assert "New proposal" in text
    assert "Stage was proposed → is approved" in text
    assert "Visibility was not seen → is seen by all" in text
    assert "QGIS · A. Editor" in text
    assert "Place moved 119 m" in text
    assert "Address was – → is Lenin Boulevard, 15" in text
    assert "Summary" not in text


def test_older_changes_are_shown_when_asked_for(desk: Desk, reader: Visitor) -> None:
    card = desk.add("Park")
    desk.sweep()  # in March
    assert "Nothing changed in this time." in reader.get("/desk/changes").text
    assert "Park" in reader.get("/desk/changes?since=2026-03-02").text
    assert "Park" in reader.get("/desk/changes?since=2026-03-01&until=2026-03-02").text
    assert "Park" not in reader.get("/desk/changes?since=2026-03-01&until=2026-03-01").text
    assert card


def test_days_begin_at_midnight_of_the_place(desk: Desk, reader: Visitor) -> None:
    desk.now = desk.now.replace(hour=21)  # 1 o'clock on the 3rd in Samara
    desk.add("Park")
    desk.sweep()
    assert "Park" not in reader.get("/desk/changes?since=2026-03-01&until=2026-03-02").text
    page = reader.get("/desk/changes?since=2026-03-03&until=2026-03-03").text
    assert "Park" in page
    assert "3 March 2026" in page
    assert "01:00" in page


@pytest.mark.parametrize(
    ("query", "seen"),
    [
        ("source=qgis", {"Park"}),
        ("source=board", {"Park", "Lane"}),
        ("who=A.+Editor", {"Park"}),
        ("who=-", {"Park", "Lane"}),
        ("stage=approved", {"Park"}),
        ("stage=done", set()),
        ("direction=Transport", {"Lane"}),
        ("source=qgis&direction=Transport", set()),
    ],
)
def test_changes_are_picked(desk: Desk, reader: Visitor, query: str, seen: set[str]) -> None:
    park = desk.add("Park", column="Одобрено")
    desk.add("Lane", "Direction: Transport\nPlace: 53.5303, 49.3461")
    desk.sweep()
    edit(desk, park, QGIS, NEAR)
    page = reader.get(f"/desk/changes?since=2026-03-01&{query}").text
    assert {title for title in ("Park", "Lane") if f">{title}</a>" in page} == seen
    if not seen:
        assert "No changes match." in page


def test_what_is_offered_to_pick_is_what_there_is(desk: Desk, reader: Visitor) -> None:
    card = desk.add("Park", "Direction: Transport")
    desk.sweep()
    edit(desk, card, QGIS, NEAR)
    page = reader.get("/desk/changes?since=2026-03-01").text
    for option in ('value="qgis"', 'value="A. Editor"', 'value="Transport"', 'value="approved"'):
        assert option in page
    assert 'value="import"' not in page


@pytest.mark.parametrize("query", ["since=yesterday", "until=2026-13-01", "since=0001-01-01", "since=9999-12-31"])
def test_no_date_is_no_request(reader: Visitor, query: str) -> None:
    assert reader.get(f"/desk/changes?{query}").status_code == 400


def test_long_history_comes_in_pages(desk: Desk, reader: Visitor) -> None:
    card = desk.add("Park")
    desk.sweep()
    feature = desk.known(card)
    with desk.parts.database.writing() as connection:
        for year in range(2030, 2030 + 203):
            feature = replace(feature, properties={**feature.properties, "horizon": year})
            feature = write_feature(connection, feature, QGIS, desk.now)
    first = reader.get("/desk/changes?since=2026-03-01").text
    assert "2232" in first
    assert "2033" in first
    assert 'class="after">2032<' not in first
    earlier = first.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    rest = reader.get(earlier).text
    assert "New proposal" in rest
    assert "2232" not in rest


def test_cards_words_are_never_markup(desk: Desk, reader: Visitor) -> None:
    card = desk.add("<b>Park</b>")
    desk.sweep()
    desk.person.edit_card(card, title="<script>alert(1)</script>")
    desk.sweep()
    page = reader.get("/desk/changes?since=2026-03-01").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


# --- export


def test_changes_are_exported_as_csv(desk: Desk, reader: Visitor) -> None:
    card = desk.add("=Park", column="Одобрено")
    desk.sweep()
    guid = edit(desk, card, QGIS, NEAR, horizon=2030)
    answer = reader.get("/desk/changes.csv?since=2026-03-01&source=qgis")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=changes-2026-03-01-")
    rows = list(csv.DictReader(StringIO(answer.data.decode("utf-8-sig"))))
    assert [(row["What"], row["Before"], row["After"]) for row in rows] == [
        ("Horizon, year", "", "2030"),
        ("Place set by", "the card", "the map"),
        ("Place", "point, 53.53030, 49.34610", "point, 53.53030, 49.34790"),
    ]
    assert {(row["Proposal"], row["Who"], row["Push"], row["Identifier"]) for row in rows} == {
        ("'=Park", "A. Editor", "push-1", guid)
    }
    assert rows[0]["When"] == "2026-03-02 13:00:00"


def test_changes_are_exported_to_excel(desk: Desk, reader: Visitor) -> None:
    card = desk.add("Park\x0b", "x" * 40_000)
    desk.sweep()
    desk.person.edit_card(card, description="y" * 40_000)
    desk.sweep()
    answer = reader.get("/desk/changes.xlsx?since=2026-03-01")
    sheet = load_workbook(BytesIO(answer.data), read_only=True).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0][:3] == ("When", "Proposal", "Card")
    assert len(str(max(rows[-1] + rows[1], key=lambda cell: len(str(cell))))) == 32_767
    assert {row[1] for row in rows[1:]} == {"Park"}


def test_more_than_a_file_holds_is_refused(desk: Desk, reader: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "MOST_EXPORTED", 1)
    for title in ("Park", "Lane"):
        desk.add(title)
    desk.sweep()
    assert reader.get("/desk/changes.csv?since=2026-03-01").status_code == 413


def test_other_files_are_not_there(reader: Visitor) -> None:
    assert reader.get("/desk/changes.pdf").status_code == 404


# --- one proposal


def test_history_of_a_proposal_shows_each_place(desk: Desk, reader: Visitor) -> None:
    card = desk.add("Park", column="Одобрено")
    desk.sweep()
    guid = edit(desk, card, QGIS, shapely.LineString([(49.34, 53.53), (49.35, 53.53)]))
    page = reader.get(f"/desk/proposals/{guid}").text
    assert "<h1>Park</h1>" in page
    assert "was point, is line" in " ".join(told(page))
    assert page.count("<svg") == 2
    assert 'class="side-before"' in page
    assert f"/board/cards/{card}" in page


def test_unknown_proposal_is_not_there(reader: Visitor) -> None:
    assert reader.get("/desk/proposals/c5f6b3de-0000-4000-8000-000000000000").status_code == 404


# --- words


def test_places_are_told_by_what_became_of_them(wording: Wording) -> None:
    point, line = geometry_text(HERE.wkb), geometry_text(shapely.LineString([(49.34, 53.53), (49.35, 53.53)]).wkb)
    bent = geometry_text(shapely.LineString([(49.34, 53.53), (49.345, 53.53), (49.35, 53.53)]).wkb)
    far = geometry_text(shapely.Point(49.4461, 53.5303).wkb)
    said = [
        say_move(*pair, wording) for pair in ((None, point), (point, None), (point, line), (line, bent), (point, far))
    ]
    assert (
        said
        == {
            "ru": ["поставлено: точка", "убрано", "было: точка, стало: линия", "другая форма", "передвинуто на 6,6 км"],
            "en": ["set: point", "taken away", "was point, is line", "another shape", "moved 6.6 km"],
        }[wording.language]
    )


def test_distances_are_rounded_as_people_do(wording: Wording) -> None:
    assert say_distance(119.6, wording) == {"ru": "120 м", "en": "120 m"}[wording.language]
    assert say_distance(999.6, wording) == {"ru": "1,0 км", "en": "1.0 km"}[wording.language]


def test_long_texts_are_cut_to_where_they_differ(wording: Wording) -> None:
    one = "begin " * 40 + "old" + " end" * 60
    line = tell_field("description", one, one.replace("old", "new"), wording)
    assert line.before == one[240 - 40 : 243 + 40].join("……")
    assert line.after == line.before.replace("old", "new")


def test_long_texts_without_anything_in_common_stay_whole(wording: Wording) -> None:
    line = tell_field("description", "a" * 300, "b" * 200, wording)
    assert (line.before, line.after) == ("a" * 300, "b" * 200)


def test_every_field_and_value_has_words(desk: Desk, wording: Wording) -> None:
    card = desk.add("Park", "Direction: Transport\nPlace: 53.5303, 49.3461")
    desk.sweep()
    edit(desk, card, QGIS, placement="citywide", blocked=True, due="2030-01-02", place_check="asked_on_card")
    with desk.parts.database.reading() as connection:
        days = by_day(read_entries(connection, Picked(), before=None, limit=10), {}, wording)
    lines = [line for day in days for each in day.proposals for change in each.changes for line in change.lines]
    assert {line.name for line in lines} >= {"placement", "blocked", "due", "place_check", "hand", "stage", "geometry"}
    due = next(line for line in lines if line.name == "due")
    assert due.after == {"ru": "02.01.2030", "en": "2030-01-02"}[wording.language]
    blocked = next(line for line in lines if line.name == "blocked")
    assert blocked.after == {"ru": "да", "en": "yes"}[wording.language]


def test_pick_is_read_and_written_back(wording: Wording) -> None:
    today = utc_now().date()
    pick = read_pick({"since": "2026-03-01", "who": "A", "source": ""}, today)
    assert pick.parameters() == {"since": "2026-03-01", "who": "A"}
    assert pick.parameters(who=None, since="2026-03-02") == {"since": "2026-03-02"}
    assert read_pick({}, today).since == today - timedelta(days=6)
    with pytest.raises(BadRequest):
        read_pick({"since": "x"}, today)
