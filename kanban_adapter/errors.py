"""What can go wrong with a board, as a tree.

    BoardError
    ├── Unreachable        no answer, a time-out, a 5xx, an answer that is not the board's (HTML, cut short)
    ├── Refused            the board answered, and will not
    │   ├── BadCredentials the token or password is wrong, or the bot is locked out
    │   └── NotPermitted   the account may not do this, or the project vanished for it
    ├── Missing            the card, column or project is not there
    ├── Unsupported        the value cannot be stored on this board (capabilities say so beforehand)
    └── Failed             the board answered "false" and gives no reason

`Unreachable` is worth trying again by itself; `Refused` is not until a person changes something.

Errors carry data and no sentences: what an adapter itself found is a `Reason` with its data, for whoever words it.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """What an adapter found by itself, and the names of its data."""

    # no usable answer
    INCOMPLETE = "incomplete"  # answers, calls
    NOT_JSON = "not_json"  # status, kind
    NO_ANSWER = "no_answer"
    LEFT_ALONE = "left_alone"
    QUIET = "quiet"
    IN_USE = "in_use"
    # what the board would not do
    ACCOUNT = "account"  # user
    SAID_NO = "said_no"
    NOT_MOVED = "not_moved"  # card
    NO_LISTING = "no_listing"  # project
    UNKNOWN_ZONE = "unknown_zone"  # zone
    NOT_ONE = "not_one"  # n, name
    ELSEWHERE = "elsewhere"  # column, project
    # what it could not hold
    TOO_LONG = "too_long"  # length, limit
    EMPTY = "empty"
    TOO_EARLY = "too_early"  # day, first
    BACKWARDS = "backwards"  # start, due
    NOT_WEB = "not_web"
    NO_MARKER = "no_marker"


class BoardError(Exception):
    """A board did not do what was asked.

    `what` is the procedure or thing that failed; `detail` is the board's own word, free of secrets. Where the adapter
    has found something itself, `reason` and `data` say what, and `detail` is made of them, for logs.
    """

    def __init__(self, what: str, detail: str = "", *, reason: Reason | None = None, **data: object) -> None:
        why = ", ".join([reason, *(f"{name}={value}" for name, value in data.items())]) if reason else detail
        super().__init__(f"{what}: {why}" if why else what)
        self.what = what
        self.detail = why
        self.reason = reason
        self.data = data


class Unreachable(BoardError):
    """No usable answer came: worth trying again later. `retry_after` is in seconds when the board named it."""

    def __init__(
        self,
        what: str,
        detail: str = "",
        *,
        reason: Reason | None = None,
        retry_after: float | None = None,
        **data: object,
    ) -> None:
        super().__init__(what, detail, reason=reason, **data)
        self.retry_after = retry_after


class Refused(BoardError):
    """The board answered and will not do it; trying again does not help."""


class BadCredentials(Refused):
    """The token or password is wrong, or the bot user is locked out after too many failures."""


class NotPermitted(Refused):
    """The account may not do this, or the project is no longer visible to it."""


class Missing(BoardError):
    """The card, column or project named is not there."""


class Unsupported(BoardError):
    """The board cannot hold this value; nothing was sent."""


class Failed(BoardError):
    """The board said no without a reason."""
