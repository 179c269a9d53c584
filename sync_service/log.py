"""The log: one JSON object a line, with the run it belongs to, and never a secret.

    {"time": "2026-01-31T02:30:00.123+00:00", "level": "INFO", "event": "sweep.done", "run": "9f…", "data": {…}}

`note(log, "sweep.done", cards=12)` writes one;
a library's plain `log.info("text")` becomes its `event` too. A run is one
request, sweep or command: `run()` names it, and every line written inside carries the name.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import quote, quote_plus
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sync_service.settings import Settings

HIDDEN = "***"
RUN_HEADER = "X-Run-Id"
"""Header of every answer with the name of its run."""

CHATTY = ("werkzeug", "urllib3", "geopy", "pyogrio", "fiona", "alembic")
"""Libraries whose everyday messages are of no use to an operator."""

_RUN: ContextVar[str] = ContextVar("run", default="")


@contextmanager
def run(name: str | None = None) -> Iterator[str]:
    """Everything logged inside belongs to one run; gives its name, made up if none is given."""
    mark = _RUN.set(name or uuid4().hex[:16])
    try:
        yield _RUN.get()
    finally:
        _RUN.reset(mark)


def current_run() -> str:
    """Name of the run we are in; empty outside any."""
    return _RUN.get()


def note(log: logging.Logger, event: str, *, level: int = logging.INFO, error: bool = False, **data: Any) -> None:
    """Log one event with its data; with `error` also the exception being handled."""
    log.log(level, "%s", event, exc_info=error, extra={"data": data}, stacklevel=2)


class Scrub(logging.Filter):
    """Takes secrets out of a record before anything is written: message, data, exception, traceback.

    Known are the values of all secret settings, in the spellings they take in addresses, JSON and `repr`; and by their
    shape `token=…` and the like in addresses, `Authorization` and other telling headers, and passwords in URLs.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        spelled = {spelling for secret in secrets if secret for spelling in _spellings(secret)}
        self._values = _any_of(sorted(spelled, key=len, reverse=True))

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record; always keeps it."""
        record.msg, record.args = self.clean(record.getMessage()), ()
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip()
        record.exc_info = None
        record.exc_text = self.clean(record.exc_text) if record.exc_text else None
        record.stack_info = self.clean(record.stack_info) if record.stack_info else None
        record.data = self.clean_value(getattr(record, "data", {}))
        return True

    def clean(self, text: str) -> str:
        """The text without secrets."""
        text = self._values.sub(HIDDEN, text) if self._values else text  # first: a shape may end inside a value
        for pattern, instead in _SHAPES:
            text = pattern.sub(instead, text)
        return text

    def clean_value(self, value: object) -> object:
        """Data without secrets: texts cleaned, values under a telling name hidden, anything odd made text."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, dict):
            return {self.clean(str(key)): self._clean_entry(str(key), each) for key, each in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.clean_value(each) for each in value]
        return self.clean(str(value))

    def _clean_entry(self, key: str, value: object) -> object:
        telling = _TELLING_KEY.search(key) and isinstance(value, str)
        return HIDDEN if telling else self.clean_value(value)


_TELLING_KEY = re.compile(r"token|passw|secret|authorization|cookie|api[-_]?key", re.IGNORECASE)
_SHAPES = (
    (re.compile(r"(?i)\b(\w*(?:token|passw(?:or)?d|secret|api_?key)=)[^&\s\"'<>]+"), rf"\1{HIDDEN}"),
    (
        re.compile(
            r"(?i)\b((?:proxy-)?authorization|x-api-auth|x-csrf-token|(?:set-)?cookie)"
            r"(?P<between>[\"']?\s*[:=,]\s*[\"']?)(?:(?:bearer|basic|digest|token)\s+)?[^\s\"',}]+"
        ),
        rf"\1\g<between>{HIDDEN}",
    ),
    (re.compile(r"(?i)\b(bearer\s+)[\w.~+/=-]{8,}"), rf"\1{HIDDEN}"),
    (re.compile(r"(\w://[^/\s:@]*:)[^/\s@]+@"), rf"\1{HIDDEN}@"),
)
"""What a secret looks like where its value is not known to us, and what is written instead."""


def _spellings(secret: str) -> set[str]:
    """How a value looks in a text, an address, a form, JSON, and the `repr` of text and of bytes."""
    in_json = (json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False))
    in_python = (repr(secret)[1:-1], repr(secret.encode())[2:-1])
    return {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), *in_json, *in_python}


def _any_of(texts: list[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(re.escape(text) for text in texts)) if texts else None


class JsonLine(logging.Formatter):
    """One record as one line of JSON. Expects a record that went through `Scrub`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its newline."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "event": record.getMessage(),
            "run": _RUN.get(),
            "logger": record.name,
            "data": getattr(record, "data", {}),
        }
        if record.exc_text:
            line["traceback"] = record.exc_text
        return json.dumps(line, ensure_ascii=False)


def start_log(settings: Settings, *, more_secrets: Iterable[str] = (), stream: TextIO | None = None) -> None:
    """Send every log line of this process to `stream` (standard error) as scrubbed JSON. Calling again starts anew.

    `more_secrets` are those that are no settings, like a signing key made by ourselves.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.addFilter(Scrub((*settings.secrets(), *more_secrets)))
    handler.setFormatter(JsonLine())
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each.formatter, JsonLine)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(settings.log_level)
    logging.captureWarnings(True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def request_data(environ: Mapping[str, object], status: str, seconds: float) -> dict[str, Any]:
    """What is logged of an answered request: never its query, which may carry a token."""
    return {
        "method": environ.get("REQUEST_METHOD"),
        "path": environ.get("PATH_INFO"),
        "status": int(status.split(maxsplit=1)[0]),
        "ms": round(seconds * 1000, 1),
    }
