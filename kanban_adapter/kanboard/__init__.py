"""Kanboard, through its JSON-RPC interface."""

from __future__ import annotations

from kanban_adapter.kanboard.board import KanboardBoard
from kanban_adapter.kanboard.people import KanboardPeople
from kanban_adapter.kanboard.webhook import hinted_cards

__all__ = ["KanboardBoard", "KanboardPeople", "hinted_cards"]
