"""Cursors, days and moments, regions: the small pure parts under the OGC API's parameters."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from sync_service.errors import BadRequest
from sync_service.features.answers import Memo
from sync_service.features.cql import read_filter
from sync_service.features.crs import STORAGE, offered_crs, region_of
from sync_service.features.moments import day_of, read_period, stamp_of, today_in
from sync_service.features.params import MOST, Cursor, Reader
from sync_service.features.validators import make_digest
from sync_service.store.clock import stamp
from sync_service.store.collections import COLLECTIONS
from sync_service.store.filters import property_column
from sync_service.sync.fields import field_table

SAMARA = ZoneInfo("Europe/Samara")
CRS = offered_crs(())
READER = Reader(field_table(), property_column, CRS, SAMARA)
PROPOSALS = COLLECTIONS["proposals"]


@given(after=st.integers(0, 2**63 - 1), shown=st.lists(st.integers(0, 2**63 - 1), max_size=5))
def test_cursor_comes_back_as_it_went(after: int, shown: list[int]) -> None:
    cursor = Cursor(after, tuple(shown))
    assert READER.query({"cursor": cursor.text()}, PROPOSALS).cursor == cursor


@given(text=st.text(max_size=40))
def test_any_cursor_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(BadRequest):
        READER.query({"cursor": text}, PROPOSALS)


@pytest.mark.parametrize(("text", "limit"), [("1", 1), ("10000", MOST), ("10001", MOST), ("9" * 40, MOST)])
def test_limit_is_lowered_to_the_most(text: str, limit: int) -> None:
    assert READER.query({"limit": text}, PROPOSALS).limit == limit


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))  # noqa: DTZ001 - given its zone below
def test_moments_are_kept_as_the_store_keeps_them(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)
    assert stamp_of(aware.isoformat()) == stamp(aware)


@pytest.mark.parametrize("text", ["2026-1-1", "20260101", "2026-W01-1", "2026-02-30", "", "2026-01-01T00:00:00Z"])
def test_only_full_dates_are_days(text: str) -> None:
    with pytest.raises(ValueError, match=r"^$|isoformat|day is out of range|^20"):
        day_of(text)


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("2026-05-01", ("2026-05-01", "2026-05-01")),
        ("2026-05-01T22:00:00Z", ("2026-05-02", "2026-05-02")),
        ("../2026-05-01", (None, "2026-05-01")),
        ("2026-05-01/", ("2026-05-01", None)),
        ("../..", (None, None)),
        ("0000-01-01/9999-12-31", ("0000-01-01", "9999-12-31")),
        ("0000-01-01T00:00:00Z/9999-12-31T23:59:59.999Z", ("0000-01-01", "9999-12-31")),
    ],
)
def test_periods_are_local_days(text: str, period: tuple[str | None, str | None]) -> None:
    assert read_period(text, SAMARA) == period


def test_today_is_local() -> None:
    assert today_in(SAMARA, datetime(2026, 11, 22, 20, 0, tzinfo=UTC)) == "2026-11-23"


def test_box_across_the_antimeridian_is_two() -> None:
    region = CRS[STORAGE].region(170, -10, -170, 10)
    assert region.boxes == ((170, -10, 180, 10), (-180, -10, -170, 10))
    assert region.rectangular


def test_region_without_coordinates_is_none() -> None:
    with pytest.raises(ValueError, match="coordinates"):
        region_of([shapely.Point()])


def test_filter_names_its_place() -> None:
    with pytest.raises(BadRequest) as refused:
        read_filter("stage = 'done' AND salary > 1", field_table(), property_column, CRS[STORAGE])
    assert refused.value.data == {"field": "filter", "reason": "filter_property", "position": 19, "property": "salary"}


def test_filter_never_puts_text_into_sql() -> None:
    condition = read_filter("title = '1'' OR 1=1 --'", field_table(), property_column, CRS[STORAGE])
    assert "OR 1=1" not in str(condition)


def test_tags_tell_parts_apart() -> None:
    assert make_digest("a", "bc") != make_digest("ab", "c")
    assert make_digest("a", None) != make_digest("a", "")


def _note(made: list[str], key: str) -> str:
    made.append(key)
    return key


def test_memo_makes_once_and_forgets_what_is_not_used() -> None:
    memo = Memo(budget=2)
    made: list[str] = []

    def make(key: str) -> str:
        return str(memo.get(key, partial(_note, made, key), len))

    assert [make(key) for key in ("a", "b", "a", "c", "a", "b")] == ["a", "b", "a", "c", "a", "b"]
    assert made == ["a", "b", "c", "b"]


def test_memo_keeps_within_its_budget() -> None:
    memo = Memo(budget=10)
    made: list[str] = []

    def make(key: str) -> str:
        return str(memo.get(key, partial(_note, made, key), len))

    for key in ("a" * 11, "b" * 6, "c" * 6, "b" * 6, "c" * 6, "d" * 4, "c" * 6):
        assert make(key) == key
    assert [key[0] for key in made] == ["a", "b", "c", "b", "c", "d"]
