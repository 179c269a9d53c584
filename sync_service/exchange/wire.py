"""The form of what goes over the wire: the JSON Schemas in `config/wire/`, the one copy, and what is wrong in words."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
from jsonschema_rs import Draft202012Validator, Registry

from sync_service.errors import BadRequest, TooLarge
from sync_service.words import knows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jsonschema_rs import ValidationError

ROOT = "#"
"""The whole document, as a pointer."""


@cache
def wire_schemas() -> Mapping[str, dict[str, Any]]:
    """The schemas by name."""
    folder = files("config").joinpath("wire")
    found = (each for each in folder.iterdir() if each.name.endswith(".json"))
    return {each.name.removesuffix(".json"): orjson.loads(each.read_bytes()) for each in found}


@cache
def _validator(name: str) -> Draft202012Validator:
    schemas = wire_schemas()
    registry = Registry([(schema["$id"], schema) for schema in schemas.values()])
    return Draft202012Validator(schemas[name], registry=registry)


def check(name: str, document: object) -> None:
    """BadRequest naming the first place where a document is not what the schema wants; TooLarge for a list too long.

    `field` is a JSON Pointer as a fragment (RFC 6901, 6), as problems are told by RFC 9457: `#/changes/3/op`.
    """
    error = next(_validator(name).iter_errors(document), None)
    if error is not None:
        raise _refusal(error)


def _refusal(error: ValidationError) -> BadRequest | TooLarge:
    pointer, kind = pointer_to(error.instance_path), error.kind.as_dict()
    if error.kind.name == "maxItems":
        return TooLarge(limit=kind["limit"], field=pointer)
    reason = f"wire_{error.kind.name}"
    return BadRequest(pointer, reason if knows(f"reasons.{reason}") else "wire_other", **_told(kind))


def _told(kind: Mapping[str, Any]) -> dict[str, object]:
    """What the message about one kind of mistake names."""
    return {name: ", ".join(map(str, value)) if isinstance(value, list) else value for name, value in kind.items()}


def pointer_to(path: Sequence[str | int]) -> str:
    """The JSON Pointer, as a fragment, of a place in a document."""
    return ROOT + "".join(f"/{quote(str(part).replace('~', '~0').replace('/', '~1'), safe='~')}" for part in path)


def read_body(body: bytes) -> Any:
    """The document in a request's body. BadRequest if it is no JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(ROOT, "wire_json", why=error.msg, position=error.pos) from error
