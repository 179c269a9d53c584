"""A whole board in memory, with people at it, a clock, and things that go wrong. For tests and the simulation."""

from __future__ import annotations

from kanban_adapter.memory.board import MemoryBoard
from kanban_adapter.memory.people import MemoryPeople
from kanban_adapter.memory.person import Person
from kanban_adapter.memory.world import Faults, Held, World

__all__ = ["Faults", "Held", "MemoryBoard", "MemoryPeople", "Person", "World"]
