"""What every store keeps to, asked of SQLite and of PostgreSQL alike; nothing is left out for either."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import shapely
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Text, insert, inspect, literal, select, update

from sync_service.errors import Unavailable
from sync_service.store import leases, outbox, tables
from sync_service.store.database import Database, integrity, schema_version
from sync_service.store.features import BOARD, find_feature, write_feature
from sync_service.store.filters import Region, calculated, folded, matches, quotient, remainder, within_region
from sync_service.store.inbox import add_hints, due_hints, settle_hint
from sync_service.store.migrate import migrate
from sync_service.store.pairs import StoredPair, find_pair, write_pair
from sync_service.sync.decision import Effect, EffectKind
from tests.builders import make_feature, make_pair
from tests.postgres import both_stores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import ColumnElement

pytestmark = both_stores
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
SHAPES = [
    shapely.Point(49.3461, 53.5303),
    shapely.LineString([(49.1, 53.1), (49.9, 53.9)]),
    shapely.box(49.4, 53.5, 49.5, 53.6),
    shapely.MultiPoint([(49.0, 53.0), (-179.99, 0.5)]),
]


@pytest.fixture
def store(new_store: Callable[[], str]) -> Iterator[Database]:
    database = Database(new_store())
    yield database
    database.close()


def ask(store: Database, expression: ColumnElement[Any]) -> Any:
    with store.reading() as connection:
        return connection.execute(select(expression)).scalar_one()


def test_tables_are_those_of_the_code(store: Database) -> None:
    def ours(_object: Any, name: str | None, kind: str, reflected: bool, _other: Any) -> bool:
        foreign = kind == "table" and reflected and name not in tables.metadata.tables
        return not foreign and name != tables.SHAPE_INDEX

    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours, "compare_server_default": True})
        assert compare_metadata(context, tables.metadata) == []
        seen = inspect(connection)
        for name, table in tables.metadata.tables.items():
            made = [(each["name"], bool(each["nullable"])) for each in seen.get_columns(name)]
            assert made == [(column.name, bool(column.nullable)) for column in table.columns]
        assert schema_version(connection) == tables.SCHEMA_VERSION
        assert integrity(connection) == "ok"


def test_second_migration_changes_nothing(store: Database) -> None:
    assert not migrate(store.url).changed


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.geom_type)
def test_feature_comes_back_as_it_was_written(store: Database, shape: Any) -> None:
    made = make_feature(shape.wkb, title="Ё ß 中 \U0001f333", horizon=2**40)
    with store.writing() as connection:
        written = write_feature(connection, made, BOARD, NOW)
    with store.reading() as connection:
        found = find_feature(connection, made.guid)
    assert found is not None
    assert (found.geometry, found.version) == (made.geometry, written.version)
    assert {name: found.properties[name] for name in made.properties} == made.properties
    with store.writing() as connection:
        assert write_feature(connection, found, BOARD, NOW).version == written.version


def test_regions_find_what_meets_them(store: Database) -> None:
    with store.writing() as connection:
        for number, shape in enumerate(SHAPES):
            made = make_feature(shape.wkb)
            properties = {**made.properties, "card_id": str(number)}
            write_feature(
                connection,
                type(made)(str(number), properties, made.geometry, made.hand, None, made.visibility),
                BOARD,
                NOW,
            )

    def found(shape: Any, *, rectangular: bool = True) -> list[str]:
        region = Region((shape.bounds,), shape.wkb, rectangular)
        with store.reading() as connection:
            query = select(tables.feature.c.guid).where(within_region(region)).order_by(tables.feature.c.guid)
            return list(connection.execute(query).scalars())

    assert found(shapely.box(49.34, 53.53, 49.35, 53.54)) == ["0"]
    assert found(shapely.box(49.4, 53.4, 49.45, 53.55)) == ["1", "2"]
    assert found(shapely.box(49.6, 53.1, 49.7, 53.2)) == []
    assert found(shapely.box(-180, 0, -179, 1)) == ["3"]
    assert found(shapely.Polygon([(49, 53), (50, 53), (50, 53.9)]), rectangular=False) == ["3"]


def test_exception_keeps_nothing(store: Database) -> None:
    with suppress(ZeroDivisionError), store.writing() as connection:
        leases.write_note(connection, "a", "b")
        raise ZeroDivisionError
    with store.reading() as connection:
        assert leases.read_note(connection, "a") is None


def test_reader_sees_one_moment(store: Database) -> None:
    with store.reading() as connection:
        assert leases.read_note(connection, "a") is None
        with store.writing() as other:
            leases.write_note(other, "a", "b")
        assert leases.read_note(connection, "a") is None
    with store.reading() as connection:
        assert leases.read_note(connection, "a") == "b"


def test_impatient_writer_is_told_that_the_store_is_busy(store: Database) -> None:
    with store.writing(), pytest.raises(Unavailable) as refused, store.writing(patience=0.05):
        pass
    assert refused.value.data["reason"] == "store_busy"


def test_numbers_follow_the_order_of_commits(store: Database) -> None:
    seen: list[int] = []

    def count() -> None:
        for _ in range(10):
            with store.writing() as connection:
                drawn = update(tables.store).values(seq=tables.store.c.seq + 1).returning(tables.store.c.seq)
                seen.append(connection.execute(drawn).scalar_one())

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == list(range(1, 41))


@pytest.mark.parametrize("gate", ["frozen", "moved"])
def test_gate_keeps_writers_out(store: Database, gate: str) -> None:
    with store.writing(gate=False) as connection:
        connection.execute(update(tables.store).values(gate=gate))
    with pytest.raises(Unavailable) as refused, store.writing():
        pass
    assert refused.value.data["reason"] == f"store_{gate}"


def test_leases_are_one_holders(store: Database) -> None:
    with store.writing() as connection:
        assert leases.take_lease(connection, "x", "me", NOW, HOUR)
        assert leases.take_lease(connection, "x", "me", NOW, HOUR)
        assert not leases.take_lease(connection, "x", "you", NOW, HOUR)
        assert leases.take_lease(connection, "x", "you", NOW + 2 * HOUR, HOUR)
        assert leases.lease_holder(connection, "x", NOW + 2 * HOUR) == "you"


def test_hint_that_comes_while_its_card_is_worked_is_worked_again(store: Database) -> None:
    with store.writing() as connection:
        add_hints(connection, ["7", "7"], NOW)
        (hint,) = due_hints(connection, NOW, 9)
        add_hints(connection, ["7"], NOW)
        settle_hint(connection, hint)
        (again,) = due_hints(connection, NOW, 9)
        settle_hint(connection, again)
        assert due_hints(connection, NOW, 9) == []


def test_effect_is_replaced_claimed_and_sent_once(store: Database) -> None:
    guid = make_pair().guid
    with store.writing() as connection:
        write_pair(connection, StoredPair(make_pair(), 1, "", ""))
        for text in ("a", "b", "b"):
            outbox.owe(connection, guid, [Effect(EffectKind.TAG, "tag:x", {"tag": text})], NOW)
        (claimed,) = outbox.claim_effects(connection, NOW, HOUR, 9)
        assert (claimed.body, claimed.version, claimed.card_id) == ({"tag": "b"}, 2, make_pair().card.id)
        outbox.owe(connection, guid, [Effect(EffectKind.TAG, "tag:y", {"tag": "c"})], NOW)
        assert outbox.claim_effects(connection, NOW, HOUR, 9) == [], "one at a time has a card in hand"
        assert outbox.next_effect_due(connection) == NOW
        outbox.settle_effect(connection, claimed)
        assert [each.key for each in outbox.claim_effects(connection, NOW, HOUR, 9)] == ["tag:y"]
        outbox.release_claims(connection, guid)
        assert len(outbox.claim_effects(connection, NOW, HOUR, 9, guid)) == 1


def test_pair_of_a_reused_number_is_the_newest(store: Database) -> None:
    pair = make_pair()
    with store.writing() as connection:
        write_pair(connection, StoredPair(pair, 1, "", ""))
        found = find_pair(connection, pair.card.board, pair.card.id)
    assert found == StoredPair(pair, 1, "", "")


def test_letter_case_is_folded_as_python_does(store: Database) -> None:
    signs = [chr(code) for code in range(1, sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    changing = [sign for sign in signs if sign.casefold() != sign or sign.lower() != sign or sign.upper() != sign]
    text = " ".join(changing)
    assert ask(store, folded(literal(text, Text))) == text.casefold()


@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\0")))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_folded_as_python_does(store: Database, text: str) -> None:
    assert ask(store, folded(literal(text, Text))) == text.casefold()


@pytest.mark.parametrize(
    ("text", "pattern", "like"),
    [
        ("Сквер", "Скв%", True),
        ("сквер", "Скв%", False),
        ("a*b", "a*b", True),
        ("axb", "a*b", False),
        ("a%b", "a\\%b", True),
        ("axb", "a\\%b", False),
        ("a_b", "a\\_b", True),
        ("a\\b", "a\\\\b", True),
        ("a\\", "a\\", True),
        ("a[b", "a[b", True),
        ("a?b", "a_b", True),
        ("a\nb", "a%b", True),
        ("", "%", True),
    ],
)
def test_patterns(store: Database, text: str, pattern: str, like: bool) -> None:
    assert bool(ask(store, matches(literal(text, Text), pattern))) is like


def test_sums_never_break(store: Database) -> None:
    big = literal(2**62)
    assert ask(store, calculated(big, big, lambda a, b: a + b) > 0)
    assert ask(store, quotient(literal(1), literal(0))) is None
    assert ask(store, remainder(literal(1), literal(0))) is None
    assert float(ask(store, remainder(literal(7.9), literal(4)))) == 3
    assert float(ask(store, quotient(literal(1), literal(4)))) == 0.25


def test_text_is_ordered_by_code_point(store: Database) -> None:
    words = ["B", "a", "Ё", "А", "я", "_", "é"]
    with store.writing() as connection:
        connection.execute(insert(tables.note), [{"key": word, "value": ""} for word in words])
        found = connection.execute(
            select(tables.note.c.key).where(tables.note.c.value == "").order_by(tables.note.c.key)
        )
        assert list(found.scalars()) == sorted(words)
