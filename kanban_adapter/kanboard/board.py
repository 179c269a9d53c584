"""Kanboard as a board: reads through the quick account, writes through the narrow one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kanban_adapter.card import (
    Ailment,
    Aspect,
    Capabilities,
    Column,
    Health,
    Listing,
    NewCard,
    Problem,
    Project,
    Reading,
    Relation,
    WebLink,
)
from kanban_adapter.errors import Failed, Missing, Reason
from kanban_adapter.kanboard.client import TOKEN_USER, Account, Call, Client
from kanban_adapter.kanboard.mapping import (
    MAX_NOTE,
    MAX_NOTE_NAME,
    MAX_REFERENCE,
    MAX_TITLE,
    from_date,
    to_notes,
    to_tags,
    to_web_links,
)
from kanban_adapter.kanboard.reader import PER_CARD, Reader
from kanban_adapter.limits import check_length, check_marker, check_new, check_notes, check_web_address, same_tags

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import requests

    from kanban_adapter.kanboard.client import Shelf

TESTED = ("1.2.51",)
"""Versions of Kanboard the tests have run against."""

LISTING_BLIND = frozenset(
    {
        *(Aspect.TAGS, Aspect.METADATA, Aspect.LINKS, Aspect.RELATED),
        *(Aspect.RELATED_STATE, Aspect.COMMENTS, Aspect.NAMES),
    }
)
SILENT = frozenset({Aspect.TAGS, Aspect.METADATA, Aspect.LINKS, Aspect.RELATED_STATE, Aspect.NAMES, Aspect.REMOVAL})
NOBODY = 0
"""The author of what the application token writes."""


class KanboardBoard:
    """A Kanboard. `url` is its address as we reach it, `public_url` as a person's browser does.

    With the application token reads are some hundred times quicker than as a user, whose password Kanboard checks for
    each call of a batch. Writes go through the bot user when one is given, whom the board can limit to the projects.
    Keep one object per process: it remembers refused credentials, and spares the bot from being locked out.
    """

    def __init__(
        self,
        session: requests.Session,
        *,
        url: str,
        projects: Sequence[str],
        public_url: str | None = None,
        token: str | None = None,
        user: str | None = None,
        password: str | None = None,
        timeout: tuple[float, float] | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        accounts = _accounts(token, user, password)
        clients = [Client(session, url, account, timeout=timeout, shelf=shelf) for account in accounts]
        self._reader = Reader(clients[0], projects, public_url or url)
        self._writer = clients[-1]
        self._own_id: int | None = None

    @property
    def capabilities(self) -> Capabilities:
        """What Kanboard can and cannot do."""
        account = self._reader.client.account
        per_request = max(1, (account.chunk - self._reader.tail_size) // len(PER_CARD))
        return Capabilities(
            conditional_write=False,
            listing_blind=LISTING_BLIND,
            silent=SILENT,
            date_granularity="day",
            reuses_ids=True,
            max_metadata_value=MAX_NOTE,
            max_metadata_name=MAX_NOTE_NAME,
            max_reference=MAX_REFERENCE,
            max_title=MAX_TITLE,
            sees_unwatched=account.is_token,
            requests_per_1000=-(-1000 // per_request),
        )

    def check(self) -> Health:
        """Ask for version, time zone and clock, with every account; for relation labels only the token may ask."""
        reader = self._reader.client
        version, timezone = reader.fetch(Call("getVersion"), Call("getTimezone"))
        self._reader.projects()
        problems = list(_label_problems(reader.call("getAllLinks"))) if reader.account.is_token else []
        if not str(version).startswith(TESTED):
            problems.append(Problem(Ailment.UNTESTED_VERSION, str(version)))
        if self._writer is not reader:
            projects = [Call("getProjectById", {"project_id": int(project)}) for project in self._reader.project_ids()]
            writers, *_ = self._writer.fetch(Call("getTimezone"), *projects)  # NotPermitted for one it cannot enter
            if writers != timezone:
                problems.append(Problem(Ailment.DIFFERENT_TIMEZONE, str(writers)))
        return Health(str(version), str(timezone), reader.clock_skew, tuple(problems))

    def projects(self) -> Sequence[Project]:
        """The watched projects."""
        return self._reader.projects()

    def columns(self) -> Sequence[Column]:
        """All columns of the watched projects."""
        return self._reader.columns()

    def listing(self) -> Listing:
        """List every open and closed card of the watched projects."""
        return self._reader.listing()

    def read(self, card_ids: Iterable[str]) -> Reading:
        """Read cards in full."""
        return self._reader.read(card_ids)

    def read_project_notes(self) -> Mapping[str, str]:
        """Metadata of the first watched project."""
        return self._reader.notes()

    def write_project_notes(self, values: Mapping[str, str]) -> bool:
        """Merge values into the metadata of the first watched project."""
        check_notes(values, self.capabilities)
        project = int(self._reader.project_ids()[0])
        return self._save_notes("Project", {"project_id": project}, self._reader.notes(), values)

    def find_reference(self, reference: str) -> Sequence[str]:
        """Ids of the cards in the watched projects that carry this reference, oldest first."""
        return self._reader.find_reference(reference)

    def create_card(self, new: NewCard) -> str:
        """Create the card unless one with its reference is there; give its id."""
        check_new(new, self.capabilities)
        if found := self._reader.find_reference(new.reference):
            return found[0]
        self._require_column(new.project_id, new.column_id)
        return str(
            self._write(
                "createTask",
                title=new.title,
                project_id=int(new.project_id),
                column_id=int(new.column_id),
                description=new.description,
                reference=new.reference,
                date_started=from_date(new.start),
                date_due=from_date(new.due),
                tags=sorted(new.tags),
            )
        )

    def ensure_link(self, card_id: str, url: str, title: str, *, ours: str) -> bool:
        """Leave exactly one link to `url` among the links whose address begins with `ours`."""
        check_web_address(url)
        card, links = self._our_links(card_id, ours)
        kept = next((link for link in links if link.url == url), None)
        if kept is None:
            # Without title and type Kanboard would fetch the address to find them out.
            named = {"url": url, "title": title or url, "type": "weblink", "dependency": "related"}
            self._write("createExternalTaskLink", task_id=card, **named)
        return self._remove_links(card, [link for link in links if link is not kept]) or kept is None

    def drop_links(self, card_id: str, *, ours: str) -> bool:
        """Remove every link whose address begins with `ours`."""
        card, links = self._our_links(card_id, ours)
        return self._remove_links(card, links)

    def _our_links(self, card_id: str, ours: str) -> tuple[int, list[WebLink]]:
        _, (answer,) = self._reader.look(card_id, "getAllExternalTaskLinks")
        return int(card_id), [link for link in to_web_links(answer) if link.url.startswith(ours)]

    def _remove_links(self, card: int, links: Sequence[WebLink]) -> bool:
        for link in links:
            self._write("removeExternalTaskLink", task_id=card, link_id=int(link.id))
        return bool(links)

    def ensure_comment(self, card_id: str, text: str, *, marker: str) -> bool:
        """Leave exactly one comment that contains `marker`; twins written by this account are removed.

        A comment by somebody else that quotes ours counts as ours being there, and is never removed.
        """
        check_marker(text, marker)
        _, (rows,) = self._reader.look(card_id, "getAllComments")
        marked = sorted((row for row in rows or [] if marker in row["comment"]), key=lambda row: int(row["id"]))
        own = self._own_user()
        if not marked:
            self._write("createComment", task_id=int(card_id), user_id=own, content=text)
            return True
        twins = [row for row in marked if int(row["user_id"] or NOBODY) == own][1:]
        for row in twins:
            self._write("removeComment", comment_id=int(row["id"]))
        return bool(twins)

    def _own_user(self) -> int:
        if self._own_id is None:
            token = self._writer.account.is_token
            self._own_id = NOBODY if token else int(self._writer.call("getMe")["id"])
        return self._own_id

    def set_metadata(self, card_id: str, values: Mapping[str, str]) -> bool:
        """Set these keys; the empty string clears."""
        check_notes(values, self.capabilities)
        _, (answer,) = self._reader.look(card_id, "getTaskMetadata")
        return self._save_notes("Task", {"task_id": int(card_id)}, to_notes(answer), values)

    def _save_notes(
        self, kind: str, where: Mapping[str, int], current: Mapping[str, str], values: Mapping[str, str]
    ) -> bool:
        differing = {name: value for name, value in values.items() if current.get(name, "") != value}
        if kept := {name: value for name, value in differing.items() if value}:
            self._write(f"save{kind}Metadata", **where, values=kept)
        for name in differing.keys() - kept.keys():
            self._write(f"remove{kind}Metadata", **where, name=name)
        return bool(differing)

    def set_tag(self, card_id: str, tag: str, *, present: bool) -> bool:
        """Add or remove one tag; other tags stay. Kanboard replaces all tags at once, so they are read just before."""
        row, (answer,) = self._reader.look(card_id, "getTaskTags")
        tags = to_tags(answer)
        same = same_tags(tags, tag)
        if bool(same) == present:
            return False
        changed = tags | {tag} if present else tags - same
        self._write("setTaskTags", project_id=int(row["project_id"]), task_id=int(card_id), tags=sorted(changed))
        return True

    def set_reference(self, card_id: str, reference: str) -> bool:
        """Replace the card's reference."""
        check_length("reference", reference, MAX_REFERENCE)
        row, _ = self._reader.look(card_id)
        if (row["reference"] or "") == reference:
            return False
        self._write("updateTask", id=int(card_id), reference=reference)
        return True

    def move_card(self, card_id: str, column_id: str) -> bool:
        """Put the card at the top of a column of its own project, in its own swimlane."""
        row, _ = self._reader.look(card_id)
        if str(row["column_id"]) == column_id:
            return False
        # Kanboard itself would put the card into a column of another project.
        self._require_column(str(row["project_id"]), column_id)
        project, swimlane = int(row["project_id"]), int(row["swimlane_id"])
        where = {"project_id": project, "swimlane_id": swimlane, "column_id": int(column_id), "position": 1}
        moved = self._writer.call("moveTaskPosition", task_id=int(card_id), **where)
        if not moved:
            # It also says false when a person was faster and nothing was left to do.
            after, _ = self._reader.look(card_id)
            if str(after["column_id"]) != column_id:
                raise Failed("moveTaskPosition", reason=Reason.NOT_MOVED, card=card_id)
        return bool(moved)

    def _require_column(self, project_id: str, column_id: str) -> None:
        if not project_id.isdecimal() or column_id not in {c.id for c in self._reader.project_columns(project_id)}:
            raise Missing("column", reason=Reason.ELSEWHERE, column=column_id, project=project_id)

    def set_closed(self, card_id: str, *, closed: bool) -> bool:
        """Close or reopen the card. Closing a closed card would announce it once more."""
        row, _ = self._reader.look(card_id)
        if bool(int(row["is_active"])) != closed:
            return False
        self._write("closeTask" if closed else "openTask", task_id=int(card_id))
        return True

    def _write(self, method: str, **params: Any) -> Any:
        result = self._writer.call(method, **params)
        if not result:
            raise Failed(method, reason=Reason.SAID_NO)
        return result


def _accounts(token: str | None, user: str | None, password: str | None) -> list[Account]:
    """The accounts given, the one that reads first and the one that writes last."""
    accounts = [Account(TOKEN_USER, token)] if token else []
    if user:
        accounts.append(Account(user, password or ""))
    if not accounts:
        raise ValueError("neither a token nor a user to ask the board as")
    return accounts


def _label_problems(links: Sequence[Mapping[str, Any]]) -> Iterable[Problem]:
    """Relations are told apart by their labels, which an administrator may have changed."""
    labels = {link["label"] for link in links or []}
    return (Problem(Ailment.RELATION_UNKNOWN, relation) for relation in Relation if relation not in labels)
