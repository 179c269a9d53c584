"""What the docs say is what the code does: every list is derived from the code, every example is tried.

The pages in two languages are `docs/<page>.ru.md` and `docs/<page>.en.md`.
"""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner
from prometheus_client.core import Metric

from sync_service.app import create_app
from sync_service.cli import main
from sync_service.errors import ExitCode
from sync_service.features.cql import read_filter
from sync_service.features.crs import STORAGE, offered_crs
from sync_service.features.schemas import fields_of
from sync_service.operation.metrics import StoreCollector
from sync_service.places.address import parse_address
from sync_service.places.area import Area
from sync_service.places.reading import read_place
from sync_service.places.reason import Reason
from sync_service.settings import Settings, load_settings
from sync_service.settings.fields import secret_names, variable
from sync_service.store.collections import COLLECTIONS
from sync_service.store.database import Database
from sync_service.store.filters import public_column
from sync_service.store.migrate import migrate
from sync_service.sync.decision import Outcome
from sync_service.sync.fields import field_table
from sync_service.sync.stages import DEFAULT_STAGES
from sync_service.sync.values import PUBLIC_STAGES, Placement, Stage
from sync_service.words import LANGUAGES, Language, catalogue
from tools.access import access_page
from tools.keycloak import PLACEHOLDER, REALM
from tools.properties import properties_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    *sorted(DOCS.glob("*.md")),
    *(ROOT / f"{name}.md" for name in ("README", "README.ru", "CONTRIBUTING", "SECURITY")),
]
TWINS = sorted(path.name.removesuffix(".ru.md") for path in DOCS.glob("*.ru.md"))
TOWN = Area(49.0, 53.3, 49.8, 53.7)

FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")

languages = pytest.mark.parametrize("language", LANGUAGES)
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


# --- reading markdown


def read(page: str, language: Language) -> str:
    return (DOCS / f"{page}.{language}.md").read_text("utf-8")


def prose(text: str) -> str:
    """The text without its fenced blocks."""
    return FENCE.sub("", text)


def fenced(text: str, *kinds: str) -> list[str]:
    return [body for _, kind, body in FENCE.findall(text) if kind in kinds]


def headings(text: str) -> list[tuple[int, str]]:
    found = re.findall(r"^(#{1,6}) (.+)$", prose(text), re.MULTILINE)
    return [(len(marks), title.strip()) for marks, title in found]


def anchor(title: str) -> str:
    """The anchor that forges make of a heading: letters, digits, hyphens and underscores of any alphabet."""
    plain = re.sub(r"[^\w\- ]", "", title.replace("`", "").lower())
    return plain.replace(" ", "-")


def section(text: str, title: str) -> str:
    """What stands under a heading, up to the next of its level or above."""
    match = re.search(rf"^(#+) {re.escape(title)}$", text, re.MULTILINE)
    assert match is not None, f"no heading {title!r}"
    end = re.search(rf"^#{{1,{len(match[1])}}} ", text[match.end() :], re.MULTILINE)
    return text[match.end() : match.end() + end.start()] if end else text[match.end() :]


def nth_section(page: str, language: Language, title: str) -> str:
    """The section that has this title in English, in either language: headings correspond by their order."""
    place = [name for _, name in headings(read(page, "en"))].index(title)
    return section(read(page, language), headings(read(page, language))[place][1])


def rows(text: str) -> list[list[str]]:
    """Cells of all table rows but heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    heads = {index for index, line in enumerate(lines[1:]) if re.fullmatch(r"\|(?:-+\|)+", line)}
    body = [line for index, line in enumerate(lines) if index not in heads and index - 1 not in heads]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in body]


def tables(text: str) -> list[list[list[str]]]:
    return [rows(block) for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)]


def codes(cell: str) -> list[str]:
    return CODE.findall(cell)


# --- pages as such


@pytest.mark.parametrize("page", TWINS)
def test_both_languages_have_the_same_headings(page: str) -> None:
    russian, english = (headings(read(page, language)) for language in LANGUAGES)
    assert [level for level, _ in russian] == [level for level, _ in english]
    assert [codes(title) for _, title in russian] == [codes(title) for _, title in english]


@pytest.mark.parametrize("page", TWINS)
def test_both_languages_have_the_same_tables(page: str) -> None:
    russian, english = ([len(table) for table in tables(read(page, language))] for language in LANGUAGES)
    assert russian == english


def test_no_page_lacks_its_twin() -> None:
    assert sorted(path.name.removesuffix(".en.md") for path in DOCS.glob("*.en.md")) == TWINS
    assert {"access", "install", "operate", "moderate", "qgis", "api", "properties", "settings", "signon"} <= set(TWINS)


def test_readmes_have_the_same_headings() -> None:
    english, russian = (headings((ROOT / name).read_text("utf-8")) for name in ("README.md", "README.ru.md"))
    assert [level for level, _ in english] == [level for level, _ in russian]


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    broken = [link for link in LINK.findall(prose(page.read_text("utf-8"))) if not leads_somewhere(page, link)]
    assert broken == []


def leads_somewhere(page: Path, link: str) -> bool:
    if re.match(r"https?:", link):
        return True
    name, _, wanted = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    if not target.is_file():
        return False
    return not wanted or wanted in {anchor(title) for _, title in headings(target.read_text("utf-8"))}


@every_page
def test_paths_and_tests_named_are_there(page: Path) -> None:
    known = {path.name for path in ROOT.iterdir() if path.is_dir()}
    named = [code.rstrip("/") for code in CODE.findall(prose(page.read_text("utf-8"))) if "/" in code]
    ours = [name for name in named if name.split("/")[0] in known and re.fullmatch(r"[\w./-]+", name)]
    generated = {"var/demo", "var/demo-sso", "config/placecard.toml"}
    assert [name for name in ours if not (ROOT / name).exists() and name not in generated] == []
    tests = {code for code in CODE.findall(page.read_text("utf-8")) if re.fullmatch(r"test_\w+", code)}
    assert tests - test_functions() == set()


@cache
def test_functions() -> frozenset[str]:
    files = [*ROOT.glob("tests/**/*.py"), *ROOT.glob("kanban_adapter/contract/*.py")]
    return frozenset(name for path in files for name in re.findall(r"def (test_\w+)", path.read_text("utf-8")))


test_functions.__test__ = False  # type: ignore[attr-defined] # it gives names of tests and is none


def test_the_first_screen_shows_commands_and_map() -> None:
    for name in ("README.md", "README.ru.md"):
        screen = "\n".join((ROOT / name).read_text("utf-8").splitlines()[:20])
        assert "make demo" in screen
        assert "make test" in screen
        (picture,) = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", screen)
        assert (ROOT / picture).read_bytes().startswith(b"\x89PNG")


@every_page
def test_make_targets_are_there(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    text = page.read_text("utf-8")
    named = set(re.findall(r"(?:^|`|\$ |sudo )make ([a-z-]+)", text, re.MULTILINE))
    assert named - targets == set()


# --- commands


@dataclass(frozen=True)
class Known:
    """A command as typed after `placecard`, and its options."""

    name: str
    options: frozenset[str]


@cache
def commands() -> dict[str, Known]:
    return {known.name: known for known in _walk(main, ())}


def _walk(command: click.Command, path: tuple[str, ...]) -> Iterator[Known]:
    context = click.Context(command)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _walk(inner, (*path, name))
        return
    options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
    yield Known(" ".join(path), frozenset(options))


@languages
def test_every_command_is_documented_with_its_options(language: Language) -> None:
    text = read("operate", language)
    titles = [title for _, title in headings(text)]
    assert [codes(title)[0].removeprefix("placecard ") for title in titles if title.startswith("`placecard")] == list(
        commands()
    )
    for known in commands().values():
        about = section(text, f"`placecard {known.name}`")
        assert {code for row in rows(about) for code in codes(row[0])} == known.options, known.name


def spoken_commands(text: str) -> list[str]:
    """What follows `placecard` where a command is written: in code spans, and in lines of shell blocks."""
    shell = [line.split(" #")[0] for body in fenced(text, "sh") for line in body.splitlines()]
    spans = [code for code in CODE.findall(prose(text)) if re.match(r"(?:\S*/)?placecard ", code)]
    found = (re.search(r"(?<!-u )(?<![\w.-])placecard ([a-z].*)$", line) for line in (*shell, *spans))
    return [match[1].strip() for match in found if match]


def test_commands_are_found_in_the_text() -> None:
    assert spoken_commands("so `placecard sync --full`\n\n```sh\nsudo x/placecard check  # ok\n```\n") == [
        "check",
        "sync --full",
    ]


@every_page
def test_commands_named_are_real(page: Path) -> None:
    assert [line for line in spoken_commands(page.read_text("utf-8")) if not is_real(line)] == []


def test_commands_named_in_messages_are_real() -> None:
    texts = [str(message) for language in LANGUAGES for message in catalogue(language).values()]
    named = [line for text in texts for line in spoken_commands(text)]
    assert named
    assert [line for line in named if not is_real(line)] == []


def is_real(line: str) -> bool:
    words = line.removeprefix("placecard ").split()  # in a container both the service and the command have this name
    if words[0] == "…" or words[0].startswith("<"):
        return True
    for length in (2, 1):
        known = commands().get(" ".join(words[:length]))
        if known is not None:
            return all(word.split("=")[0] in known.options for word in words if word.startswith("--"))
    return False


@pytest.mark.parametrize("language", LANGUAGES)
def test_access_page_is_the_tables(language: Language) -> None:
    assert read("access", language) == access_page(language), "run: python -m tools.access"


@pytest.mark.parametrize("line", ["sink", "sync --fool", "districts", "districts import --layer x"])
def test_made_up_command_is_found(line: str) -> None:
    assert not is_real(line)


def test_options_are_those_of_the_help() -> None:
    for known in commands().values():
        said = CliRunner().invoke(main, [*known.name.split(), "--help"]).output
        assert set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", said, re.MULTILINE)) - {"--help"} == known.options


@languages
def test_every_exit_code_is_documented(language: Language) -> None:
    assert [int(row[0]) for row in rows(nth_section("operate", language, "Exit codes"))] == [int(c) for c in ExitCode]


# --- the check, metrics, log


def finding_names() -> set[str]:
    tree = ast.parse((ROOT / "sync_service/operation/check.py").read_text("utf-8"))
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "Finding"]
    return {str(first.value) for call in calls if isinstance(first := call.args[0], ast.Constant)}


def stem(message: str) -> str:
    """The beginning of a message, by which it is recognised: up to data, a colon, a bracket or a semicolon."""
    return re.split(r" ?[{:(;]", message)[0].rstrip(' ."«,')


@languages
def test_every_finding_of_the_check_is_documented(language: Language) -> None:
    table = rows(nth_section("operate", language, "What `placecard check` says"))
    assert {code for row in table for code in codes(row[0])} == finding_names()
    said = " ".join(row[1] for row in table).casefold()
    messages = {key: str(text) for key, text in catalogue(language).items() if key.startswith("check.")}
    messages |= {f"reasons.{why}": catalogue(language)[f"reasons.{why}"] for why in verdicts()}  # type: ignore[misc] # texts
    assert len(messages) > 20
    assert {key: stem(text) for key, text in messages.items() if stem(text).casefold() not in said} == {}


def verdicts() -> list[str]:
    from sync_service.engine.mark import Verdict

    return [verdict.value for verdict in Verdict if verdict is not Verdict.FINE]


@languages
def test_every_metric_is_documented(language: Language, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    migrate(url)
    database = Database(url)
    measured = [metric.name for metric in StoreCollector(database).collect() if isinstance(metric, Metric)]
    database.close()
    assert [codes(row[0])[0] for row in rows(nth_section("operate", language, "Metrics"))] == measured


def logged_events() -> set[str]:
    found = set()
    for path in (ROOT / "sync_service").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "note" and len(call.args) > 1:
                assert isinstance(call.args[1], ast.Constant)
                found.add(str(call.args[1].value))
    return found


@languages
def test_every_log_event_is_documented(language: Language) -> None:
    table = rows(nth_section("operate", language, "The log"))
    assert {code for row in table for code in codes(row[0])} == logged_events()


def test_log_data_is_never_lost_in_extra() -> None:
    """A library's `extra=` reaches no line of ours: only `note` carries data."""
    lines = [(path, path.read_text("utf-8")) for path in (ROOT / "sync_service").rglob("*.py")]
    assert [str(path) for path, text in lines if "extra={" in text and path.name != "log.py"] == []


# --- settings


@languages
def test_every_setting_is_documented(language: Language) -> None:
    assert {codes(row[0])[0] for row in rows(read("settings", language))} == {
        variable(name) for name in Settings.model_fields
    }


@every_page
def test_settings_named_are_known(page: Path) -> None:
    known = {variable(name) for name in Settings.model_fields}
    known |= {f"{variable(name)}_FILE" for name in secret_names()}
    known |= set(PLACEHOLDER.findall(REALM.read_text("utf-8")))
    named = re.findall(r"PLACECARD_[A-Z_]*[A-Z]", page.read_text("utf-8"))
    assert set(named) - known == set()


@languages
def test_the_realm_is_documented(language: Language) -> None:
    told = {code for row in rows(read("signon", language)) for code in codes(row[0])[:1]}
    realm = REALM.read_text("utf-8")
    assert set(re.findall(r'"clientId": "(placecard-\w+)"', realm)) <= told
    assert set(PLACEHOLDER.findall(realm)) <= told


@languages
def test_sample_settings_of_the_install_page_are_taken(language: Language, tmp_path: Path) -> None:
    (sample,) = fenced(read("install", language), "toml")
    path = tmp_path / "placecard.toml"
    path.write_text(sample, "utf-8")
    settings = load_settings({"PLACECARD_CONFIG": str(path)}, tmp_path)
    assert settings.publish is False
    assert set(tomllib.loads(sample)) >= {"board_url", "board_token", "webhook_token", "api_token"}


# --- routes


def app_of(folder: Path) -> Flask:
    url = f"sqlite:///{folder / 'store.db'}"
    migrate(url)
    settings = {"STORE_URL": url, "API_TOKEN": "t" * 40, "WEBHOOK_TOKEN": "w" * 40, "PUBLIC_URL": "https://map.test"}
    return create_app(load_settings({f"PLACECARD_{name}": value for name, value in settings.items()}, folder))


def plain_rule(rule: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"<\1>", rule)


@dataclass(frozen=True)
class Told:
    """A row of the table of addresses."""

    method: str
    path: str
    who: str


def told_routes(language: Language) -> list[Told]:
    table = rows(nth_section("api", language, "All addresses"))
    return [Told(row[0], codes(row[1])[0], row[2]) for row in table]


@languages
def test_every_route_is_documented(language: Language, tmp_path: Path) -> None:
    rules = app_of(tmp_path).url_map.iter_rules()
    served = {(method, plain_rule(r.rule)) for r in rules for method in (r.methods or set()) - {"HEAD", "OPTIONS"}}
    told = [(route.method, route.path) for route in told_routes(language)]
    assert set(told) == served
    assert len(told) == len(set(told))


WHO = {
    "en": {"everybody": None, "by rights": None, "signed in": 401, "webhook token": 403},
    "ru": {"всем": None, "по правам": None, "вошедшим": 401, "токен веб-хука": 403},
}
"""Who may, in words, and what anybody else is answered."""


@languages
def test_who_may_is_true(language: Language, tmp_path: Path) -> None:
    client = app_of(tmp_path).test_client()
    values = {"name": "proposals", "guid": "x", "card_id": "1", "change": "1", "release": "1"}
    values |= dict.fromkeys(("z", "x", "y"), "0")
    for route in told_routes(language):
        address = re.sub(r"<(\w+)>", lambda found: values.get(found[1], "x"), route.path)
        status = client.open(address, method=route.method, base_url="https://map.test").status_code
        refused = status if status in {401, 403} else None
        assert refused == WHO[language][route.who], f"{route.method} {address}: {status}"


@languages
def test_addresses_in_examples_are_served(language: Language, tmp_path: Path) -> None:
    served = app_of(tmp_path).url_map.bind("map.test")
    text = read("qgis", language)
    named = re.findall(r"\$MAP(/[^\s\"?]*)", text)
    assert len(named) > 5
    for path in named:
        served.match(path, method="GET")


# --- proposals


@languages
def test_every_stage_is_documented(language: Language) -> None:
    table = rows(nth_section("moderate", language, "Columns and stages"))
    assert [codes(row[0])[0] for row in table] == [stage.value for stage in Stage]
    for stage, row in zip(Stage, table, strict=True):
        titles = {title.strip().casefold() for title in row[1].split(",")}
        assert titles == {t for t, s in DEFAULT_STAGES.items() if s is stage} or stage is Stage.CLOSED
        assert row[2] == {"ru": ("нет", "да"), "en": ("no", "yes")}[language][stage in PUBLIC_STAGES]


@languages
def test_every_placement_is_documented(language: Language) -> None:
    about = nth_section("moderate", language, "Whole city, district, no place")
    assert {placement.value for placement in Placement} <= set(codes(about))


@languages
def test_properties_page_is_the_table_s(language: Language) -> None:
    page = read("properties", language)
    assert page == properties_page(language), "run: python -m tools.properties"
    assert [codes(row[0])[0] for row in rows(page)] == list(field_table())


@languages
def test_every_collection_is_documented(language: Language) -> None:
    table = tables(nth_section("qgis", language, "Adding the layers in QGIS"))[0]
    everybody = {"ru": "всем", "en": "everybody"}[language]
    assert {codes(row[0])[0]: row[2] == everybody for row in table} == {c.name: c.public for c in COLLECTIONS.values()}


def test_every_outcome_is_documented() -> None:
    table = rows(section((DOCS / "architecture.md").read_text("utf-8"), "Decision table"))
    assert {codes(row[0])[0] for row in table} == {outcome.value for outcome in Outcome}


def test_the_twelve_rules_are_there() -> None:
    table = rows(section((DOCS / "architecture.md").read_text("utf-8"), "The twelve rules that keep edits"))
    assert [row[0].split(".")[0] for row in table] == [str(number) for number in range(1, 13)]


# --- examples


@languages
def test_places_said_to_be_believed_are(language: Language) -> None:
    believed, _ = tables(nth_section("moderate", language, "Coordinates and links"))
    for example in (codes(row[0])[0] for row in believed):
        reading = read_place(example, address=None, area=TOWN)
        assert reading.geometry is not None, (example, reading.reason)


@languages
def test_places_said_not_to_be_believed_are_not(language: Language) -> None:
    _, refused = tables(nth_section("moderate", language, "Coordinates and links"))
    for example in (codes(row[0])[0] for row in refused):
        reading = read_place(example, address=None, area=TOWN)
        assert reading.geometry is None, example
        assert reading.reason is not None, example


@languages
def test_addresses_said_to_be_clear_are(language: Language) -> None:
    clear, unclear = tables(nth_section("moderate", language, "Addresses"))
    for table, is_clear in ((clear, True), (unclear, False)):
        for example in (codes(row[0])[0] for row in table):
            assert isinstance(parse_address(example), Reason) is not is_clear, example


@languages
def test_several_places_make_one_geometry(language: Language) -> None:
    (example,) = fenced(nth_section("moderate", language, "Several places"), "text")
    reading = read_place(example, address=None, area=TOWN)
    assert reading.geometry is not None
    assert reading.geometry.geom_type == "MultiPoint"


@languages
def test_words_set_the_placement(language: Language) -> None:
    for row in rows(nth_section("moderate", language, "Whole city, district, no place")):
        assert read_place(codes(row[0])[0], address=None, area=TOWN).placement.value == codes(row[1])[0], row[0]


@languages
def test_filters_are_understood(language: Language) -> None:
    fields = fields_of(COLLECTIONS["proposals"])
    (block,) = fenced(read("qgis", language), "cql2")
    for line in block.splitlines():
        read_filter(line, fields, public_column, offered_crs(())[STORAGE])
