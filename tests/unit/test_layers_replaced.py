"""Layers that are replaced while the service reads them: what was read then is not taken for what is there now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sync_service import app
from sync_service.settings import Settings
from sync_service.store.database import Database

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_layer_replaced_while_it_is_read_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gazetteer = tmp_path / "gazetteer.db"
    gazetteer.write_bytes(b"half of")
    settings = Settings(gazetteer=gazetteer, store_url=f"sqlite:///{tmp_path / 'store.db'}")
    database = Database(settings.store_url)
    read = app.create_resolver

    def while_somebody_copies(*given: Any) -> Any:
        resolver = read(*given)
        gazetteer.write_bytes(b"half of it, and the rest")
        return resolver

    monkeypatch.setattr(app, "create_resolver", while_somebody_copies)
    assert app.create_placing(settings, database).rules != app.place_rules(settings)
    monkeypatch.undo()
    assert app.create_placing(settings, database).rules == app.place_rules(settings)
