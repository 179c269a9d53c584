"""What the plugin's windows decide without a window: keys, order, clash choices, the words of outcomes and cards."""

from __future__ import annotations

import ast
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from placecard.core.copyfile.copy import Proposal
from placecard.core.copyfile.edits import LocalEdit
from placecard.core.stages import COLOURS
from placecard.core.wire import Clash, Property, PutBack, Result, Sides
from placecard.core.words import LANGUAGES, Words, load_words
from placecard.gui import choices, keys
from placecard.gui.addresses import complete, file_name
from placecard.gui.choices import BASE, GEOMETRY, MINE, OWN, THEIRS, Choices
from placecard.gui.order import following
from placecard.gui.outcomes import ORDER, describe, group, headline, property_titles, tell_edit, tell_put_back
from placecard.gui.steps import KEPT, Steps
from placecard.gui.telling import moment, page, person
from sync_service.publicmap.legend import LOOKS
from sync_service.sync.values import Stage
from sync_service.words import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "qgis_plugin" / "placecard"
EN, RU = Words("en"), Words("ru")
TITLES = {"address": "Address", "horizon": "Horizon, year", "stage": "Stage"}
THEN, NOW, YOURS = b"then", b"now", b"yours"


def clash(*, placed: bool = True, **fields: Sides) -> Clash:
    place = Sides(THEN, NOW, YOURS) if placed else None
    given = fields or {"address": Sides("a", "b", "c"), "horizon": Sides(2030, 2035, 2040)}
    return Clash("7", "g", 3, "edit", given, place, "t", "me", "anna", "t", None, None, None)


def result(status: str, **more: Any) -> Result:
    return Result("1", "g", status, "v", **more)


def edit(kind: str = "changed", geometry: bytes | None = None, **values: Any) -> LocalEdit:
    return LocalEdit("g", kind, values, geometry, None, "v", "Square")


def proposal(**more: Any) -> Proposal:
    given: dict[str, Any] = {
        **dict.fromkeys(("address", "district", "card_url", "direction", "partner", "place_check", "geometry")),
        "guid": "g",
        "title": "Square",
        "text": "",
        "stage": "approved",
        "placement": "unplaced",
        "local": False,
    }
    return Proposal(**{**given, **more})


# --- keys


@pytest.mark.parametrize(("latin", "russian"), [("p", "з"), ("L", "Д"), ("w", "ц"), ("d", "в"), ("n", "т"), ("g", "п")])
def test_a_key_counts_by_where_it_is_whatever_the_layout(latin: str, russian: str) -> None:
    assert keys.act_of(latin) is not None
    assert keys.act_of(latin) == keys.act_of(russian)


def test_every_act_has_a_key_of_its_own() -> None:
    assert {keys.act_of(letter) for letter in keys.LETTERS.values()} == set(keys.LETTERS)


@pytest.mark.parametrize("typed", ["", "\r", "z", "ы", "10", "0", "²"])
def test_other_keys_do_nothing(typed: str) -> None:
    assert keys.act_of(typed) is None
    assert keys.number_of(typed) is None


def test_digits_are_the_numbers_of_suggestions() -> None:
    assert [keys.number_of(digit) for digit in "129"] == [1, 2, 9]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_guide_names_every_key_but_those_of_other_tabs(language: str) -> None:
    guide = (ROOT / "docs" / f"plugin.{language}.md").read_text("utf-8")
    told = {key.strip() for row in re.findall(r"^\| ([^|]+) \|", guide, re.MULTILINE) for key in row.split(",")}
    assert {keys.cap(act) for act in keys.LETTERS} - {keys.cap(keys.RIGHT)} <= told
    assert f" {keys.cap(keys.RIGHT)} " in guide


# --- what is selected next


@pytest.mark.parametrize(
    ("now", "gone", "wanted"),
    [
        (["a", "c", "d"], "b", "c"),  # the one after it
        (["a", "b", "c"], "d", "c"),  # it was the last: the one before
        (["a", "d"], "b", "d"),  # the one after it went too
        (["x", "y"], "b", "x"),  # another list
        (["a"], "z", "a"),  # it was never there
        ([], "a", None),
    ],
)
def test_the_next_of_a_list(now: list[str], gone: str, wanted: str | None) -> None:
    assert following(["a", "b", "c", "d"], now, gone) == wanted


# --- taking back


def test_steps_are_taken_back_newest_first_and_not_kept_for_ever() -> None:
    steps = Steps()
    for number in range(KEPT + 5):
        steps.add(number, str(number))  # type: ignore[arg-type]  # what the copy held is nothing to the steps
    assert len(steps) == KEPT
    newest = steps.pop()
    assert newest is not None
    assert newest.title == str(KEPT + 4)
    steps.clear()
    assert steps.pop() is None


# --- clashes


def test_what_is_not_chosen_is_left_for_later() -> None:
    made = Choices(clash())
    made.pick("address", THEIRS)
    assert made.fields() == {"address": "b"}
    assert list(made.open_names()) == ["horizon", GEOMETRY]
    assert made.chosen(GEOMETRY) is None


def test_one_side_may_stand_in_everything_the_place_too() -> None:
    made = Choices(clash())
    made.pick_all(MINE)
    assert made.fields() == {"address": "c", "horizon": 2040}
    place = made.chosen(GEOMETRY)
    assert place is not None
    assert place.value == YOURS
    assert not list(made.open_names())


def test_a_value_of_ones_own_stands_and_one_that_equals_a_side_is_that_side() -> None:
    made = Choices(clash())
    made.write("address", "d")
    made.write("horizon", 2030)
    assert made.made["address"].side == OWN
    assert made.made["horizon"].side == BASE
    assert made.fields() == {"address": "d", "horizon": 2030}
    made.forget("address")
    assert made.fields() == {"horizon": 2030}


def test_a_clash_without_a_place_has_no_place_to_choose() -> None:
    assert Choices(clash(placed=False)).names == ["address", "horizon"]


@pytest.mark.parametrize(
    ("text", "sample", "value"),
    [(" 2035 ", 2030, 2035), ("later", 2030, "later"), ("2035", "2030", "2035"), ("", "a", None), ("1", True, "1")],
)
def test_what_is_written_has_the_kind_of_the_sides(text: str, sample: Any, value: Any) -> None:
    assert choices.read(text, sample) == value


def test_the_kind_is_that_of_a_side_that_is_there() -> None:
    made = Choices(clash(horizon=Sides(None, None, 2040)))
    assert choices.sample_of(made, "horizon") == 2040
    assert [choices.show(value) for value in (None, "", 0, "a")] == ["—", "—", "0", "a"]


# --- what became of a push


def test_what_wants_a_person_stands_first_and_good_news_is_said_first() -> None:
    results = [result("applied"), result("clash", clash=clash()), result("applied"), result("rejected")]
    assert list(group(results)) == ["rejected", "clash", "applied"]
    assert headline(EN, results, done=False) == "2 would be applied, 1 would clash, 1 would be rejected."
    assert headline(RU, results, done=True) == "Принято 2, 1 расхождение, не принято 1."
    assert headline(EN, [], done=False) == EN.say("push.nothing")


def test_every_status_has_its_words_in_both_tenses() -> None:
    for words in (EN, RU):
        for status in ORDER:
            for tense in ("would", "done"):
                for kind in ("count", "status"):
                    key = f"push.{kind}.{status}.{tense}"
                    assert words.say(key, n=5) != key


def test_a_result_says_why() -> None:
    assert describe(EN, result("rejected", message="Too long."), TITLES) == "Too long."
    assert "no_such" in describe(EN, result("rejected", code="no_such"), TITLES)
    assert describe(EN, result("clash", clash=clash()), TITLES) == "Clashes: Address, Horizon, year, Place"
    assert describe(EN, result("applied"), TITLES) == ""


def test_an_edit_is_told_by_what_it_changes() -> None:
    assert tell_edit(EN, edit(address="x"), TITLES) == "Address"
    assert tell_edit(EN, edit(geometry=NOW, placement="placed", address="x"), TITLES) == "Place, Address"
    assert tell_edit(EN, edit(placement="citywide"), TITLES) == "whole city"
    assert tell_edit(EN, edit("unplaced"), TITLES) == "The place was taken away"
    assert tell_edit(EN, edit("added", geometry=NOW), TITLES) == "New: Place"
    waits = replace(edit(), clashing=("address", GEOMETRY))
    assert tell_edit(EN, waits, TITLES) == "Clashes: Address, Place"


def test_putting_back_tells_from_what_to_what_and_what_stays() -> None:
    told = PutBack("g", {"address": ("b", None)}, (NOW, THEN), ("horizon", GEOMETRY), gone=False)
    assert (
        tell_put_back(EN, told, TITLES) == "Place; Address: b → —; what was changed since stays: Horizon, year, Place"
    )
    gone = PutBack("g", {}, None, (), gone=True)
    assert tell_put_back(EN, gone, TITLES) == EN.say("undo.gone")


def test_properties_are_called_as_people_call_them() -> None:
    properties = [Property("address", "string", writable=True, values=None, titles={"ru": "Адрес", "en": "Address"})]
    assert property_titles(properties, "ru") == {"address": "Адрес"}
    assert property_titles(properties, "de") == {"address": "address"}


# --- the card


def test_a_card_shows_its_text_as_text() -> None:
    shown = page(EN, proposal(title="<b>", text="one\n<script>", address="A & B", district="North"), None, TITLES)
    assert "&lt;b&gt;" in shown
    assert "one<br/>&lt;script&gt;" in shown
    assert "A &amp; B" in shown
    assert "North" in shown
    assert "Comments" not in shown


def test_a_card_shows_comments_and_what_changed() -> None:
    answer = {
        "card": {"comments": [{"who": "Anna", "at": "2026-11-20T10:15:30Z", "text": "Agreed"}]},
        "history": [
            {
                "at": "2026-11-21T09:00:00Z",
                "by": "board",
                "before": {"stage": "review"},
                "after": {"stage": "approved"},
            },
            {"at": "2026-11-20T09:00:00Z", "by": "map", "before": {"geometry": "a"}, "after": {"geometry": "b"}},
            {"at": "2026-11-19T09:00:00Z", "by": "board", "before": None, "after": {"stage": "review"}},
        ],
    }
    shown = page(EN, proposal(), answer, TITLES)
    assert "2026-11-20 10:15 · Anna" in shown
    assert "Stage: In review → Approved" in shown
    assert ">Place</p>" in shown.replace("<br/>", ">")
    assert EN.say("card.history.began") in shown


def test_a_board_that_does_not_answer_is_told_in_its_own_words() -> None:
    shown = page(EN, proposal(), {"card": {"comments": None, "message": "The board is down."}}, TITLES)
    assert "The board is down." in shown
    assert EN.say("card.comments_unread") in page(EN, proposal(), {"card": {"id": "1", "comments": None}}, TITLES)
    assert "Comments" not in page(EN, proposal(), {"card": None}, TITLES)


def test_what_was_written_is_seen_until_the_board_has_it() -> None:
    assert "on its way to the card" in page(EN, proposal(), None, TITLES, ["Agreed"])
    answer = {"card": {"comments": [{"who": "Anna", "at": "2026-11-20T10:15:30Z", "text": "Agreed – Anna"}]}}
    assert "on its way to the card" not in page(EN, proposal(), answer, TITLES, ["Agreed"])


def test_a_moment_is_told_to_the_minute_by_the_clock_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as place:
        place.setenv("TZ", "Europe/Samara")
        time.tzset()
        told = [moment(each) for each in ("2026-11-20T21:15:30Z", "2026-11-20T21:15:30.123456+00:00", None)]
    time.tzset()
    assert told == ["2026-11-21 01:15", "2026-11-21 01:15", ""]


def test_who_has_no_name_of_their_own_is_called_as_we_do() -> None:
    assert [person(RU, name) for name in ("token", "board", "Анна")] == ["по токену", "доска", "Анна"]
    known = {key.replace("hands.who", "who") for key in catalogue("en") if key.startswith("hands.who.")}
    assert known <= set(load_words("en"))


def test_stages_have_the_colours_of_the_public_map_and_their_words() -> None:
    assert set(COLOURS) == {stage.value for stage in Stage}
    assert {look.stage.value: look.colour for look in LOOKS}.items() <= COLOURS.items()
    for language in LANGUAGES:
        assert all(Words(language).say(f"stage.{stage.value}") != f"stage.{stage.value}" for stage in Stage)


# --- connecting


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("map.example.org", "https://map.example.org"),
        (" https://map.example.org/ ", "https://map.example.org"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("localhost:8080/", "http://localhost:8080"),
        ("http://map.example.org", "http://map.example.org"),
        ("", ""),
    ],
)
def test_an_address_needs_no_scheme(typed: str, wanted: str) -> None:
    assert complete(typed) == wanted


@pytest.mark.parametrize(
    ("service", "wanted"),
    [
        ("Карта развития: Тольятти", "Карта развития Тольятти.gpkg"),
        ('a/b\\c?"', "a b c.gpkg"),
        ("///", "placecard.gpkg"),
        ("x" * 100, "x" * 60 + ".gpkg"),
    ],
)
def test_a_copy_has_a_file_name_for_any_system(service: str, wanted: str) -> None:
    assert file_name(service) == wanted


# --- words


def said() -> Iterator[str]:
    """Keys that the windows name outright, and the beginnings of those they put together."""
    for path in (PLUGIN / "gui").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in {"say", "_hint"} and node.args:
                yield from filter(re.compile(r"\w+\.").match, map(str, constants(node.args[0])))


def constants(node: ast.expr) -> Iterator[object]:
    return (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_the_windows_has_its_words(language: str) -> None:
    known = load_words(language)
    wanted = set(said())
    assert len(wanted) > 100
    assert not {key for key in wanted if not any(name == key or name.startswith(key) for name in known)}
