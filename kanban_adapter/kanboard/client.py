"""JSON-RPC to Kanboard: the only place that speaks HTTP to a board.

Kanboard answers 200 to nearly everything. What can come instead of a result, and what it becomes:

    no connection, time-out, 5xx, 429, HTML, a body cut short    Unreachable
    401                                                          BadCredentials; a user's are then left alone
    403 in Kanboard's own words                                  NotPermitted, and the *whole* batch is lost
    an error object inside a batch                               Failed, for that call alone
    "database is locked"                                         asked again at once, then Unreachable
    result false                                                 left to the caller: it means too many things
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import orjson
import requests
from requests.auth import HTTPBasicAuth

from kanban_adapter.errors import BadCredentials, BoardError, Failed, NotPermitted, Reason, Unreachable
from kanban_adapter.kanboard.decoding import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")

TOKEN_USER = "jsonrpc"  # noqa: S105 - the name Kanboard gives the application token's account, no secret
LEFT_ALONE_SECONDS = 20 * 60
"""Longer than the quarter of an hour for which Kanboard locks a user out after six failures."""

LONGEST_QUIET_SECONDS = 600.0
"""How long a busy board is left alone at most, whatever it asks for."""

TOKEN_CHUNK = 1000
"""Calls in one request with the application token: about 0.15 s of the board's time."""

IN_USE_TRIES = 6
IN_USE_PAUSE_SECONDS = 0.04
"""Kanboard mostly reads before it writes; SQLite then refuses at once when somebody else has begun to write.

So it goes to whoever comes while a card is being dragged, which takes some 30 ms.
"""

USER_CHUNK = 50
"""Calls in one request as a user: Kanboard checks the password anew for each, some 80 ms every time."""


@dataclass(frozen=True, slots=True)
class Call:
    """One procedure to call, with named parameters."""

    method: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Account:
    """Who asks.

    `refused_at` is when these credentials were last refused, `quiet_until` when a busy board wants to be asked again;
    both by a monotonic clock.
    """

    user: str
    secret: str = field(repr=False)
    refused_at: float | None = None
    quiet_until: float | None = None

    @property
    def is_token(self) -> bool:
        """Whether this is the application token, which Kanboard never locks out."""
        return self.user == TOKEN_USER

    @property
    def chunk(self) -> int:
        """How many calls one request may carry."""
        return TOKEN_CHUNK if self.is_token else USER_CHUNK


class Shelf(Protocol):
    """Where what was made of an answer is kept for another process. May forget."""

    def recall(self, name: str) -> bytes | None:
        """What was kept under this name."""

    def keep(self, name: str, content: bytes) -> None:
        """Keep it, in the place of what was kept there."""


class Nowhere:
    """A shelf that keeps nothing."""

    def recall(self, _name: str) -> bytes | None:
        """Nothing."""
        return None

    def keep(self, _name: str, _content: bytes) -> None:
        """Forget it."""


class Client:
    """Calls procedures as one account over the session given, whose own time limits hold unless `timeout` is given.

    `clock_skew` is how many seconds the board was ahead of us at the last answer. Not thread-safe.
    """

    def __init__(
        self,
        session: requests.Session,
        url: str,
        account: Account,
        *,
        timeout: tuple[float, float] | None = None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
        shelf: Shelf | None = None,
    ) -> None:
        self.account = account
        self.clock_skew = 0.0
        self._session = session
        self._url = f"{url.rstrip('/')}/jsonrpc.php"
        self._timeout = timeout
        self._auth = HTTPBasicAuth(account.user.encode(), account.secret.encode())
        self._clock = clock
        self._pause = pause
        self._shelf: Shelf = Nowhere() if shelf is None else shelf
        self._made: dict[str, tuple[str, Any]] = {}

    def call(self, method: str, **params: Any) -> Any:
        """Call one procedure and give its result, `False` and `None` included.

        What the board could not do because somebody else was writing is asked for again at once, unless it makes
        something: that might then be there twice.
        """
        for left in reversed(range(1 if method.startswith("create") else IN_USE_TRIES)):
            answer = self._post(method, _request(Call(method, params), 0))
            result = _result(method, self._checked(method, answer))
            if not (left and isinstance(result, Unreachable) and result.reason is Reason.IN_USE):
                break
            self._pause(IN_USE_PAUSE_SECONDS * random.SystemRandom().uniform(0.5, 1.5))
        return _raised(result)

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        """Call several procedures in one request, in this order; one that failed stands as its error.

        Raises `NotPermitted` for the lot when the account may not make one of them: those before it *were* made.
        """
        if not calls:
            return []
        what = calls[0].method
        return self._results(calls, self._checked(what, self._post(what, _requests(calls))))

    def _results(self, calls: Sequence[Call], answer: Any) -> list[Any]:
        what = calls[0].method
        rows = {row.get("id"): row for row in answer if isinstance(row, dict)} if isinstance(answer, list) else {}
        if rows.keys() != set(range(len(calls))):
            raise Unreachable(what, reason=Reason.INCOMPLETE, answers=len(rows), calls=len(calls))
        return [_result(call.method, rows[at]) for at, call in enumerate(calls)]

    def fetch(self, *calls: Call) -> list[Any]:
        """Call several procedures in one request and raise the first error among their results."""
        return [_raised(result) for result in self.batch(calls)]

    def fetch_made(self, make: Callable[[list[Any]], T], *calls: Call, form: str = "") -> T:
        """What `make` makes of the results; made anew only if the answer is not, byte for byte, the one before.

        For long answers that seldom change: to read one takes as long as the board takes to write it. What is made
        consists of plain values, and the shelf keeps it for the next process; `form` names what it looks like.
        """
        what, body = calls[0].method, _requests(calls)
        answer = self._post(what, body)
        asked, digest = f"{form}:{_digest(orjson.dumps(body))}", _digest(answer.content)
        known = self._made.get(asked) or self._recall(asked)
        if known is None or known[0] != digest or not answer.ok:
            results = self._results(calls, self._checked(what, answer))
            known = digest, make([_raised(result) for result in results])
            self._shelf.keep(asked, orjson.dumps(known))
        self._made[asked] = known
        made: T = known[1]
        return made

    def _recall(self, asked: str) -> tuple[str, Any] | None:
        content = self._shelf.recall(asked)
        return None if content is None else tuple(orjson.loads(content))

    def gather(self, groups: Sequence[Sequence[Call]], tail: Sequence[Call]) -> list[Gathered]:
        """Make groups of calls, as many in one request as may be, each request ending with `tail`.

        A group that is not permitted does not spoil the others: the request is repeated in halves until it stands
        alone, and its results are then None. Only for calls that change nothing.
        """
        size = max(1, (self.account.chunk - len(tail)) // max(len(group) for group in groups)) if groups else 1
        parts = [groups[start : start + size] for start in range(0, len(groups), size)] or [groups]
        return [gathered for part in parts for gathered in self._gather_part(part, tail)]

    def _gather_part(self, groups: Sequence[Sequence[Call]], tail: Sequence[Call]) -> list[Gathered]:
        try:
            results = self.batch([call for group in groups for call in group] + list(tail))
        except NotPermitted:
            if len(groups) > 1:
                middle = len(groups) // 2
                return self._gather_part(groups[:middle], tail) + self._gather_part(groups[middle:], tail)
            if not groups:
                raise
            return [Gathered([None], self.fetch(*tail))]
        following = iter(results)
        split: list[list[Any] | None] = [[next(following) for _ in group] for group in groups]
        return [Gathered(split, [_raised(result) for result in following])]

    def _post(self, what: str, body: object) -> requests.Response:
        self._leave_alone(what)
        try:
            answer = self._session.post(
                self._url,
                data=orjson.dumps(body),
                headers={"Content-Type": "application/json"},
                auth=self._auth,
                timeout=self._timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            # The text of such an error may hold the address with its query; its kind says enough.
            raise Unreachable(what, type(error).__name__) from error
        self._note_clock(answer)
        return answer

    def _leave_alone(self, what: str) -> None:
        refused_at = self.account.refused_at
        if refused_at is not None and self._clock() - refused_at < LEFT_ALONE_SECONDS:
            raise BadCredentials(what, reason=Reason.LEFT_ALONE)
        quiet = (self.account.quiet_until or 0) - self._clock()
        if self.account.quiet_until is not None and quiet > 0:
            raise Unreachable(what, reason=Reason.QUIET, retry_after=quiet)

    def _note_clock(self, answer: requests.Response) -> None:
        if "Date" in answer.headers:
            board = parsedate_to_datetime(answer.headers["Date"]).timestamp()
            # The header has whole seconds: the middle of that second is the best guess.
            self.clock_skew = board + 0.5 - (time.time() - answer.elapsed.total_seconds() / 2)

    def _checked(self, what: str, answer: requests.Response) -> Any:
        if answer.status_code == requests.codes.unauthorized:
            raise self._refused(what)
        if answer.status_code == requests.codes.too_many_requests or answer.status_code >= 500:
            wait = _retry_after(answer)
            self.account.quiet_until = None if wait is None else self._clock() + min(wait, LONGEST_QUIET_SECONDS)
            raise Unreachable(what, f"HTTP {answer.status_code}", retry_after=wait)
        try:
            content = decode(answer.content)
        except orjson.JSONDecodeError as error:
            kind = answer.headers.get("Content-Type", "–")
            raise Unreachable(what, reason=Reason.NOT_JSON, status=answer.status_code, kind=kind) from error
        if code := _refusal(content):
            raise self._refused(what) if code == requests.codes.unauthorized else NotPermitted(what, "403")
        if answer.status_code != requests.codes.ok:
            raise Unreachable(what, f"HTTP {answer.status_code}")
        return content

    def _refused(self, what: str) -> BadCredentials:
        # Six failures lock a user out, also for the people who share it. A token cannot be locked out.
        if not self.account.is_token:
            self.account.refused_at = self._clock()
        return BadCredentials(what, reason=Reason.ACCOUNT, user=self.account.user)


@dataclass(frozen=True, slots=True)
class Gathered:
    """Results of one request of `Client.gather`: per group (None: not permitted), and of the tail."""

    groups: list[list[Any] | None]
    tail: list[Any]


def _request(call: Call, number: int) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": call.method, "params": call.params}


def _requests(calls: Sequence[Call]) -> list[dict[str, Any]]:
    return [_request(call, at) for at, call in enumerate(calls)]


def _refusal(content: object) -> int | None:
    """The code of an answer by which Kanboard refuses everything that was asked."""
    error = content.get("error") if isinstance(content, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if code in {requests.codes.unauthorized, requests.codes.forbidden} else None


def _result(method: str, row: object) -> Any:
    if not isinstance(row, dict) or not row.keys() & {"result", "error"}:
        return Unreachable(method, reason=Reason.NO_ANSWER)
    error = row.get("error")
    if not error:
        return row.get("result")
    message = f"{error.get('message', '')} {error.get('data', '')}".strip()
    if "database is locked" in message:
        return Unreachable(method, reason=Reason.IN_USE)
    return Failed(method, message)


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=32).hexdigest()


def _raised(result: Any) -> Any:
    if isinstance(result, BoardError):
        raise result
    return result


def _retry_after(answer: requests.Response) -> float | None:
    value = answer.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None
