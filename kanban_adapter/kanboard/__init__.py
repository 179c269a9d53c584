"""Kanboard, through its JSON-RPC interface."""

from __future__ import annotations

from kanban_adapter.kanboard.board import KanboardBoard
from kanban_adapter.kanboard.webhook import hinted_cards

__all__ = ["KanboardBoard", "hinted_cards"]
