"""Who is asking, and what they may do. `register_access` wires it; `person_of` and `require` are what others call.

`register_listeners` keeps the addresses of the inner network apart.
"""

from __future__ import annotations

from sync_service.access.gate import person_of, require, require_somebody
from sync_service.access.listeners import register_listeners
from sync_service.access.person import ANONYMOUS, Person
from sync_service.access.routes import visitor
from sync_service.access.table import Action, Role
from sync_service.access.wiring import register_access

__all__ = [
    "ANONYMOUS",
    "Action",
    "Person",
    "Role",
    "person_of",
    "register_access",
    "register_listeners",
    "require",
    "require_somebody",
    "visitor",
]
