"""Whatever the storms are to find, they find: each way to break the engine is noticed, and by nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulation.__main__ import run_seed
from tests.simulation.mutations import MUTATIONS, Mutation

if TYPE_CHECKING:
    from tests.simulation.storm import Aim

MOST = 200


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: f"{mutation.rule}: {mutation.words}")
def test_storms_notice(mutation: Mutation) -> None:
    with mutation.applied():
        caught = next((seed for seed in range(MOST) if notices(seed, mutation.aim)), None)
    assert caught is not None, f"{MOST} storms did not notice that {mutation.words}"
    others = {seed: run_seed(seed, mutation.aim).wrong for seed in range(caught + 1)}
    assert not any(others.values()), f"storms complain although nothing is broken: {others}"


def notices(seed: int, aim: Aim) -> bool:
    """Whether a storm finds a rule broken. An engine that merely falls over would be noticed by anything."""
    wrong = run_seed(seed, aim).wrong
    return bool(wrong) and not any(line.startswith("broke") for line in wrong)


def test_every_rule_is_broken_once() -> None:
    assert {mutation.rule for mutation in MUTATIONS} == set(range(13))
