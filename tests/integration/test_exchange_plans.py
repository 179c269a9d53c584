"""How the store finds what changed: by the number of the change, whatever else it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from tests.exchange import open_exchange

if TYPE_CHECKING:
    from tests.exchange import Exchange
    from tests.ogc import Town


@pytest.fixture
def exchange(full_town: Town) -> Exchange:
    return open_exchange(full_town)


def plans(exchange: Exchange, box: str | None, *, path: str) -> list[str]:
    """What SQLite says it will do for each statement on features that an answer needs."""
    asked: list[tuple[str, Any]] = []
    engine = exchange.town.database.engine

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        asked.append((statement, values))

    copy = exchange.copy(box=box).take()
    event.listen(engine, "before_cursor_execute", note)
    (copy.follow if path == "changes" else copy.take)()
    event.remove(engine, "before_cursor_execute", note)
    with exchange.town.database.reading() as connection:
        return [
            row[3]
            for statement, values in asked
            if " feature" in statement
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]


@pytest.mark.parametrize("box", [None, "49.2,53.4,49.5,53.6"])
def test_changes_are_found_by_their_number_alone(exchange: Exchange, box: str | None) -> None:
    assert plans(exchange, box, path="changes") == ["SEARCH feature USING INDEX feature_seq (seq>?)"]


def test_snapshot_goes_on_where_it_was(exchange: Exchange) -> None:
    assert plans(exchange, None, path="snapshot") == ["SEARCH feature USING INTEGER PRIMARY KEY (rowid>?)"]
