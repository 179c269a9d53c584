"""A push as it comes over the wire, and what became of it as it goes back."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import TYPE_CHECKING, Any

from sync_service.editing.pushes import Change, Mode, Push
from sync_service.errors import BadRequest, Conflict
from sync_service.exchange.capabilities import schema_rev
from sync_service.sync.editing import Edit, EditOp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sync_service.editing.pushes import EditResult, PushAnswer
    from sync_service.words import Language

KEY_HEADER = "Idempotency-Key"
SOURCE = "qgis"
_KEY = re.compile(r"[\w.~-]{1,128}", re.ASCII)
_NO_GEOMETRY = b""
"""Stands for a null where a geometry is wanted, and is refused as one."""
_NONSENSE = b"\0"


def read_key(header: str | None) -> str:
    """The key of a push; quotes around it, as the draft of the standard has them, are left out."""
    if header is None:
        raise BadRequest(KEY_HEADER, "key_wanted")
    key = header.strip().removeprefix('"').removesuffix('"')
    if not _KEY.fullmatch(key):
        raise BadRequest(KEY_HEADER, "key_form")
    return key


def check_revision(given: str) -> None:
    """Conflict if the client knows the properties as they no longer are."""
    if given != schema_rev():
        raise Conflict("schema_rev_stale", schema_rev=schema_rev())


def read_push(key: str, document: Mapping[str, Any]) -> Push:
    """The push of a document that is what `push.json` wants."""
    check_revision(document["schema_rev"])
    return Push(
        key=key,
        client_id=document["client_id"],
        source=SOURCE,
        changes=[_change(each) for each in document["changes"]],
        mode=Mode(document.get("mode", Mode.EACH)),
        check_only=document.get("check_only", False),
    )


def _change(told: Mapping[str, Any]) -> Change:
    op = EditOp(told["op"])
    edit = Edit(op, told["guid"], told.get("set", {}), _geometry(op, told))
    return Change(told["change_id"], edit, told.get("base_version"))


def _geometry(op: EditOp, told: Mapping[str, Any]) -> bytes | None:
    if "geometry" not in told:
        return None
    if told["geometry"] is None:
        return _NO_GEOMETRY if op is EditOp.UPDATE else None
    # What is none is refused later, with the change it belongs to.
    return read_geometry(told["geometry"]) or _NONSENSE


def read_geometry(text: str) -> bytes | None:
    """The bytes of a base64 text; None if it is none, or of nothing."""
    try:
        return b64decode(text, validate=True) or None
    except ValueError:  # binascii's own is one, too
        return None


def answer_document(answer: PushAnswer, language: Language) -> dict[str, Any]:
    """What became of a push."""
    return {
        "push": answer.key,
        "kept": answer.kept,
        "results": [_result(each, language) for each in answer.results],
        "schema_rev": schema_rev(),
    }


def _result(result: EditResult, language: Language) -> dict[str, Any]:
    told: dict[str, Any] = {
        "change_id": result.change_id,
        "guid": result.guid,
        "status": result.status.value,
        "version": result.version,
        "replayed": result.replayed,
    }
    if result.refusal is not None:
        field = {"field": result.refusal.data["field"]} if "field" in result.refusal.data else {}
        told |= {"code": result.refusal.code, "message": result.message(language), **field}
    return told | ({} if result.clash is None else {"clash": dict(result.clash)})
