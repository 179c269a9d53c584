from __future__ import annotations

import pytest

from kanban_adapter.contract import BoardContract, Harness
from kanban_adapter.memory import MemoryBoard, Person, World
from kanban_adapter.memory.board import COLUMNS


class TestMemoryBoard(BoardContract):
    @pytest.fixture
    def board(self) -> Harness:
        now = [1_790_000_000]
        world = World(clock=lambda: now[0])
        first, second, foreign = (world.add_project(name, COLUMNS) for name in ("Первый", "Второй", "Чужой"))

        def next_second() -> None:
            now[0] += 1

        return Harness(
            adapter=MemoryBoard(world, [first, second]),
            hands=Person(world),
            project_id=first,
            second_id=second,
            foreign_id=foreign,
            requests=lambda: world.requests,
            next_second=next_second,
            fill=lambda count: [_add(world, first, number) for number in range(count)],
        )


def _add(world: World, project: str, number: int) -> str:
    column = min(column.id for column in world.state.columns.values() if column.project_id == project)
    return world.add_card(project, column, f"Карточка {number}", "").id
