"""When settings that cards are read by have changed, every card is read again by the next sweep."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import orjson

from sync_service.store import pairs
from sync_service.store.leases import read_note, write_note

if TYPE_CHECKING:
    from sync_service.engine.parts import Parts

_RULES = "reading_rules"


def adapt_to_settings(parts: Parts) -> bool:
    """Forget the cards' fingerprints if they were read by other settings; true when they were."""
    rules = _digest(parts)
    with parts.database.writing() as connection:
        if read_note(connection, _RULES) == rules:
            return False
        write_note(connection, _RULES, rules)
        pairs.forget_fingerprints(connection)
    return True


def _digest(parts: Parts) -> str:
    sources = {name: [source.kind, source.name] for name, source in sorted(parts.interpreter.sources.items())}
    told = [parts.policy.publishing, sources, parts.interpreter.link_base, parts.placing.rules]
    return blake2b(orjson.dumps(told), digest_size=12).hexdigest()
