"""What can go wrong in the service, as a tree, with what HTTP and the shell answer to each.

    PlacecardError
    ├── SettingsError        the settings do not add up; one Problem per line
    ├── BadRequest           a field of the request cannot be understood
    │   └── Unprocessable    understood, and contradicts what was said before
    ├── Unauthenticated      nobody is signed in, and it matters
    ├── NotAllowed           this person may not
    ├── NotFound             not there, or not for this person
    ├── Conflict             the other side moved since
    ├── Gone                 was there once and will not come back
    ├── PreconditionFailed   If-Match names another version
    ├── PreconditionRequired If-Match is wanted
    ├── TooLarge             more than is taken at once
    ├── TooMany              too often; later
    ├── Unavailable          the service cannot do it now: store frozen, locked, disk full; a side out of reach
    └── PersonNeeded         something waits for a person

Errors carry data; their text is in `config/words/` under `errors.<code>`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar

from kanban_adapter import errors as board
from sync_service.words import DEFAULT_LANGUAGE, Language, knows, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class PlacecardError(Exception):
    """Something the service will not or cannot do. `data` is what a caller may see, ready for JSON."""

    code: ClassVar[str] = "internal"

    def __init__(self, **data: object) -> None:
        super().__init__(data)
        self.data: dict[str, object] = data

    def say(self, language: Language) -> str:
        """The error for people. A `reason` that the catalogue knows (`rejections` of an edit) is put into words too."""
        return say(f"errors.{self.code}", language, **{**self.data, **self._worded(language)})

    def _worded(self, language: Language) -> dict[str, str]:
        keys = (f"{topic}.{self.data.get('reason')}" for topic in ("reasons", "rejections"))
        key = next(filter(knows, keys), None)
        # A rejection is a sentence of its own, and here ends another one.
        return {} if key is None else {"reason": say(key, language, **self.data).removesuffix(".")}

    def __str__(self) -> str:
        return self.say("en")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong and what to do about it: a key of the catalogue and its data."""

    key: str
    data: Mapping[str, object] = field(default_factory=dict)

    def say(self, language: Language) -> str:
        """The problem as one line."""
        return " ".join(say(self.key, language, **self.data).split())


class SettingsError(PlacecardError):
    """The settings cannot be used. `problems` has every one found, not only the first."""

    code = "settings"

    def __init__(self, problems: Sequence[Problem], language: Language = DEFAULT_LANGUAGE) -> None:
        super().__init__()
        self.problems = tuple(problems)
        self.language = language

    def lines(self, language: Language | None = None) -> list[str]:
        """One line per problem, in the language the settings ask for if none is named."""
        return [problem.say(language or self.language) for problem in self.problems]

    def say(self, language: Language) -> str:
        """All problems, one a line."""
        return "\n".join(self.lines(language))

    def __str__(self) -> str:
        return self.say(self.language)


class BadRequest(PlacecardError):
    """`field` of the request cannot be understood; `reason` is a key under `reasons`, or plain words."""

    code = "bad_request"

    def __init__(self, field: str, reason: str, **data: object) -> None:
        super().__init__(field=field, reason=reason, **data)


class Unprocessable(BadRequest):
    """Well formed, but contradicts what was said before (the same key with another body)."""

    code = "unprocessable"


class Unauthenticated(PlacecardError):
    """Nobody is signed in, or the token is not ours."""

    code = "unauthenticated"


class NotAllowed(PlacecardError):
    """The person who asks may not do this."""

    code = "not_allowed"

    def __init__(self, action: str, **data: object) -> None:
        super().__init__(action=action, **data)


class NotFound(PlacecardError):
    """`what` is not there, or the person who asks may not know that it is."""

    code = "not_found"

    def __init__(self, what: str = "", **data: object) -> None:
        super().__init__(what=what, **data)


class Conflict(PlacecardError):
    """What the request builds on has changed since."""

    code = "conflict"

    def __init__(self, reason: str, **data: object) -> None:
        super().__init__(reason=reason, **data)


class Gone(PlacecardError):
    """It was valid once (a cursor, a retired proposal) and is no longer."""

    code = "gone"

    def __init__(self, reason: str, **data: object) -> None:
        super().__init__(reason=reason, **data)


class PreconditionFailed(PlacecardError):
    """`If-Match` names a version that is not the current one."""

    code = "precondition_failed"


class PreconditionRequired(PlacecardError):
    """This write wants `If-Match`."""

    code = "precondition_required"


class TooLarge(PlacecardError):
    """More than `limit` at once."""

    code = "too_large"

    def __init__(self, limit: int, **data: object) -> None:
        super().__init__(limit=limit, **data)


class TooMany(PlacecardError):
    """Asked too often; again after `retry_after` seconds."""

    code = "too_many"

    def __init__(self, retry_after: int, **data: object) -> None:
        super().__init__(retry_after=retry_after, **data)


class Unavailable(PlacecardError):
    """Cannot be done now. `reason`: frozen, moved, locked, disk_full, unreachable, or plain words."""

    code = "unavailable"

    def __init__(self, reason: str, retry_after: int = 5, **data: object) -> None:
        super().__init__(reason=reason, retry_after=retry_after, **data)


class PersonNeeded(PlacecardError):
    """Going on needs a person's word (a surge, a store or board that went back in time)."""

    code = "person_needed"

    def __init__(self, reason: str, **data: object) -> None:
        super().__init__(reason=reason, **data)


class ExitCode(IntEnum):
    """What the shell sees."""

    DONE = 0
    ERRORS = 1
    WRONG_USE = 2
    UNREACHABLE = 3
    WAITING = 4


ANSWERS: Mapping[type[Exception], tuple[HTTPStatus, ExitCode]] = {
    SettingsError: (HTTPStatus.SERVICE_UNAVAILABLE, ExitCode.WRONG_USE),
    BadRequest: (HTTPStatus.BAD_REQUEST, ExitCode.WRONG_USE),
    Unprocessable: (HTTPStatus.UNPROCESSABLE_ENTITY, ExitCode.WRONG_USE),
    Unauthenticated: (HTTPStatus.UNAUTHORIZED, ExitCode.WRONG_USE),
    NotAllowed: (HTTPStatus.FORBIDDEN, ExitCode.WRONG_USE),
    NotFound: (HTTPStatus.NOT_FOUND, ExitCode.WRONG_USE),
    Conflict: (HTTPStatus.CONFLICT, ExitCode.ERRORS),
    Gone: (HTTPStatus.GONE, ExitCode.ERRORS),
    PreconditionFailed: (HTTPStatus.PRECONDITION_FAILED, ExitCode.ERRORS),
    PreconditionRequired: (HTTPStatus.PRECONDITION_REQUIRED, ExitCode.ERRORS),
    TooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, ExitCode.WRONG_USE),
    TooMany: (HTTPStatus.TOO_MANY_REQUESTS, ExitCode.ERRORS),
    Unavailable: (HTTPStatus.SERVICE_UNAVAILABLE, ExitCode.UNREACHABLE),
    PersonNeeded: (HTTPStatus.SERVICE_UNAVAILABLE, ExitCode.WAITING),
    PlacecardError: (HTTPStatus.INTERNAL_SERVER_ERROR, ExitCode.ERRORS),
    board.Unreachable: (HTTPStatus.SERVICE_UNAVAILABLE, ExitCode.UNREACHABLE),
    board.Refused: (HTTPStatus.SERVICE_UNAVAILABLE, ExitCode.UNREACHABLE),
    board.BoardError: (HTTPStatus.BAD_GATEWAY, ExitCode.ERRORS),
}
"""The one table from error to answer. An error takes the row of its nearest named ancestor."""

_UNKNOWN = (HTTPStatus.INTERNAL_SERVER_ERROR, ExitCode.ERRORS)


def http_status(error: BaseException) -> HTTPStatus:
    """HTTP status of an error; 500 for one that is not in the table."""
    return _answer(error)[0]


def exit_code(error: BaseException) -> ExitCode:
    """Exit code of a command that ended with this error."""
    return _answer(error)[1]


def worded(error: Exception, language: Language) -> str:
    """What a command says of an error, in one or more lines; nothing of one that nobody thought of but its kind."""
    if isinstance(error, PlacecardError):
        return error.say(language)
    if isinstance(error, board.BoardError):
        return say(f"cli.{_refusal(error)}", language, why=why_in_words(error, language))
    return say("cli.crashed", language, kind=type(error).__name__)


def why_in_words(error: Exception, language: Language) -> str:
    """What went wrong, short enough to end another sentence; a board's own word as it came."""
    if isinstance(error, PlacecardError):
        return error.say(language).removesuffix(".")
    if not isinstance(error, board.BoardError):
        return str(error)
    thing = say(f"things.{error.what}", language) if knows(f"things.{error.what}") else error.what
    why = say(f"board.{error.reason}", language, **error.data) if error.reason else error.detail
    return f"{thing}: {why}" if why else thing


def _refusal(error: board.BoardError) -> str:
    """The key of what a command says of a board that did not do what was asked: what a person should look at."""
    if isinstance(error, board.BadCredentials):
        return "board_credentials"
    if isinstance(error, board.NotPermitted) or (isinstance(error, board.Missing) and error.what == "project"):
        return "board_project"
    return "board_away" if exit_code(error) is ExitCode.UNREACHABLE else "board_failed"


def _answer(error: BaseException) -> tuple[HTTPStatus, ExitCode]:
    rows = (ANSWERS[kind] for kind in type(error).__mro__ if kind in ANSWERS)
    return next(rows, _UNKNOWN)
