from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_service.places.address import Address, parse_address
from sync_service.places.houses import read_house
from sync_service.places.reason import Reason, ReasonCode
from sync_service.places.streets import Street, fold_text, read_street

TABLE = Path(__file__).parents[1] / "data" / "addresses.tsv"


def rows() -> list[dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def test_table_is_large() -> None:
    texts = [row["text"] for row in rows()]
    assert len(texts) == len(set(texts)) >= 200


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["text"])
def test_address_form(row: dict[str, str]) -> None:
    parsed = parse_address(row["text"])
    if row["refusal"]:
        assert isinstance(parsed, Reason)
        assert parsed.code == row["refusal"]
        return
    assert isinstance(parsed, Address), parsed
    shown = {
        "street": str(parsed.street),
        "house": parsed.house,
        "crossing": str(parsed.crossing) if parsed.crossing else None,
        "settlement": parsed.settlement,
        "district": parsed.district,
        "part": parsed.part,
        "region": parsed.region,
    }
    assert shown == {key: row[key] or None for key in shown}


@pytest.mark.parametrize("text", ["Тольятти Мира 5", "тольятти мира, 5", "Тольятти Мира, д. 5"])
def test_known_settlement_needs_no_comma(text: str) -> None:
    parsed = parse_address(text, settlements={"тольятти"})
    assert parsed == Address(Street(None, "мира"), "5", settlement="тольятти")


def test_query_names_home_only_where_no_settlement_is_said() -> None:
    here = parse_address("ул. Мира, 5")
    there = parse_address("с. Подстёпки, ул. Мира, 5")
    assert isinstance(here, Address)
    assert isinstance(there, Address)
    assert here.query("Тольятти") == "Тольятти, улица мира, 5"
    assert there.query("Тольятти") == "подстепки, улица мира, 5"


def test_long_text_is_no_address() -> None:
    parsed = parse_address("ул. Мира, 5 " * 5000)
    assert isinstance(parsed, Reason)
    assert parsed.code is ReasonCode.ADDRESS_UNREADABLE


@pytest.mark.parametrize(
    ("written", "known", "fits"),
    [
        ("ул. К. Маркса", "улица Карла Маркса", True),
        ("ул. К. Маркса", "улица Розы Маркса", False),
        ("улице Ленинградской", "Ленинградская улица", True),
        ("Ново-Садовая ул.", "улица Новосадовая", True),
        ("ул. Победы", "улица 40 лет Победы", False),
        ("ул. Мира", "проспект Мира", False),
        ("Мира", "проспект Мира", True),
        ("пр. Мира", "проспект Мира", True),
        ("пр. Мира", "проезд Мира", True),
        ("пр. Мира", "улица Мира", False),
    ],
)
def test_streets_fit(written: str, known: str, fits: bool) -> None:
    asked, offered = read_street(written), read_street(known)
    assert asked is not None
    assert offered is not None
    assert asked.fits(offered) is fits


@given(st.text(max_size=120))
def test_never_raises(text: str) -> None:
    assert isinstance(parse_address(text), Address | Reason)
    read_street(text)
    read_house(fold_text(text))


@given(
    st.lists(
        st.sampled_from(
            ["ул.", "Мира", "5", "д.", "корп.", "и", ",", "/", "угол", "г.", "Тольятти", "-", "40", "лет", "р-н", "кв."]
        ),
        max_size=14,
    )
)
def test_any_mix_of_words_gives_a_whole_place_or_a_reason(words: list[str]) -> None:
    parsed = parse_address(" ".join(words))
    if isinstance(parsed, Address):
        assert parsed.street.name
        assert (parsed.house is None) != (parsed.crossing is None)


@given(st.integers(1, 9999), st.sampled_from(["", "а", "б"]), st.sampled_from(["", "к2", "с1", "/3"]))
def test_canonical_house_reads_as_itself(number: int, letter: str, rest: str) -> None:
    assert read_house(f"{number}{letter}{rest}") == f"{number}{letter}{rest}"
