from __future__ import annotations

import json
import math
from datetime import date, timedelta
from functools import cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import shapely
from shapely.geometry import shape

from bench.cards import MEASURES, city_streets, many_cards
from kanban_adapter.errors import Unreachable
from kanban_adapter.memory import MemoryBoard, World
from kanban_adapter.memory.board import COLUMNS as RUSSIAN
from sync_service.demo.loader import ColumnsMissing, Loaded, load_demo
from sync_service.demo.samples import read_samples
from sync_service.places.address import Address, parse_address
from sync_service.places.area import WORLD, Area
from sync_service.places.builder import build_gazetteer
from sync_service.places.coordinates import find_coordinates
from sync_service.places.districts import DistrictIndex
from sync_service.places.finding import Found, NotFound, Precision
from sync_service.places.gazetteer import Gazetteer
from sync_service.places.lines import lines_labelled, looks_personal, summary
from sync_service.places.maplinks import blank_links, find_links
from sync_service.places.outlines import read_districts
from sync_service.places.parcels import find_parcels
from sync_service.places.reading import read_place
from sync_service.places.reason import ReasonCode
from sync_service.places.resolver import Resolver
from sync_service.sync.fields import field_table
from sync_service.sync.values import PUBLIC_STAGES, Placement, Stage

if TYPE_CHECKING:
    from kanban_adapter.card import Card
    from sync_service.places.finding import Finding

TODAY = date(2026, 11, 22)
CITY = Area(49.15, 53.44, 49.60, 53.58)
DISTRICTS = {"Автозаводский", "Центральный", "Комсомольский"}
LINKS = {"yandex", "2gis", "google", "osm"}
WRITTEN = {"decimal", "comma", "dms", "letters"}
SHOWN = WRITTEN | LINKS | {"several"}
BLOCKING = {"заблокировано", "стоп", "blocked"}


def read_demo(name: str) -> Any:
    return json.loads(files("config.demo").joinpath(name).read_text("utf-8"))


PROPOSALS: list[dict[str, Any]] = read_demo("proposals.json")["proposals"]


def text_of(proposal: dict[str, Any]) -> str:
    return "\n".join(proposal["description"])


def said(*kinds: str) -> list[dict[str, Any]]:
    return [proposal for proposal in PROPOSALS if proposal["said"] in kinds]


def named(proposal: dict[str, Any]) -> str:
    return str(proposal["reference"])


def points_of(proposal: dict[str, Any]) -> list[shapely.Point]:
    text = text_of(proposal)
    sightings = [*find_coordinates(blank_links(text), CITY), *find_links(text, CITY)]
    return [shapely.Point(found.position) for found in sightings if found.position is not None]


@cache
def outlines() -> dict[str, Any]:
    features = read_demo("districts.geojson")["features"]
    return {row["properties"]["name"]: shape(row["geometry"]) for row in features}


def lines_of(proposal: dict[str, Any], field: str) -> list[str]:
    return [line.text for line in lines_labelled(text_of(proposal), field_table()[field].labels)]


# ── the file ────────────────────────────────────────────────────────────────


def test_proposals_fit_their_schema() -> None:
    jsonschema.Draft202012Validator(read_demo("proposals.schema.json")).validate(read_demo("proposals.json"))


def test_references_and_titles_are_unique() -> None:
    assert len({named(row) for row in PROPOSALS}) == len(PROPOSALS)
    assert len({row["title"] for row in PROPOSALS}) == len(PROPOSALS)


def test_map_is_full() -> None:
    public = [row for row in PROPOSALS if Stage(row["stage"]) in PUBLIC_STAGES and not row["closed"]]
    assert len(PROPOSALS) >= 90
    assert len(public) >= 55


def test_every_kind_of_thing_is_there() -> None:
    schema = read_demo("proposals.schema.json")["$defs"]["proposal"]["properties"]
    assert {row["stage"] for row in PROPOSALS} == set(schema["stage"]["enum"])
    assert {row["said"] for row in PROPOSALS} == set(schema["said"]["enum"])
    assert {row["district"] for row in PROPOSALS} == {*DISTRICTS, None}
    assert {tag for row in PROPOSALS for tag in row["tags"]} >= BLOCKING
    assert {row["closed"] for row in PROPOSALS if row["stage"] == "done"} == {True, False}
    assert {row["closed"] for row in PROPOSALS if row["stage"] != "done"} == {True, False}


def test_six_directions_share_the_proposals() -> None:
    directions = [line for row in PROPOSALS for line in lines_of(row, "direction")]
    assert len(directions) == len(PROPOSALS)
    counts = {name: directions.count(name) for name in directions}
    assert len(counts) == 6
    assert min(counts.values()) >= 10


def test_horizons_reach_far() -> None:
    years = [int(line) for row in PROPOSALS for line in lines_of(row, "horizon")]
    assert (min(years), max(years)) == (2023, 2055)


def test_some_are_overdue_and_some_are_not() -> None:
    running = [row for row in PROPOSALS if row["stage"] == "in_progress" and row["due_in_days"] is not None]
    late = sum(row["due_in_days"] < 0 for row in running)
    assert 8 <= late <= len(running) - 8


def test_nothing_runs_before_it_starts() -> None:
    for row in PROPOSALS:
        if row["start_in_days"] is not None and row["due_in_days"] is not None:
            assert row["start_in_days"] < row["due_in_days"], named(row)


@pytest.mark.parametrize("proposal", PROPOSALS, ids=named)
def test_no_text_looks_personal(proposal: dict[str, Any]) -> None:
    assert looks_personal(f"{proposal['title']}\n{text_of(proposal)}") is None


def test_internal_lines_stay_out_of_the_summary() -> None:
    kept_back = [row for row in PROPOSALS if "Служебно:" in text_of(row) or "Internal:" in text_of(row)]
    assert len(kept_back) >= 3
    for row in kept_back:
        last = row["description"][-1].partition(": ")[2]
        assert last
        assert last not in summary(text_of(row))


def test_one_text_is_long_and_one_has_emoji() -> None:
    assert max(len(text_of(row)) for row in PROPOSALS) > 2500
    assert any(ord(char) > 0x1F000 for row in PROPOSALS for char in row["title"])


# ── places ──────────────────────────────────────────────────────────────────


def test_districts_are_sound_and_apart() -> None:
    shapes = list(outlines().values())
    assert set(outlines()) == DISTRICTS
    assert all(outline.is_valid for outline in shapes)
    assert all(one.intersection(two).area == 0 for one in shapes for two in shapes if one is not two)


@pytest.mark.parametrize("proposal", said(*SHOWN), ids=named)
def test_shown_places_lie_in_their_district(proposal: dict[str, Any]) -> None:
    points = points_of(proposal)
    assert points
    assert all(outlines()[proposal["district"]].contains(point) for point in points)


@pytest.mark.parametrize("proposal", said("several"), ids=named)
def test_several_places_are_several(proposal: dict[str, Any]) -> None:
    places = {point.wkt for point in points_of(proposal)}
    assert len(places) == len(lines_of(proposal, "placement")) >= 2


@pytest.mark.parametrize("proposal", [row for row in PROPOSALS if row["said"] not in SHOWN], ids=named)
def test_other_texts_show_no_place(proposal: dict[str, Any]) -> None:
    assert points_of(proposal) == []


@pytest.mark.parametrize("proposal", said("parcel"), ids=named)
def test_parcel_numbers_are_read(proposal: dict[str, Any]) -> None:
    assert len(find_parcels(text_of(proposal))) == 1


def test_gazetteer_lies_in_its_districts() -> None:
    shapes = outlines()
    features = read_demo("gazetteer.geojson")["features"]
    strays = [
        row["properties"]
        for row in features
        if not shapes[row["properties"]["district"]].covers(shape(row["geometry"]))
    ]
    assert strays == []
    assert sum(row["geometry"]["type"] == "LineString" for row in features) >= 60
    assert {row["properties"]["settlement"] for row in features} == {"Тольятти"}
    streets = {row["properties"]["street"] for row in features if row["geometry"]["type"] == "LineString"}
    assert {row["properties"]["street"] for row in features} == streets


@pytest.fixture(scope="module")
def gazetteer(tmp_path_factory: pytest.TempPathFactory) -> Gazetteer:
    made = tmp_path_factory.mktemp("gazetteer") / "gazetteer.db"
    with as_file(files("config.demo").joinpath("gazetteer.geojson")) as layer:
        counts = build_gazetteer(layer, made)
    assert counts.skipped == 0
    assert counts.streets >= 60
    return Gazetteer(made, home="Тольятти")


def find_address(gazetteer: Gazetteer, proposal: dict[str, Any]) -> Finding:
    (line,) = lines_of(proposal, "address")
    address = parse_address(line)
    assert isinstance(address, Address)
    return gazetteer.lookup(address)


@pytest.mark.parametrize("proposal", said("address", "corner"), ids=named)
def test_addresses_are_found_in_their_district(proposal: dict[str, Any], gazetteer: Gazetteer) -> None:
    found = find_address(gazetteer, proposal)
    assert isinstance(found, Found)
    assert found.precision is (Precision.CROSSING if proposal["said"] == "corner" else Precision.HOUSE)
    assert outlines()[proposal["district"]].contains(found.geometry)


@pytest.mark.parametrize("proposal", said("wrong_address"), ids=named)
def test_wrong_addresses_are_not_found(proposal: dict[str, Any], gazetteer: Gazetteer) -> None:
    assert isinstance(find_address(gazetteer, proposal), NotFound)


UNPLACED: dict[str, set[ReasonCode]] = {
    "nothing": {ReasonCode.NOTHING_SAID},
    "wrong_link": {ReasonCode.LINK_NO_MARKER, ReasonCode.LINK_SHORT},
    "wrong_address": {ReasonCode.ADDRESS_UNKNOWN},
    "wrong_planet": {ReasonCode.COORDINATES_IMPOSSIBLE},
}
WORDED = {"citywide": Placement.CITYWIDE, "district": Placement.DISTRICT, "none": Placement.NONE}


@pytest.mark.parametrize("area", [CITY, WORLD], ids=["city", "world"])
@pytest.mark.parametrize("proposal", [row for row in PROPOSALS if row["said"] != "parcel"], ids=named)
def test_reading_makes_of_a_text_what_was_said(proposal: dict[str, Any], area: Area, gazetteer: Gazetteer) -> None:
    reading = read_place(text_of(proposal), address=None, area=area)
    place = Resolver(gazetteer, None, area).resolve(reading)
    if proposal["said"] in UNPLACED:
        assert place.placement is Placement.UNPLACED
        assert place.reason is not None
        assert place.reason.code in UNPLACED[proposal["said"]]
    else:
        assert place.placement is WORDED.get(proposal["said"], Placement.PLACED)
    if place.geometry is not None:
        assert district_index().district_of(shapely.from_wkb(place.geometry)) == proposal["district"]


@cache
def district_index() -> DistrictIndex:
    with as_file(files("config.demo").joinpath("districts.geojson")) as layer:
        return DistrictIndex(read_districts(layer))


def test_public_proposals_mostly_have_a_place(gazetteer: Gazetteer) -> None:
    public = [row for row in PROPOSALS if Stage(row["stage"]) in PUBLIC_STAGES and not row["closed"]]
    resolver = Resolver(gazetteer, None, CITY)
    places = [resolver.resolve(read_place(text_of(row), address=None, area=CITY)).placement for row in public]
    assert places.count(Placement.PLACED) >= 55
    assert places.count(Placement.UNPLACED) >= 3


# ── many cards for the benchmarks ───────────────────────────────────────────


def test_many_cards_are_the_same_for_a_seed() -> None:
    assert list(many_cards(50, 3)) == list(many_cards(50, 3))
    assert list(many_cards(50, 3)) != list(many_cards(50, 4))


def test_many_cards_are_placed_where_they_say() -> None:
    for made in many_cards(500, 1):
        (found,) = find_coordinates(made.sample.description, CITY)
        assert found.position == (made.lon, made.lat)


def test_many_cards_differ_and_spread() -> None:
    cards = list(many_cards(5000, 1))
    assert len({made.sample.reference for made in cards}) == 5000
    assert len({made.sample.title for made in cards}) == 5000
    assert {made.sample.stage for made in cards} == set(Stage) - {Stage.CLOSED}
    quarters = {(made.lon // 0.05, made.lat // 0.02) for made in cards}
    assert len(quarters) >= 15


def test_streets_and_measures_have_no_common_divisor() -> None:
    assert math.gcd(len(city_streets()), len(MEASURES)) == 1


# ── loading ─────────────────────────────────────────────────────────────────


ENGLISH = ("Backlog", "Ready", "Approved", "Work in progress", "Done", "Rejected")
SAMPLES = {sample.reference: sample for sample in read_samples()}


def silent(settled: int, total: int) -> None:
    """Hear the progress and say nothing."""


def load(board: MemoryBoard, today: date = TODAY) -> Loaded:
    return load_demo(board, board.columns(), today, silent)


def cards_on(board: MemoryBoard) -> dict[str, Card]:
    cards = [card for card in board.read(board.listing().cards).cards.values() if card is not None]
    assert len({card.reference for card in cards}) == len(cards)
    return {card.reference: card for card in cards}


def test_samples_become_cards() -> None:
    board = MemoryBoard()
    assert load(board) == Loaded(count=len(SAMPLES), total=len(SAMPLES))
    cards = cards_on(board)
    assert cards.keys() == SAMPLES.keys()
    for reference, sample in SAMPLES.items():
        card = cards[reference]
        assert (card.title, card.description, card.tags) == (sample.title, sample.description, sample.tags)
        assert card.closed is sample.closed


@pytest.mark.parametrize("titles", [RUSSIAN, ENGLISH], ids=["russian", "english"])
def test_cards_stand_in_the_column_of_their_stage(titles: tuple[str, ...]) -> None:
    world = World()
    board = MemoryBoard(world, [world.add_project("Карта", titles)])
    load(board)
    columns = {column.id: column.title for column in board.columns()}
    expected = dict(zip(list(Stage)[:6], titles, strict=True))
    for reference, card in cards_on(board).items():
        assert columns[card.column_id] == expected[SAMPLES[reference].stage]


def test_dates_count_from_the_day_of_loading() -> None:
    sample = next(each for each in SAMPLES.values() if each.start_in_days is not None and each.due_in_days is not None)
    later = TODAY + timedelta(days=400)
    for today in (TODAY, later):
        board = MemoryBoard()
        load(board, today)
        card = cards_on(board)[sample.reference]
        assert card.start == today + timedelta(days=sample.start_in_days or 0)
        assert card.due == today + timedelta(days=sample.due_in_days or 0)


def test_loading_twice_makes_nothing_twice() -> None:
    board = MemoryBoard()
    load(board)
    before = cards_on(board)
    assert load(board, TODAY + timedelta(days=30)) == Loaded(count=0, total=len(SAMPLES))
    assert cards_on(board) == before


def test_loading_again_leaves_what_people_did() -> None:
    ticks = iter(range(1_000_000, 9_000_000))
    board = MemoryBoard(clock=lambda: next(ticks))
    load(board)
    cards = cards_on(board)
    moved, closed = cards["demo-001"], next(card for card in cards.values() if card.closed)
    elsewhere = next(column.id for column in board.columns() if column.id != moved.column_id)
    board.as_person.drag_card(moved.id, elsewhere)
    board.as_person.reopen_card(closed.id)
    assert load(board).count == 0
    assert cards_on(board)["demo-001"].column_id == elsewhere
    assert not cards_on(board)[closed.reference].closed


def test_removed_sample_comes_back_alone() -> None:
    board = MemoryBoard()
    load(board)
    board.as_person.remove_card(cards_on(board)["demo-007"].id)
    assert load(board).count == 1
    assert cards_on(board).keys() == SAMPLES.keys()


@pytest.mark.parametrize(
    "broken",
    [("create_card", "write"), ("create_card", "answer"), ("set_closed", "write"), ("set_closed", "answer")],
    ids="-".join,
)
def test_loading_that_broke_off_is_carried_on(broken: tuple[str, str]) -> None:
    board = MemoryBoard(clock=lambda: 1_000_000)
    nth = 1 + next(index for index, sample in enumerate(SAMPLES.values()) if sample.closed)
    left = nth if broken[0] == "create_card" else 1

    def break_off(*at: str) -> None:
        nonlocal left
        left -= at == broken
        if left == 0:
            raise Unreachable(broken[0])

    board.world.faults.hook = break_off
    with pytest.raises(Unreachable):
        load(board)
    board.world.faults.hook = None
    assert 0 < load(board).count < len(SAMPLES)
    assert cards_on(board).keys() == SAMPLES.keys()
    assert all(card.closed is SAMPLES[reference].closed for reference, card in cards_on(board).items())


def test_only_the_first_project_is_filled() -> None:
    world = World()
    first, second = world.add_project("Карта", RUSSIAN), world.add_project("Архив", RUSSIAN)
    board = MemoryBoard(world, [first, second])
    load(board)
    assert {card.project_id for card in cards_on(board).values()} == {first}


def test_second_project_does_not_lend_its_columns() -> None:
    world = World()
    first, second = world.add_project("Карта", RUSSIAN[:5]), world.add_project("Архив", RUSSIAN)
    with pytest.raises(ColumnsMissing):
        load(MemoryBoard(world, [first, second]))


def test_leftmost_column_of_a_stage_is_taken() -> None:
    world = World()
    board = MemoryBoard(world, [world.add_project("Карта", (*RUSSIAN, "Done", "Approved"))])
    load(board)
    used = {card.column_id for card in cards_on(board).values()}
    assert {column.title for column in board.columns() if column.id in used} == set(RUSSIAN)


def test_missing_columns_are_named_and_nothing_is_written() -> None:
    world = World()
    board = MemoryBoard(world, [world.add_project("Карта", ("Одобрено", "Done", "Новая"))])
    with pytest.raises(ColumnsMissing) as caught:
        load(board)
    assert caught.value.data["titles"] == "Предложено, На рассмотрении, В работе, Отклонено"
    assert "Предложено" in caught.value.say("ru")
    assert cards_on(board) == {}


def test_progress_reaches_the_end() -> None:
    board = MemoryBoard()
    heard: list[tuple[int, int]] = []
    load_demo(board, board.columns(), TODAY, lambda settled, total: heard.append((settled, total)))
    assert heard[-1] == (len(SAMPLES), len(SAMPLES))
    assert heard == sorted(heard)


def test_loading_takes_few_requests() -> None:
    board = MemoryBoard()
    load(board)
    closed = sum(sample.closed for sample in SAMPLES.values())
    assert board.world.requests <= 4 * len(SAMPLES) + 2 * closed
    board.world.requests = 0
    load(board)
    assert board.world.requests <= 10
