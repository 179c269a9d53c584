"""The threat model and the table of ASVS: complete, and each row shown by a test that exists."""

from __future__ import annotations

import re

import pytest

from tests.architecture import imported, load_modules
from tests.unit.test_docs import DOCS, codes, rows, section, test_functions

TESTS = re.compile(r"test_\w+")
REQUIREMENTS = {
    # Chapter.section of ASVS 5.0: how many requirements it has.
    "3.1": 1, "3.2": 3, "3.3": 5, "3.4": 8, "3.5": 8, "3.6": 1, "3.7": 5,
    "4.1": 5, "4.2": 5, "4.3": 2, "4.4": 4,
    "6.1": 3, "6.2": 12, "6.3": 8, "6.4": 6, "6.5": 8, "6.6": 4, "6.7": 2, "6.8": 4,
    "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 3, "7.6": 2,
    "8.1": 4, "8.2": 4, "8.3": 3, "8.4": 2,
    "9.1": 3, "9.2": 4,
    "10.1": 2, "10.2": 3, "10.3": 5, "10.4": 16, "10.5": 5, "10.6": 2, "10.7": 3,
    "13.1": 4, "13.2": 6, "13.3": 4, "13.4": 7,
    "14.1": 2, "14.2": 8, "14.3": 3,
    "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 4,
}  # fmt: skip
VERDICTS = {"met", "partly", "not met", "operator", "not applicable"}


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text("utf-8")


def threats() -> list[list[str]]:
    return rows(section(page("threats"), "Threats"))


def asvs() -> list[list[str]]:
    return [row for row in rows(page("asvs")) if re.fullmatch(r"\d+\.\d+\.\d+", row[0])]


def test_threats_are_numbered_and_answered() -> None:
    assert [int(row[0]) for row in threats()] == list(range(1, len(threats()) + 1))
    assert all(len(row) == 4 and all(row) for row in threats())


@pytest.mark.parametrize("row", threats(), ids=lambda row: row[0])
def test_every_threat_is_shown_by_tests_that_exist(row: list[str]) -> None:
    named = set(codes(row[3]))
    assert named
    assert named - test_functions() == set()


def test_every_requirement_has_one_row() -> None:
    wanted = [f"{part}.{number}" for part, count in REQUIREMENTS.items() for number in range(1, count + 1)]
    assert [row[0] for row in asvs()] == wanted


@pytest.mark.parametrize("row", asvs(), ids=lambda row: row[0])
def test_requirement_says_how_it_is_met(row: list[str]) -> None:
    """Met means that something shows it: a test or a file."""
    _, level, about, verdict, how = row
    assert level in {"1", "2", "3"}
    assert about
    assert verdict in VERDICTS
    assert how
    if verdict == "met":
        assert codes(how), "no evidence"
    assert {each for each in codes(how) if TESTS.fullmatch(each)} - test_functions() == set()


NETWORK = ("requests", "urllib3", "urllib.request", "http", "socket", "geopy", "sync_service.http")
READER = "sync_service.places.reading"


def test_what_reads_a_card_cannot_ask_the_network() -> None:
    """Links on cards are parsed: whatever stands in them, nothing is fetched, by nothing that reading leans on."""
    modules = {each.name: each for each in load_modules(["sync_service", "kanban_adapter", "config"])}
    waiting, seen = [READER], set[str]()
    while waiting:
        name = waiting.pop()
        if name in modules and name not in seen:
            seen.add(name)
            waiting += [part for _, asked in imported(modules[name]) for part in (asked, asked.rpartition(".")[0])]
    assert {READER, "sync_service.places.maplinks"} <= seen
    asked = [(name, each) for name in sorted(seen) for _, each in imported(modules[name]) if each.startswith(NETWORK)]
    assert asked == []
