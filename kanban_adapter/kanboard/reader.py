"""Everything that asks Kanboard and changes nothing."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kanban_adapter.card import MARK_NOTE, Card, Column, Listed, Listing, Project, Reading
from kanban_adapter.errors import BoardError, Failed, Missing, NotPermitted, Reason
from kanban_adapter.kanboard.client import Call, Client
from kanban_adapter.kanboard.decoding import collecting_paused
from kanban_adapter.kanboard.mapping import (
    Details,
    Names,
    Row,
    to_card,
    to_listed,
    to_names,
    to_notes,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

OPEN, CLOSED = 1, 0

PER_CARD = ("getTask", "getTaskTags", "getTaskMetadata", "getAllExternalTaskLinks", "getAllTaskLinks", "getAllComments")
"""One call each per card that is read."""

PER_PROJECT = ("getAllCategories", "getAllSwimlanes", "getAssignableUsers")
"""One call each per watched project in every request that reads cards: where their names stand."""

# In a search the value is a pattern and some words have a meaning of their own. References that cannot be mistaken are
# searched for; any other is looked for in a listing.
PLAIN_REFERENCE = re.compile(r"[0-9A-Za-z][0-9A-Za-z.:-]{7,}")

_LISTED = "listing 1"
"""What a kept listing looks like. Another number for another fingerprint: one kept by an older program is none."""

_AT_ONCE = 2
"""Requests of a listing that run side by side."""


class Reader:
    """Asks as one account. `watched` are the projects as the settings name them: ids, or names that are unique."""

    def __init__(self, client: Client, watched: Sequence[str], public_url: str) -> None:
        if not watched:
            raise ValueError("no project to watch")
        self.client = client
        self._watched = tuple(watched)
        self._public_url = public_url
        self._ids: tuple[str, ...] | None = None
        self._listings: dict[tuple[str, int], tuple[object, dict[str, Listed]]] = {}

    @property
    def tail_size(self) -> int:
        """How many calls every request that reads cards ends with."""
        return len(PER_PROJECT) * len(self._watched) + 2

    def project_ids(self) -> tuple[str, ...]:
        """Ids of the watched projects. Names are looked up once: a project renamed later stays the same one."""
        if self._ids is None:
            names = [name for name in self._watched if not name.isdecimal()]
            known = self._ids_by_name() if names else {}
            self._ids = tuple(name if name.isdecimal() else _only(name, known.get(name, [])) for name in self._watched)
        return self._ids

    def _ids_by_name(self) -> dict[str, list[str]]:
        known: dict[str, list[str]] = {}
        for row in self.client.call("getAllProjects" if self.client.account.is_token else "getMyProjects") or []:
            known.setdefault(row["name"], []).append(str(row["id"]))
        return known

    def projects(self) -> list[Project]:
        """The watched projects. Raises `Missing` or `NotPermitted` for one that vanished."""
        ids = self.project_ids()
        rows = self.client.fetch(*(_about_project("getProjectById", project) for project in ids))
        return [_to_project(row, project) for row, project in zip(rows, ids, strict=True)]

    def columns(self) -> list[Column]:
        """Columns of the watched projects."""
        return self.project_columns(*self.project_ids())

    def project_columns(self, *projects: str) -> list[Column]:
        """Columns of these projects. An unknown project has no columns with Kanboard; here it raises `Missing`."""
        calls = [_about_project(method, project) for project in projects for method in ("getColumns", "getProjectById")]
        answers = self.client.fetch(*calls)
        columns = []
        for project, rows, found in zip(projects, answers[::2], answers[1::2], strict=True):
            _to_project(found, project)
            columns += sorted(map(_to_column, rows), key=lambda column: column.position)
        return columns

    def listing(self) -> Listing:
        """List open and closed cards, two requests at a time: the board's work is most of it.

        A card closed or reopened meanwhile is seen twice or not at all; whoever believes the listing looks both up.
        """
        wanted = [(project, state) for project in self.project_ids() for state in (OPEN, CLOSED)]
        cards: dict[str, Listed] = {}
        doubled: set[str] = set()
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            for listed in threads.map(self._listed, wanted):
                doubled |= cards.keys() & listed.keys()
                cards |= listed
        return Listing(cards=cards, doubled=frozenset(doubled), complete=True)

    def _listed(self, wanted: tuple[str, int]) -> dict[str, Listed]:
        project, state = wanted

        def rows(results: Sequence[Any]) -> list[tuple[object, ...]]:
            with collecting_paused():
                return [tuple(to_listed(row)) for row in _rows(results, project)]

        made = self.client.fetch_made(rows, *_listing_calls(project, state), form=_LISTED)
        before = self._listings.get(wanted)
        if before is None or before[0] is not made:
            with collecting_paused():
                before = self._listings[wanted] = made, {str(row[0]): Listed._make(row) for row in made}
        return before[1]

    def _all_cards(self, project: str, state: int) -> Sequence[Row]:
        return _rows(self.client.fetch(*_listing_calls(project, state)), project)

    def read(self, card_ids: Iterable[str]) -> Reading:
        """Read cards in full with the mark. The mark is the last thing each request asks for.

        So a board put back between two requests shows its old mark no later than its old cards.
        """
        wanted = list(dict.fromkeys(card_ids))
        askable = [card_id for card_id in wanted if _is_id(card_id)]
        groups = [[_about_card(method, card_id) for method in PER_CARD] for card_id in askable]
        cards: dict[str, Card | None] = dict.fromkeys(wanted)
        failed: dict[str, BoardError] = {}
        mark = None
        remaining = iter(askable)
        for gathered in self.client.gather(groups, self._tail()):
            zone, names, mark = self._read_tail(gathered.tail)
            for answers in gathered.groups:
                self._sort_out(next(remaining), answers, cards, failed, (zone, names))
        if any(card is None for card_id, card in cards.items() if card_id not in failed and _is_id(card_id)):
            # An account that lost a project sees none of its cards: they are not gone.
            self.projects()
        return Reading({key: card for key, card in cards.items() if key not in failed}, mark, failed)

    def _sort_out(
        self,
        card_id: str,
        answers: Sequence[Any] | None,
        cards: dict[str, Card | None],
        failed: dict[str, BoardError],
        around: tuple[ZoneInfo, Mapping[str, Names]],
    ) -> None:
        error = next((answer for answer in answers or [] if isinstance(answer, BoardError)), None)
        if error:
            failed[card_id] = error
        elif answers and answers[0]:
            row, zone, names = answers[0], *around
            own = names.get(str(row["project_id"]), Names())
            cards[card_id] = to_card(row, Details(*answers[1:]), own, zone=zone, public_url=self._public_url)

    def _tail(self) -> list[Call]:
        ids = self.project_ids()
        per_project = [_about_project(method, project) for project in ids for method in PER_PROJECT]
        return [Call("getTimezone"), *per_project, _about_project("getProjectMetadata", ids[0])]

    def _read_tail(self, tail: Sequence[Any]) -> tuple[ZoneInfo, dict[str, Names], str | None]:
        timezone, *per_project, notes = tail
        size = len(PER_PROJECT)
        parts = [per_project[start : start + size] for start in range(0, len(per_project), size)]
        names = {project: to_names(*part) for project, part in zip(self.project_ids(), parts, strict=True)}
        return to_zone(timezone), names, to_notes(notes).get(MARK_NOTE)

    def notes(self) -> dict[str, str]:
        """Metadata of the first watched project."""
        first = self.project_ids()[0]
        notes, found = self.client.fetch(
            _about_project("getProjectMetadata", first), _about_project("getProjectById", first)
        )
        _to_project(found, first)
        return to_notes(notes)

    def find_reference(self, reference: str) -> list[str]:
        """Ids of the cards with this reference, oldest first."""
        if not reference:
            return []
        if PLAIN_REFERENCE.fullmatch(reference):
            query = f'reference:"{reference}"'
            searches = [Call("searchTasks", {"project_id": int(p), "query": query}) for p in self.project_ids()]
            rows = [row for answer in self.client.fetch(*searches) for row in answer or []]
        else:
            rows = [row for p in self.project_ids() for state in (OPEN, CLOSED) for row in self._all_cards(p, state)]
        found = [row for row in rows if row["reference"] == reference]
        return [str(row["id"]) for row in sorted(found, key=lambda row: (int(row["date_creation"]), int(row["id"])))]

    def look(self, card_id: str, *methods: str) -> tuple[Row, list[Any]]:
        """A card's row, and what these procedures say about it, in one request. Raises `Missing`."""
        if not _is_id(card_id):
            raise Missing("card", card_id)
        try:
            row, *answers = self.client.fetch(*(_about_card(method, card_id) for method in ("getTask", *methods)))
        except NotPermitted:
            row, answers = None, []
        if not row:
            self.projects()
            raise Missing("card", card_id)
        return row, answers


def _listing_calls(project: str, state: int) -> tuple[Call, Call]:
    listing = Call("getAllTasks", {"project_id": int(project), "status_id": state})
    return listing, _about_project("getProjectById", project)


def _rows(results: Sequence[Any], project: str) -> Sequence[Row]:
    rows, found = results
    # A project that is gone lists no cards, which must not be taken for a project without cards.
    _to_project(found, project)
    if not isinstance(rows, list):
        raise Failed("getAllTasks", reason=Reason.NO_LISTING, project=project)
    return rows


def to_zone(name: str) -> ZoneInfo:
    """A time zone by the name the board gives it. Raises `Failed` for one that nobody knows."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Failed("getTimezone", reason=Reason.UNKNOWN_ZONE, zone=name) from error


def _only(name: str, ids: Sequence[str]) -> str:
    if len(ids) != 1:
        raise Missing("project", reason=Reason.NOT_ONE, n=len(ids), name=name)
    return ids[0]


def _to_project(row: Any, project: str) -> Project:
    if not row:
        raise Missing("project", project)
    return Project(id=str(row["id"]), name=row["name"], active=bool(int(row["is_active"])))


def _to_column(row: Row) -> Column:
    return Column(
        id=str(row["id"]), project_id=str(row["project_id"]), title=row["title"], position=int(row["position"])
    )


def _about_project(method: str, project: str) -> Call:
    return Call(method, {"project_id": int(project)})


def _about_card(method: str, card_id: str) -> Call:
    return Call(method, {"task_id": int(card_id)})


def _is_id(card_id: str) -> bool:
    # Beyond eighteen digits a number is none for PHP.
    return card_id.isascii() and card_id.isdecimal() and 0 < int(card_id) < 10**18
