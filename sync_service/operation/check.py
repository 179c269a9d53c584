"""`placecard check`: each thing that must hold, ok or what is wrong and how it is mended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from kanban_adapter.errors import BadCredentials, BoardError, Missing, NotPermitted
from sync_service.engine.mark import REGRESSION, Verdict, mark_on, weigh_mark
from sync_service.engine.performing import NO_COLUMN
from sync_service.engine.sweep import DISBELIEVED
from sync_service.errors import Unavailable, why_in_words
from sync_service.jobs.leader import somebody_leads
from sync_service.jobs.worker import TROUBLE
from sync_service.people.state import last_round
from sync_service.store import bindings, clashes, counter, database, inbox, outbox, waiting
from sync_service.store.clock import moment_of, stamp
from sync_service.store.leases import SWEPT, read_note, write_note
from sync_service.store.tables import SCHEMA_VERSION
from sync_service.store.traffic import webhooks
from sync_service.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from kanban_adapter.port import BoardAdapter
    from sync_service.access.issuer import Ailment
    from sync_service.access.probing import Flaw
    from sync_service.people.state import Round
    from sync_service.places.unreadable import LayerUnreadableError
    from sync_service.settings import Settings
    from sync_service.store.database import Database
    from sync_service.words import Language

CHECKED = "checked"
"""Note of when `placecard check` last ran."""
_UNREADABLE = frozenset({"store_empty", "store_newer", "store_old", "store_away", "store_damaged"})
_MOST_SKEW = 60.0
_LONG_OWED = timedelta(minutes=1)
_LONG_SINCE_PEOPLE = 180.0
_LONG_SINCE_SWEEP = 10  # short sweeps missed before it is worth a word


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its name, whether it is ok, and a key of the catalogue with data that says more."""

    name: str
    ok: bool
    key: str = "ok"
    data: dict[str, object] | None = None

    def say(self, language: Language) -> str:
        """One line for people."""
        return " ".join(say(f"check.{self.key}", language, **(self.data or {})).split())

    def as_json(self, language: Language) -> dict[str, object]:
        """For programs."""
        return {"name": self.name, "ok": self.ok, "text": self.say(language)}


@dataclass(frozen=True, slots=True)
class Checked:
    """What the checks look at.

    `map_trouble` says why the base map cannot be shown, or None; `layer_troubles` what no address is found in;
    `issuer_trouble` why nobody can sign in with the identity provider, or None; `signin_flaws` why nobody can on the
    pages.
    """

    settings: Settings
    database: Database
    board: BoardAdapter
    now: datetime
    map_trouble: Callable[[], str | None] = lambda: None
    layer_troubles: Sequence[LayerUnreadableError] = ()
    issuer_trouble: Callable[[], Ailment | None] = lambda: None
    signin_flaws: Callable[[], Sequence[Flaw]] = tuple


def run_checks(checked: Checked) -> list[Finding]:
    """Every check, in the order of dependence. A store that cannot be read leaves out what needs it."""
    store = _store(checked)
    findings = [store, *_board(checked), *_identity(checked), _base_map(checked), _layers(checked)]
    if store.key in _UNREADABLE:
        return findings
    try:
        with checked.database.reading() as connection:
            findings += [check(checked, connection) for check in _OF_STORE]
    except Unavailable as error:  # since the look at it
        findings[0] = _store_away(checked, error)
    return findings


def _store(checked: Checked) -> Finding:
    try:
        with checked.database.reading() as connection:
            version = database.schema_version(connection)
            health = database.integrity(connection)
    except Unavailable as error:
        return _store_away(checked, error)
    if version != SCHEMA_VERSION:
        key = "store_empty" if version is None else "store_newer" if version > SCHEMA_VERSION else "store_old"
        return Finding("store", ok=False, key=key, data={"version": version})
    if health != "ok":
        return Finding("store", ok=False, key="store_damaged", data={"why": health})
    return _store_written(checked)


def _store_written(checked: Checked) -> Finding:
    try:
        with checked.database.writing() as connection:
            write_note(connection, CHECKED, stamp(checked.now))  # only a write shows that there is room for one
    except Unavailable as error:
        return Finding("store", ok=False, key="store_unwritable", data={"why": error.say(checked.settings.language)})
    return Finding("store", ok=True)


def _store_away(checked: Checked, error: Unavailable) -> Finding:
    return Finding("store", ok=False, key="store_away", data={"why": error.say(checked.settings.language)})


def _board(checked: Checked) -> Iterator[Finding]:
    language = checked.settings.language
    try:
        health = checked.board.check()
        checked.board.projects()
    except BadCredentials as error:
        yield Finding("board", ok=False, key="board_credentials", data={"why": why_in_words(error, language)})
    except (NotPermitted, Missing) as error:
        yield Finding("board", ok=False, key="board_project", data={"why": why_in_words(error, language)})
    except BoardError as error:
        away: dict[str, object] = {"why": why_in_words(error, language), "url": checked.settings.board_url}
        yield Finding("board", ok=False, key="board_away", data=away)
    else:
        problems = "; ".join(
            say(f"check.{item.ailment.name.lower()}", language, about=item.about) for item in health.problems
        )
        key = "board_problems" if problems else "board_ok"
        data: dict[str, object] = {"why": problems, "version": health.version, "timezone": health.timezone}
        yield Finding("board", ok=not problems, key=key, data=data)
        skew = {"seconds": round(abs(health.clock_skew))}
        right = abs(health.clock_skew) <= _MOST_SKEW
        yield Finding("clock", ok=right, key="ok" if right else "clock_skew", data=dict(skew))


def _identity(checked: Checked) -> Iterator[Finding]:
    if address := checked.settings.oidc_issuer:
        trouble = checked.issuer_trouble()
        key = "identity_oidc" if trouble is None else f"identity_{trouble}"
        yield Finding("identity", ok=trouble is None, key=key, data={"issuer": address})
        if trouble is None:
            yield from _signin(checked)
        return
    key = "identity_token" if checked.settings.api_token is not None else "identity_loopback"
    yield Finding("identity", ok=True, key=key)


def _signin(checked: Checked) -> Iterator[Finding]:
    """Signing in on the pages, one line for each thing that is wrong."""
    settings = checked.settings
    data: dict[str, object] = {"client": settings.oidc_client_id, "url": settings.public_url}
    flaws = checked.signin_flaws()
    for flaw in flaws:
        yield Finding("signin", ok=False, key=f"signin_{flaw}", data=data)
    if not flaws:
        yield Finding("signin", ok=True, key="signin_ok" if settings.oidc_client_id else "signin_off", data=data)


def _base_map(checked: Checked) -> Finding:
    why = checked.map_trouble()
    return Finding("map", ok=why is None, key="ok" if why is None else "base_map", data={"why": why})


def _layers(checked: Checked) -> Finding:
    why = "; ".join(error.say(checked.settings.language) for error in checked.layer_troubles)
    return Finding("layers", ok=not why, key="layers" if why else "ok", data={"why": why})


def _initialised(_checked: Checked, connection: Connection) -> Finding:
    bound = counter.identity(connection).board is not None
    return Finding("init", ok=bound, key="ok" if bound else "not_initialised")


def _worker(checked: Checked, connection: Connection) -> Finding:
    trouble = read_note(connection, TROUBLE)
    if trouble is not None and somebody_leads(checked.database):
        return Finding("worker", ok=False, key="worker_rests", data={"why": trouble})
    swept = read_note(connection, SWEPT)
    if swept is None:
        return Finding("worker", ok=False, key="never_swept")
    age = (checked.now - moment_of(swept)).total_seconds()
    late = age > max(120, checked.settings.sweep_seconds * _LONG_SINCE_SWEEP)
    if late:
        leads = somebody_leads(checked.database)
        return Finding(
            "worker", ok=False, key="worker_late" if leads else "no_worker", data={"minutes": round(age / 60)}
        )
    return Finding("worker", ok=True, key="worker_ok", data={"seconds": round(age)})


def _people(checked: Checked, connection: Connection) -> Finding:
    if not checked.settings.jobs_client_id:
        return Finding("people", ok=True, key="people_off")
    last = last_round(connection)
    if last is None:
        return Finding("people", ok=False, key="people_never")
    key, data = _people_trouble(checked, last)
    return Finding("people", ok=not key, key=key or "people_ok", data={"known": last.known, **data})


def _people_trouble(checked: Checked, last: Round) -> tuple[str, dict[str, object]]:
    age = last.age(checked.now)
    if last.why:
        return "people_trouble", {"why": last.why.get(checked.settings.language)}
    if age is None or age > _LONG_SINCE_PEOPLE:
        return "people_late", {"minutes": round((age or 0) / 60)}
    if last.withheld:
        return "people_withheld", {"withheld": last.withheld}
    return ("people_failed", {"failed": last.failed}) if last.failed else ("", {})


def _webhook(checked: Checked, connection: Connection) -> Finding:
    if checked.settings.webhook_token is None:
        return Finding("webhook", ok=False, key="webhook_no_token")
    known = webhooks(connection)
    if known.proven:
        return Finding("webhook", ok=True)
    return Finding("webhook", ok=False, key="webhook_unproven" if known.heard is None else "webhook_silent")


def _went_back(checked: Checked, connection: Connection) -> Finding:
    try:
        verdict = weigh_mark(connection, mark_on(checked.board))
    except BoardError:  # away: what was noticed before is what is known
        verdict = Verdict(read_note(connection, REGRESSION) or Verdict.FINE)
    if verdict is Verdict.FINE:
        return Finding("time", ok=True)
    return Finding(
        "time", ok=False, key="went_back", data={"why": say(f"reasons.{verdict}", checked.settings.language)}
    )


def _columns(_checked: Checked, connection: Connection) -> Finding:
    all_columns = bindings.bindings(connection)
    waits = [c.seen_title for c in all_columns if c.waits and not c.missing]
    if waits:
        return Finding("columns", ok=False, key="columns_wait", data={"columns": ", ".join(waits)})
    awaited = [error.removeprefix(NO_COLUMN) for error in outbox.errors_beginning(connection, NO_COLUMN)]
    if awaited:
        data: dict[str, object] = {"stages": ", ".join(sorted(set(awaited))), "count": len(awaited)}
        return Finding("columns", ok=False, key="columns_awaited", data=data)
    unmapped = [c.title for c in all_columns if c.stage is None and not c.missing]
    if unmapped:
        return Finding("columns", ok=False, key="columns_unmapped", data={"columns": ", ".join(unmapped)})
    return Finding("columns", ok=True)


def _waiting(_checked: Checked, connection: Connection) -> Finding:
    count = waiting.count_waiting(connection)
    return Finding("waiting", ok=not count, key="waiting" if count else "ok", data={"count": count})


def _listing(_checked: Checked, connection: Connection) -> Finding:
    why = read_note(connection, DISBELIEVED)
    return Finding("listing", ok=why is None, key="ok" if why is None else "disbelieved", data={"why": why})


def _inbox(checked: Checked, connection: Connection) -> Finding:
    state = inbox.inbox_state(connection, checked.now)
    if not state.failing:
        return Finding("hints", ok=True)
    return Finding(
        "hints", ok=False, key="hints_failing", data={"count": state.failing, "why": inbox.last_error(connection)}
    )


def _outbox(checked: Checked, connection: Connection) -> Finding:
    state = outbox.outbox_state(connection, checked.now)
    if state.dead:
        return Finding("effects", ok=False, key="effects_dead", data={"count": state.dead, "why": state.error})
    if state.error and state.oldest > _LONG_OWED:
        return Finding("effects", ok=False, key="effects_late", data={"count": state.waiting, "why": state.error})
    return Finding("effects", ok=True)


def _clashes(_checked: Checked, connection: Connection) -> Finding:
    count = clashes.count_open(connection)
    return Finding("clashes", ok=not count, key="clashes" if count else "ok", data={"count": count})


_OF_STORE: tuple[Callable[[Checked, Connection], Finding], ...] = (
    _initialised,
    _went_back,
    _worker,
    _people,
    _webhook,
    _columns,
    _waiting,
    _listing,
    _inbox,
    _outbox,
    _clashes,
)
