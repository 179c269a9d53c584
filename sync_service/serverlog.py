"""gunicorn's messages in our log: its own handlers are not made, every line goes through the JSON log of `log`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from gunicorn.glogging import Logger

from sync_service.log import RUN_HEADER, note, request_data, run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta


class ServerLog(Logger):  # type: ignore[misc]  # gunicorn is untyped
    """For gunicorn's `logger_class`. Requires `start_log` to have been called in the process that forks."""

    def setup(self, cfg: Any) -> None:
        """Take over the configuration, and leave writing to the root logger."""
        self.cfg = cfg
        self._access_log_enabled = True
        for log in (self.error_log, self.access_log):
            log.handlers.clear()
            log.propagate = True
            log.setLevel(logging.NOTSET)

    def access(self, resp: Any, req: Any, environ: Mapping[str, object], request_time: timedelta) -> None:  # noqa: ARG002 - gunicorn's
        """One line per answered request."""
        data = request_data(environ, str(resp.status), request_time.total_seconds())
        with run(_run_of(resp)):  # the request's own is over by now
            note(self.access_log, "request", **data)

    def reopen_files(self) -> None:
        """Nothing to reopen: there are no files of our own."""

    def close_on_exec(self) -> None:
        """Nothing to mark: there are no files of our own."""


def _run_of(resp: Any) -> str | None:
    return next((str(value) for name, value in resp.headers if name.lower() == RUN_HEADER.lower()), None)
