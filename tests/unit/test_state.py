"""The values a decision is made from: identity, and what the store keeps of a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from sync_service.store.database import Database
from sync_service.store.migrate import migrate
from sync_service.store.pairs import StoredPair, find_pair, write_pair
from sync_service.sync.place import place_digest
from sync_service.sync.state import CardRef, Owed, Sides
from tests.builders import BOARD, HERE, REF, THERE, make_feature, make_pair

if TYPE_CHECKING:
    from pathlib import Path


def test_guid_is_the_same_on_every_reading() -> None:
    assert CardRef(BOARD, "7", 1_700_000_000).guid == REF.guid
    assert UUID(REF.guid).version == 5


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(CardRef(BOARD, "8", REF.created), id="another card"),
        pytest.param(CardRef(BOARD, "7", REF.created + 1), id="the id given to a later card"),
        pytest.param(CardRef("5f1f3a52-0d7e-4b0a-9f3c-0d2f5a1c9b11", "7", REF.created), id="another board"),
        pytest.param(CardRef(BOARD, "71", 700_000_000), id="digits on the other side"),
    ],
)
def test_guid_is_its_own(other: CardRef) -> None:
    assert other.guid != REF.guid


def test_place_digest_tells_places_apart() -> None:
    features = [make_feature(HERE), make_feature(THERE), make_feature(), make_feature(placement="citywide")]
    assert len({place_digest(feature) for feature in features}) == len(features)
    assert place_digest(make_feature(HERE, title="Другое")) == place_digest(make_feature(HERE))


def test_pair_is_kept_whole(tmp_path: Path) -> None:
    pair = make_pair(
        agreed={"address": "Мира, 1", "horizon": 2030, "place_check": None},
        owed={"horizon": Owed(None, 2035)},
        replaced={"address": None},
        lines={"address": "Мира, 1", "horizon": None},
        noted={"horizon": 2030},
        clashing={"address": Sides("Мира, 1", "Мира, 2", None)},
        place_text="text/rules",
        told="a1",
        telling="b2-3",
        gone=True,
    )
    url = f"sqlite:///{tmp_path / 'placecard.db'}"
    migrate(url)
    database = Database(url)
    with database.writing() as connection:
        write_pair(connection, StoredPair(pair, 5, "listed", "read"))
    with database.reading() as connection:
        found = find_pair(connection, BOARD, REF.id, REF.created)
    database.close()
    assert found == StoredPair(pair, 5, "listed", "read")
