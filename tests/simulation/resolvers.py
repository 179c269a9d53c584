"""The person at the list of clashes: looks at it, and later says what shall stand; either side may have moved since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from sync_service.editing.applying import EditRules
from sync_service.editing.resolving import Resolution, resolve_clash
from sync_service.errors import PlacecardError
from sync_service.store import clashes
from sync_service.store.features import Author
from tests.simulation.oracle import LOOKED, plain
from tests.simulation.words import SHARED

if TYPE_CHECKING:
    from sync_service.store.clashes import OpenClash
    from tests.simulation.rig import Rig

_WHO = "resolver"
_FIELDS = (*SHARED, "geometry")


class Resolver:
    """Resolves clashes."""

    doings: ClassVar[dict[str, int]] = {"look_at_clashes": 3, "resolve": 4}

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._seen: list[tuple[OpenClash, Any]] = []  # each with the place as the map showed it then

    def look_at_clashes(self) -> str | None:
        with self._rig.server(), self._rig.store.reading() as connection:
            found = clashes.open_clashes(connection)
            self._seen = [(clash, self._place(clash.guid)) for clash in found]
        return f"sees the clashes {[(c.reason, c.guid, c.revision) for c, _ in self._seen]}" if self._seen else None

    def resolve(self) -> str | None:
        if not self._seen:
            return None
        clash, place = self._seen.pop(self._rig.random.randrange(len(self._seen)))
        gone = clash.reason == clashes.GONE
        chosen = {} if gone else self._choose(clash)
        renew = self._rig.random.random() < 0.6 if gone else None
        resolution = Resolution(clash.revision, chosen, renew)
        outcome = "resolved"
        with self._rig.undisturbed():
            try:
                resolve_clash(
                    self._rig.store, clash.id, resolution, Author("map", _WHO), rules=EditRules(), now=self._rig.now
                )
            except PlacecardError as error:
                outcome = str(error)
            else:
                self._record(clash, chosen, place, renew=renew)
        return f"resolves {clash.reason} of {clash.guid} by {chosen or renew}: {outcome}"

    def _choose(self, clash: OpenClash) -> dict[str, Any]:
        names = sorted(clash.fields)
        if self._rig.random.random() < 0.4:
            names = [self._rig.random.choice(names)]
        mine = self._rig.random.random() < 0.5
        return {name: clash.fields[name].mine if mine else clash.fields[name].theirs for name in names}

    def _place(self, guid: str) -> Any:
        """The place as the map shows it: whoever decides on a placement has seen it."""
        row = self._rig.store.raw.execute("SELECT geometry FROM feature WHERE guid = ?", (guid,)).fetchone()
        return None if row is None else row[0]

    def _record(self, clash: OpenClash, chosen: dict[str, Any], place: Any, *, renew: bool | None) -> None:
        oracle, key = self._rig.oracle, ("guid", clash.guid)
        if renew is False:
            oracle.let_go(key, _WHO)
        if "placement" in chosen and "geometry" not in chosen:
            sides = _values(clash, "geometry") if "geometry" in clash.fields else set()
            oracle.looked(key, "geometry", sides | {place})
        for name, value in chosen.items():
            if name in _FIELDS:
                # Choosing a side is no new word: the other one was seen and let go.
                oracle.record(_WHO, key, name, LOOKED, _values(clash, name) - {plain(name, value)})


def _values(clash: OpenClash, name: str) -> set[Any]:
    sides = clash.fields[name]
    return {plain(name, sides.theirs), plain(name, sides.mine)}
