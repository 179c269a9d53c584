"""How errors look over HTTP: problem JSON (RFC 9457) for programs, a page for people; and the run each request is."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Response, g, json, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from kanban_adapter.errors import BoardError
from sync_service.errors import PlacecardError, TooLarge, http_status
from sync_service.log import RUN_HEADER, current_run, note, run
from sync_service.pages.frame import pages, request_language, show
from sync_service.words import knows, say

if TYPE_CHECKING:
    from flask import Flask

log = logging.getLogger(__name__)

PROBLEM_JSON = "application/problem+json"


def register_errors(app: Flask) -> None:
    """Make every error of the app an answer, and every request a run with its name in `X-Run-Id`."""
    app.register_blueprint(pages)
    app.before_request(_begin_run)
    app.after_request(_name_run)
    app.teardown_request(_end_run)
    app.register_error_handler(PlacecardError, _placecard_error)
    app.register_error_handler(BoardError, _board_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unforeseen)


def _begin_run() -> None:
    g.run = ExitStack()
    g.run.enter_context(run())


def _name_run(response: Response) -> Response:
    response.headers[RUN_HEADER] = current_run()
    return response


def _end_run(_error: BaseException | None) -> None:
    if "run" in g:
        g.pop("run").close()


def _placecard_error(error: PlacecardError) -> Response:
    status = http_status(error)
    g.refusal = error  # whoever counts wrong guesses looks at it
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        note(log, "request.failed", level=logging.WARNING, code=error.code, why=str(error))
    language = request_language()
    return _problem(status, error.code, error.say(language), error.data)


def _board_error(error: BoardError) -> Response:
    status = http_status(error)
    note(log, "board.failed", level=logging.WARNING, what=error.what, detail=error.detail)
    code = "board_unreachable" if status is HTTPStatus.SERVICE_UNAVAILABLE else "board_failed"
    return _problem(status, code, say(f"errors.{code}", request_language()), {})


def _http_error(error: HTTPException) -> Response | HTTPException:
    """One of werkzeug's own. A redirect is one of them, and no error."""
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error
    status = HTTPStatus(error.code)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return _unforeseen(error)
    if isinstance(error, RequestEntityTooLarge):  # of a form with too much in one of its fields
        return _placecard_error(TooLarge(request.max_content_length or 0))
    response = _problem(status, status.name.lower(), _title(status), {})
    for name, value in error.get_headers(request.environ):
        response.headers.setdefault(name, value)
    return response


def _unforeseen(_error: Exception) -> Response:
    """Anything nobody thought of: written down whole, answered with nothing but the name of the run."""
    note(log, "request.crashed", level=logging.ERROR, error=True, method=request.method, path=request.path)
    detail = say("errors.internal", request_language(), run=current_run())
    return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", detail, {"run": current_run()})


def _title(status: HTTPStatus) -> str:
    key = f"status.{status.value}"
    return say(key, request_language()) if knows(key) else status.phrase


def _problem(status: HTTPStatus, code: str, detail: str, data: dict[str, object]) -> Response:
    if wants_page():
        here = request.script_root + request.full_path
        page = show("pages/problem.html", status=status.value, title=_title(status), detail=detail, here=here)
        response = Response(page)
    else:
        told = {"type": f"urn:placecard:problem:{code}", "title": _title(status), "status": status.value}
        body = {**data, **told, "detail": detail, "code": code, "instance": request.path}
        response = Response(json.dumps(body, ensure_ascii=False, default=str), content_type=PROBLEM_JSON)
    response.status_code = status.value
    response.headers["Content-Language"] = request_language()
    response.headers["Cache-Control"] = "no-store"
    if "retry_after" in data:
        response.headers["Retry-After"] = str(data["retry_after"])
    if status is HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="Placecard"'
    return response


def wants_page() -> bool:
    """A browser's reader gets a page; whoever names `f=json`, or HTML no more than JSON, gets problem JSON."""
    accepted = request.accept_mimetypes
    return request.args.get("f", "html") == "html" and accepted["text/html"] > accepted[PROBLEM_JSON]
