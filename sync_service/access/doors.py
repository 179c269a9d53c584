"""What each address asks of whoever comes: the other half of the table of who may do what (`access.table`).

Each row is a method and a route as Flask names it. A test holds every row against the running application, for every
role, and fails for a route without one. `LAYERS` are the collections that are not for everybody: where one of them is
named in an address, what it needs comes first.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from sync_service.access.table import Action

if TYPE_CHECKING:
    from collections.abc import Mapping


class Key(StrEnum):
    """What opens a door that is not an action's."""

    NONE = "none"
    """It stands open."""
    SOMEBODY = "somebody"
    """Whoever is signed in, whatever they may do."""
    WEBHOOK = "webhook"
    """The board, by the token of its webhook."""
    ISSUER = "issuer"
    """The identity provider, by what it signs."""


DOORS: Mapping[str, Action | Key] = {
    "GET /": Key.NONE,
    "GET /map/config.json": Key.NONE,
    "GET /map/districts.geojson": Key.NONE,
    "GET /map/style.json": Key.NONE,
    "GET /map/tiles.pmtiles": Key.NONE,
    "GET /map/tiles/<int:z>/<int:x>/<int:y>": Key.NONE,
    "GET /static/<path:filename>": Key.NONE,
    "GET /static/map/<release>/<path:name>": Key.NONE,
    "GET /pages/static/<path:filename>": Key.NONE,
    "GET /board/cards/<card_id>": Key.NONE,
    "POST /board/events": Key.WEBHOOK,
    "GET /healthz": Key.NONE,
    "GET /readyz": Key.NONE,
    "GET /metrics": Action.METRICS,
    "GET /signin": Key.NONE,
    "POST /signin": Key.NONE,
    "GET /signin/start": Key.NONE,
    "GET /signin/back": Key.NONE,
    "POST /signin/ended": Key.ISSUER,
    "POST /signout": Key.NONE,
    "GET /plugins/plugins.xml": Key.NONE,
    "GET /plugins/placecard.zip": Key.NONE,
    "GET /ogc/": Key.NONE,
    "GET /ogc/api": Key.NONE,
    "GET /ogc/conformance": Key.NONE,
    "GET /ogc/static/<path:filename>": Key.NONE,
    "GET /ogc/collections": Key.NONE,
    "GET /ogc/collections/<name>": Key.NONE,
    "GET /ogc/collections/<name>/queryables": Key.NONE,
    "GET /ogc/collections/<name>/schema": Key.NONE,
    "GET /ogc/collections/<name>/items": Key.NONE,
    "OPTIONS /ogc/collections/<name>/items": Key.NONE,
    "POST /ogc/collections/<name>/items": Action.EDIT,
    "GET /ogc/collections/<name>/items/<guid>": Key.NONE,
    "OPTIONS /ogc/collections/<name>/items/<guid>": Key.NONE,
    "PUT /ogc/collections/<name>/items/<guid>": Action.EDIT,
    "PATCH /ogc/collections/<name>/items/<guid>": Action.EDIT,
    "DELETE /ogc/collections/<name>/items/<guid>": Action.EDIT,
    "GET /ogc/collections/<name>/items/<guid>/history": Action.READ_WORKING,
    "GET /sync/v1/capabilities": Key.NONE,
    "GET /sync/v1/me": Key.SOMEBODY,
    "GET /sync/v1/districts": Action.READ_OWN,
    "GET /sync/v1/proposals/<guid>": Action.READ_WORKING,
    "POST /sync/v1/proposals/<guid>/actions": Action.EDIT,
    "GET /sync/v1/suggestions": Action.EDIT,
    "GET /sync/v1/collections/proposals/snapshot": Action.READ_OWN,
    "GET /sync/v1/collections/proposals/changes": Action.READ_OWN,
    "POST /sync/v1/collections/proposals/push": Action.SUBMIT,
    "POST /sync/v1/pushes/<key>/undo": Action.EDIT,
    "GET /sync/v1/clashes": Action.READ_WORKING,
    "POST /sync/v1/clashes/<clash_id>": Action.EDIT,
    "POST /sync/v1/sweeps": Action.OPERATE,
    "GET /sync/v1/sweeps/<request_id>": Action.OPERATE,
    "GET /desk/": Action.READ_OWN,
    "GET /desk/open.json": Action.READ_OWN,
    "GET /desk/static/<path:filename>": Key.NONE,
    "GET /desk/own": Action.READ_OWN,
    "POST /desk/own": Action.SUBMIT,
    "GET /desk/changes": Action.READ_WORKING,
    "GET /desk/changes.<form>": Action.READ_WORKING,
    "GET /desk/proposals/<guid>": Action.READ_WORKING,
    "GET /desk/proposals/<guid>/changes/<int:change>": Action.MODERATE,
    "POST /desk/proposals/<guid>/changes/<int:change>": Action.MODERATE,
    "GET /desk/pushes/<key>": Action.MODERATE,
    "POST /desk/pushes/<key>": Action.MODERATE,
    "GET /desk/clashes": Action.MODERATE,
    "GET /desk/clashes/<clash_id>": Action.MODERATE,
    "POST /desk/clashes/<clash_id>": Action.MODERATE,
    "GET /desk/waiting": Action.MODERATE,
    "POST /desk/waiting": Action.MODERATE,
}

LAYERS: Mapping[str, Action] = dict.fromkeys(
    ("unplaced", "working_points", "working_lines", "working_areas"), Action.READ_WORKING
)

INNER = frozenset({"/metrics", "/readyz", "/board/events"})
"""Routes for the operator's own network: only there where it has a listener (`PLACECARD_INTERNAL_BIND`)."""
BOTH = frozenset({"/healthz", "/signin/ended"})
"""Routes that both listeners serve: whether the process lives, which tells nothing, and what the identity provider says
of a session that ended, which it signs and may send from either side."""
