"""One run: sixty steps of a storm that follow from one seed, then calm, and what must hold then."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sync_service.store.clock import stamp
from tests.simulation.chance import draw_chances
from tests.simulation.clerks import Clerk
from tests.simulation.editors import Editors
from tests.simulation.moderators import DOINGS, Moderators, key_of
from tests.simulation.operators import Operator
from tests.simulation.oracle import Oracle
from tests.simulation.resolvers import Resolver
from tests.simulation.rest import unheard, unrest
from tests.simulation.rig import seeded

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping

    from tests.simulation.rig import Rig

STEPS = 60
_TRIES = 4
_ALWAYS = {"add", "pull", "push"}
_LATER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended: what was wrong (nothing, if all is well), its trace, and what was counted."""

    seed: int
    wrong: list[str]
    trace: list[str]
    counts: Counter[str]
    excuses: Counter[str]


@dataclass(frozen=True, slots=True)
class Aim:
    """A storm of a certain kind: chances that are certain, and how often something is done."""

    chances: Mapping[str, Any] = field(default_factory=dict)
    doings: Mapping[str, int] = field(default_factory=dict)
    steps: int = STEPS


NO_AIM = Aim()


class Storm:
    """A run on a rig."""

    def __init__(self, rig: Rig, seed: int, aim: Aim = NO_AIM) -> None:
        self._rig = rig
        self.seed = seed
        self._aim = aim
        self._dice = random.Random(seed)
        self._oracle = Oracle(rig.guid_of, lambda: stamp(rig.now))
        self._doers: dict[str, tuple[Callable[[], str | None], int]] = {}

    def run(self) -> Result:
        """Storm, calm, and judgement."""
        rig = self._rig
        with seeded(self.seed), rig.listening():
            chances = draw_chances(self._dice, (*DOINGS, *Editors.doings))
            rig.begin(replace(chances, **self._aim.chances), self._dice, self._oracle)
            self._people()
            rig.meddler = self._meddle
            rig.stormy = True
            try:
                for _ in range(self._aim.steps):
                    self._step()
                    if rig.failures:
                        break
                rig.stormy = False
                wrong = self._calm()
            except Exception as error:  # noqa: BLE001 - whoever asks the service is answered: anything else is a finding
                wrong = [f"broke: {type(error).__name__}: {error}"]
        wrong = [*rig.failures, *rig.feed.wrong, *wrong, *rig.feed.differs(), *self._judge()]
        return Result(self.seed, wrong, rig.trace, rig.counts, self._oracle.excuses)

    def _judge(self) -> list[str]:
        rig = self._rig
        away = [card for card in rig.world.state.cards.values() if card.project_id != rig.project]
        keys = {key_of(card) for card in away}
        guids = {guid for card in away for guid in (card.reference, self._oracle.proposal(key_of(card))) if guid}
        return self._oracle.judge(rig.store.raw, {*keys, *(("guid", guid) for guid in guids)})

    # --- the storm

    def _people(self) -> None:
        self._clerk = Clerk(self._rig)
        self._editors = Editors(self._rig)
        moderators = Moderators(self._rig)
        self._operator = Operator(self._rig, moderators, self._editors)
        groups: tuple[Moderators | Clerk | Editors | Resolver | Operator, ...] = (
            self._operator,
            moderators,
            self._clerk,
            self._editors,
            Resolver(self._rig),
        )
        absent = self._rig.chances.absent | self._operator.idle()
        self._doers = {
            name: (getattr(group, name), self._aim.doings.get(name, weight))
            for group in groups
            for name, weight in group.doings.items()
            if name not in absent or name in _ALWAYS or name in self._aim.doings
        }
        self._names, self._weights = list(self._doers), [weight for _, weight in self._doers.values()]

    def _step(self) -> None:
        rig, dice = self._rig, self._dice
        rig.now += timedelta(seconds=dice.choice((1, 2, 5, 30, 60, 700)))
        kind = dice.random()
        if kind < 0.62:
            self._act()
        elif kind < 0.74:
            rig.deliver()
        elif kind < 0.92:
            rig.work()
        elif kind < 0.97:
            rig.sweep(full=False)
        else:
            rig.sweep(full=True)

    def _act(self) -> None:
        """Somebody does something; what cannot be done now is left, and another tries."""
        for _ in range(_TRIES):
            (name,) = self._dice.choices(self._names, self._weights)
            said = self._doers[name][0]()
            if said is not None:
                self._rig.say(said)
                self._rig.counts[name] += 1
                return

    def _meddle(self) -> None:
        rig = self._rig
        if self._dice.random() < rig.chances.second_worker:
            rig.work()
        elif self._dice.random() < 0.3:
            rig.deliver()
        else:
            self._act()
            if rig.network and self._dice.random() < 0.5:
                rig.deliver()

    # --- calm

    def _by_webhooks(self) -> list[str]:
        """With no webhook lost, what webhooks tell of is on the map without any sweep."""
        rig = self._rig
        while rig.network:
            rig.deliver()
        rig.now += _LATER
        rig.drain()
        rig.now += _LATER
        rig.drain()
        return [] if rig.unheard else unheard(rig)

    def _calm(self) -> list[str]:
        rig = self._rig
        rig.say("--- calm")
        rig.store.raw.execute("UPDATE store SET gate = 'open'")
        for editor in self._editors.both:
            editor.finish()
        wrong = self._by_webhooks()
        rig.sweep(full=True)  # whatever the dead left behind is freed by whoever leads now
        if self._operator.recover() is not None:
            rig.now += _LATER  # what was held up meanwhile is tried again a little later
            rig.sweep(full=True)
        self._clerk.confirm_all()
        rig.now += _LATER
        rig.sweep(full=True)
        if self._clerk.confirm_all():
            rig.sweep(full=False)  # which leaves the mark of it
        rig.drain()
        rig.now += _LATER
        before = rig.feed.seq
        last = rig.sweep(full=True)
        if last.board_writes:
            wrong.append(f"unrest: {last.board_writes} writes in the last sweep")
        if rig.feed.seq != before:
            wrong.append(f"unrest: the last sweep changed {rig.feed.seq - before} features")
        wrong += [line for editor in self._editors.both for line in editor.differs()]
        return [*wrong, *(f"error: {line}" for line in last.errors), *unrest(rig)]
