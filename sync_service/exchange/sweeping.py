"""The addresses at which an operator, or a job on another machine, has the worker sweep and hears what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, request, url_for

from sync_service.access import Action, require
from sync_service.errors import NotFound
from sync_service.exchange.asking import read_parameters
from sync_service.exchange.face import ROOT, asked_document, respond
from sync_service.jobs.wake import wake_worker
from sync_service.store.requests import AskedSweep, ask_sweep, find_sweep

if TYPE_CHECKING:
    from flask import Blueprint

    from sync_service.exchange.face import Face


def add_sweeping(blueprint: Blueprint, face: Face) -> None:
    """Add them to the blueprint."""

    @blueprint.post(f"{ROOT}/sweeps")
    def ask() -> Response:
        person = require(Action.OPERATE)
        read_parameters(request, ())
        full = bool(asked_document("sweep").get("full", False))
        with face.database.writing() as connection:
            made = ask_sweep(connection, face.now(), full=full, force=False, who=person.name)
            asked = find_sweep(connection, made)
        wake_worker(face.settings.store_url)
        answer = respond(_document(asked))
        answer.status_code = 202
        answer.headers["Location"] = url_for("exchange.tell_sweep", request_id=made)
        return answer

    @blueprint.get(f"{ROOT}/sweeps/<request_id>")
    def tell_sweep(request_id: str) -> Response:
        require(Action.OPERATE)
        read_parameters(request, ())
        with face.database.reading() as connection:
            return respond(_document(find_sweep(connection, request_id)))


def _document(asked: AskedSweep | None) -> dict[str, Any]:
    if asked is None:
        raise NotFound("sweep")
    told: dict[str, Any] = {"id": asked.id, "full": asked.full, "asked": asked.asked, "who": asked.who}
    if asked.result is None:
        return {**told, "state": "asked", "report": None, "why": None}
    if "failed" in asked.result:
        return {**told, "state": "failed", "report": None, "why": asked.result["why"]}
    return {**told, "state": "done", "report": asked.result, "why": None}
