"""What can go wrong between a working copy and the service, as a tree.

    PlacecardError
    ├── Unreachable     no answer; the same may be asked again
    ├── SignInNeeded    nobody is signed in, or no longer
    ├── NotAllowed      this person may not
    ├── Refused         the service answered, and will not
    │   └── CursorVoid  the copy must be made anew: its place in the feed is no more
    ├── Outdated        plugin, service or copy know the properties or the protocol as they no longer are
    ├── BadAnswer       what answered speaks no Placecard
    ├── NotACopy        the file is no working copy of ours
    ├── AlreadyThere    a file of this name is there
    ├── CopyBusy        the file is held by another writer, or is being edited
    ├── NetworkFolder   SQLite files are not safe in a folder of another machine
    ├── BadGeometry     bytes that are no geometry we keep
    └── Cancelled       a person said stop

Errors carry data; their text stands in `words/`, under the key that each names.
"""

from __future__ import annotations

from typing import Any, ClassVar


class PlacecardError(Exception):
    """Something that will not or cannot be done. `key` names its text, `data` fills it."""

    word: ClassVar[str] = "error.unknown"

    def __init__(self, **data: Any) -> None:
        super().__init__(data)
        self.data: dict[str, Any] = data

    @property
    def key(self) -> str:
        """The key of its text; with a `reason` in the data, the text of that reason."""
        reason = self.data.get("reason")
        return f"{self.word}.{reason}" if reason else self.word

    def __str__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in sorted(self.data.items()))
        return f"{self.key} ({told})" if told else self.key


class Unreachable(PlacecardError):
    """The service gave no answer, or cannot now: `detail`, and `retry_after` in seconds where it said so."""

    word = "error.unreachable"


class SignInNeeded(PlacecardError):
    """Nobody is signed in, or the session has expired."""

    word = "error.sign_in"


class NotAllowed(PlacecardError):
    """This person may not do it: `detail` as the service says it."""

    word = "error.not_allowed"


class Refused(PlacecardError):
    """The service will not: `status`, `code`, `detail` (words of the service), `field`."""

    word = "error.refused"


class CursorVoid(Refused):
    """The copy's cursor is void (another store or epoch, other rights, another box, too old)."""

    word = "error.cursor"


class Outdated(PlacecardError):
    """Two sides know things differently. `reason`: plugin, service or schema."""

    word = "error.outdated"


class BadAnswer(PlacecardError):
    """What answered speaks no Placecard: `address`, and `detail` for the log."""

    word = "error.answer"


class NotACopy(PlacecardError):
    """The file is no working copy, or not one for this: `path`, `reason` (missing, foreign, newer, damaged, other)."""

    word = "error.copy"


class AlreadyThere(PlacecardError):
    """A file of this name is there, and is not written over: `path`."""

    word = "error.exists"


class CopyBusy(PlacecardError):
    """Somebody else writes to the file just now, or it cannot be written: `path`, `detail`."""

    word = "error.busy"


class NetworkFolder(PlacecardError):
    """The file would be on another machine: `path`."""

    word = "error.network_folder"


class BadGeometry(PlacecardError):
    """Bytes that are no point, line or area."""

    word = "error.geometry"


class Cancelled(PlacecardError):
    """A person said stop. Nothing was lost."""

    word = "error.cancelled"
