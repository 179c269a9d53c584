"""Values in the file and on the wire, and when two of them say the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placecard.core.copyfile.difference import ON_CREATE, OWN_SAY
from placecard.core.copyfile.values import canonical, column_type, stored
from sync_service.sync import editing


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("string", None, None),
        ("string", "", None),
        ("string", " \t", None),
        ("string", " ул. Мира, 5\n", "ул. Мира, 5"),
        ("string", 17, "17"),
        ("integer", 2030, 2030),
        ("integer", 2030.0, 2030),
        ("integer", " 2030 ", 2030),
        ("integer", "скоро", "скоро"),
        ("integer", 2030.5, "2030.5"),
        ("integer", "", None),
        ("integer", "٢٠٣٠", "٢٠٣٠"),
        ("boolean", 0, False),
        ("boolean", 1, True),
        ("boolean", True, True),
        ("boolean", "да", "да"),
        ("date", "2026-01-31", "2026-01-31"),
        ("date", "2026-01-31T00:00:00.000Z", "2026-01-31"),
        ("date", "завтра", "завтра"),
        ("datetime", "2026-11-22T12:00:00.123456Z", "2026-11-22T12:00:00.123Z"),
        ("datetime", "2026-11-22 12:00", "2026-11-22T12:00:00.000Z"),
        ("datetime", "2026-11-22T12:00:00+00:00", "2026-11-22T12:00:00.000Z"),
        ("string", b"bytes", None),
    ],
)
def test_whatever_tool_wrote_it_the_same_thing_is_the_same_value(kind: str, raw: Any, value: Any) -> None:
    found = canonical(kind, raw)
    assert (found, type(found)) == (value, type(value))


@given(st.sampled_from(["string", "integer", "boolean", "date", "datetime"]), st.none() | st.text() | st.integers())
def test_canonical_is_what_it_is(kind: str, raw: Any) -> None:
    assert canonical(kind, canonical(kind, raw)) == canonical(kind, raw)


@given(st.booleans() | st.none())
def test_boolean_comes_back_from_the_file(value: bool | None) -> None:
    assert stored("boolean", value) in (0, 1, None)
    assert canonical("boolean", stored("boolean", value)) is value


def test_columns_are_of_the_types_geopackage_knows() -> None:
    kinds = ("string", "integer", "boolean", "date", "datetime", "something new")
    assert [column_type(kind) for kind in kinds] == ["TEXT", "INTEGER", "BOOLEAN", "DATE", "DATETIME", "TEXT"]


def test_what_a_new_proposal_may_say_is_what_the_service_takes() -> None:
    """The capabilities do not tell it; the service's own rule is the other side of it."""
    assert {name for name in ON_CREATE if name not in OWN_SAY} == set(editing._ON_CREATE)
    for stage in OWN_SAY["stage"]:
        assert editing._first_stage(stage, may_approve=True) == stage
