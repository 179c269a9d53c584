"""Where the parts are wired: the web application, and the engine that the worker and the commands run."""

from __future__ import annotations

import math
import os
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import shapely
from pydantic import SecretStr

from kanban_adapter.kanboard import KanboardBoard, KanboardPeople, hinted_cards
from sync_service.engine.interpret import Interpreter
from sync_service.engine.parts import Parts, Policy
from sync_service.engine.placing import Placing
from sync_service.errors import Problem, SettingsError, Unavailable
from sync_service.http import READ_SECONDS, session_for
from sync_service.log import start_log
from sync_service.places.area import Area
from sync_service.places.gazetteer import Gazetteer
from sync_service.places.geocoders import RemoteGeocoder
from sync_service.places.providers import Provider, RemoteProvider
from sync_service.places.resolver import Resolver
from sync_service.places.suggesting import FreshGazetteer, RemoteSuggester
from sync_service.places.unreadable import LayerUnreadableError, UnreadableLayer
from sync_service.settings import Settings, load_settings, signing_key
from sync_service.store import counter
from sync_service.store.answers import StoredAnswers
from sync_service.store.database import Database, schema_version
from sync_service.store.districts import district_rows
from sync_service.store.leases import read_note
from sync_service.store.lookups import StoredGeocodes
from sync_service.store.turns import StoredTurns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Flask

    from kanban_adapter.port import BoardAdapter
    from sync_service.access.enlisting import Enlisting
    from sync_service.access.issuer import Ailment, Issuer
    from sync_service.access.keys import KeyRing
    from sync_service.access.probing import Flaw
    from sync_service.access.provider import OidcClient
    from sync_service.access.tokens import TokenVerifier
    from sync_service.exchange.beyond import Beyond
    from sync_service.people.following import Follower
    from sync_service.places.cadastre import ParcelLayer
    from sync_service.places.geocoders import Geocoder
    from sync_service.places.suggestion import Suggester

CARD_PATH = "/board/cards/"
WAITING_SECONDS = (1.0, 5.0)
"""For connecting and for an answer, where a person waits for it."""
ANSWER_SECONDS, TURN_SECONDS = 3.0, 3.0
"""For a geocoder's answer and for the turn to ask it, where a person waits for it."""


def from_environment() -> Flask:
    """The application as gunicorn starts it: settings from the environment, log on."""
    settings = load_settings(os.environ, Path.cwd())
    start_log(settings)
    return create_app(settings)


def create_app(settings: Settings) -> Flask:
    """The web application: what the public, QGIS and the board ask. It reads the store and takes hints."""
    # Imported here: the worker and the commands wire an engine and start without the web's part of the code.
    from flask import Flask  # noqa: PLC0415 - see above

    from sync_service import desk, features  # noqa: PLC0415 - see above
    from sync_service.access import register_access, register_listeners, visitor  # noqa: PLC0415 - see above
    from sync_service.access.endings import Endings  # noqa: PLC0415 - see above
    from sync_service.exchange import routes as exchange  # noqa: PLC0415 - see above
    from sync_service.features import leading  # noqa: PLC0415 - see above
    from sync_service.operation import events, health, metrics  # noqa: PLC0415 - see above
    from sync_service.pages import register_bodies, register_errors, register_headers  # noqa: PLC0415 - see above
    from sync_service.plugins import routes as plugins  # noqa: PLC0415 - see above
    from sync_service.publicmap import routes as publicmap  # noqa: PLC0415 - see above

    app = Flask("sync_service")
    database = Database(settings.store_url)
    register_errors(app)
    register_headers(app, settings)
    register_listeners(app, settings)
    register_bodies(app)
    issuer = create_issuer(settings)
    verifier = create_verifier(settings, database, issuer)
    verify = None if verifier is None else Endings(database).watching(verifier.verify)
    register_access(app, settings, database, verify, create_enlisting(settings, database, issuer, verifier))
    app.register_blueprint(events.create_blueprint(database, settings, hinted_cards))
    app.register_blueprint(health.create_blueprint(database))
    app.register_blueprint(metrics.create_blueprint(database))
    app.register_blueprint(features.create_blueprint(database, settings))
    app.register_blueprint(desk.create_blueprint(database, settings))
    beyond = create_beyond(settings, database, issuer)
    app.register_blueprint(exchange.create_blueprint(database, settings, beyond=beyond))
    app.register_blueprint(plugins.create_blueprint(settings))
    outlines, matters = partial(district_outlines, database), partial(desk.matters_for, database)
    survivor = partial(leading.public_survivor, database)
    face = publicmap.create_blueprint(settings, districts=outlines, matters=matters, survivor=survivor, visitor=visitor)
    app.register_blueprint(face)
    return app


def create_issuer(settings: Settings) -> Issuer | None:
    """The identity provider, where one is set."""
    from sync_service.access.issuer import Issuer  # noqa: PLC0415 - as in create_app

    return Issuer(settings.oidc_issuer, session_for("oidc", settings)) if settings.oidc_issuer else None


def create_keys(settings: Settings, issuer: Issuer, shelf: StoredAnswers | None) -> KeyRing:
    """The keys that the identity provider signs with. SettingsError where what that needs is not installed."""
    try:
        from sync_service.access.keys import KeyRing  # noqa: PLC0415 - an extra: only where there is a provider
    except ModuleNotFoundError:
        raise SettingsError([Problem("settings.sso_missing")], settings.language) from None
    return KeyRing(issuer, session_for("oidc", settings), shelf=shelf)


def create_verifier(settings: Settings, database: Database, issuer: Issuer | None) -> TokenVerifier | None:
    """What checks the tokens of the identity provider, where one is set."""
    if issuer is None:
        return None
    keys = create_keys(settings, issuer, StoredAnswers(database))
    from sync_service.access.tokens import TokenVerifier  # noqa: PLC0415 - likewise

    return TokenVerifier(settings.oidc_issuer, settings.oidc_audience, keys)


def create_enlisting(
    settings: Settings, database: Database, issuer: Issuer | None, verifier: TokenVerifier | None
) -> Enlisting | None:
    """What signs people in by the identity provider, where the service is one of its clients."""
    if issuer is None or verifier is None or not (settings.oidc_client_id and settings.oidc_client_secret):
        return None
    from sync_service.access.enlisting import Enlisting  # noqa: PLC0415 - likewise

    return Enlisting(database, create_oidc_client(settings, issuer), verifier, signing_key(settings))


def create_oidc_client(settings: Settings, issuer: Issuer) -> OidcClient:
    """This service as a client of the identity provider."""
    from sync_service.access.provider import OidcClient  # noqa: PLC0415 - likewise

    session, home = session_for("oidc", settings), settings.public_url
    return OidcClient(issuer, session, client=settings.oidc_client_id, secret=settings.oidc_client_secret, home=home)


def issuer_trouble(settings: Settings) -> Ailment | None:
    """Why nobody could sign in with the identity provider this moment; None if anybody could, or there is none."""
    from sync_service.access.issuer import Ailment  # noqa: PLC0415 - as in create_app

    issuer = create_issuer(settings)
    if issuer is None:
        return None
    return issuer.ailment() or (None if create_keys(settings, issuer, None).warm() else Ailment.NO_KEYS)


def signin_flaws(settings: Settings) -> Sequence[Flaw]:
    """What keeps people from signing in on the pages, where an identity provider is there for it."""
    issuer = create_issuer(settings)
    if issuer is None or not settings.oidc_client_id:
        return ()
    from sync_service.access.probing import find_flaws  # noqa: PLC0415 - as in create_verifier

    return tuple(find_flaws(settings, create_oidc_client(settings, issuer)))


def create_beyond(settings: Settings, database: Database, issuer: Issuer | None = None) -> Beyond:
    """What the plugin's protocol asks beyond the store."""
    from sync_service.engine.listening import Listener  # noqa: PLC0415 - as in create_app
    from sync_service.exchange.beyond import Beyond  # noqa: PLC0415 - as in create_app

    def open_board() -> KanboardBoard:
        projects = pinned_projects(settings, database)
        return create_board(settings, projects, timeout=WAITING_SECONDS)

    hear, suggester = Listener(database, open_board).hear, create_suggester(settings, database)
    if issuer is None:
        return Beyond(hear=hear, suggester=suggester)
    return Beyond(issuer=issuer.endpoints, hear=hear, suggester=suggester)


def create_suggester(settings: Settings, database: Database) -> Suggester | None:
    """What says where something may be, to a person who decides; None where no geocoder is set."""
    home = settings.home_settlement or None
    if settings.geocoder == "off":
        return None
    if settings.geocoder == "gazetteer":
        path = settings.gazetteer
        return None if path is None else FreshGazetteer(path, home=home, area=Area(*settings.area))
    remote = _remote(settings, database, timeout=ANSWER_SECONDS, patience=TURN_SECONDS)
    return RemoteSuggester(remote, cache=StoredGeocodes(database), home=home)


def district_outlines(database: Database) -> dict[str, Any]:
    """The imported districts as a GeoJSON FeatureCollection, CRS84."""
    with database.reading() as connection:
        rows = district_rows(connection)
    outlines = [(name, orjson.loads(shapely.to_geojson(shapely.from_wkb(wkb)))) for name, wkb in rows]
    return {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": {"name": n}, "geometry": g} for n, g in outlines],
    }


def create_parts(settings: Settings, board: BoardAdapter | None = None) -> Parts:
    """The engine. `board` takes the place of the one the settings name."""
    database = Database(settings.store_url)
    return Parts(
        database=database,
        board=board or create_board(settings, pinned_projects(settings, database), StoredAnswers(database)),
        interpreter=Interpreter(settings.fields, f"{settings.public_url}{CARD_PATH}"),
        placing=create_placing(settings, database),
        policy=Policy(
            publishing=settings.publish,
            surge_limit=settings.surge_limit,
            stages=settings.stages,
            language=settings.language,
            home=settings.public_url,
        ),
    )


def create_placing(settings: Settings, database: Database) -> Placing:
    """What reads places, with the layers as they are now."""
    rules = place_rules(settings)  # first: a layer replaced while it was read has other rules afterwards
    return Placing(create_resolver(settings, database), Area(*settings.area), rules, settings.language)


def pinned_projects(settings: Settings, database: Database) -> tuple[str, ...]:
    """The projects of the settings by the ids pinned at `init`; as the settings name them before, or if changed."""
    try:
        with database.reading() as connection:
            pinned = counter.pinned_projects(connection) if schema_version(connection) else {}
            asked = read_note(connection, counter.PROJECTS_ASKED) if pinned else None
    except Unavailable:  # whoever works in the store says so clearly; `check` must come so far
        return settings.board_project
    return tuple(pinned) if asked == " ".join(settings.board_project) else settings.board_project


def create_board(
    settings: Settings,
    projects: tuple[str, ...],
    shelf: StoredAnswers | None = None,
    timeout: tuple[float, float] | None = None,
) -> KanboardBoard:
    """The board the settings name. Raises `SettingsError` when they do not name one.

    `shelf` keeps the board's long answers for the next process. `timeout` is for connecting and reading, in seconds.
    """
    account = () if settings.board_user else ("board_token",)
    settings.demand("board_url", "board_project", *account)
    return KanboardBoard(
        session_for("board", settings),
        url=settings.board_url,
        public_url=settings.board_public_url,
        token=settings.board_token.get_secret_value() if settings.board_token else None,
        user=settings.board_user or None,
        password=settings.board_password.get_secret_value() if settings.board_password else None,
        projects=projects,
        timeout=timeout,
        shelf=shelf,
    )


def create_follower(settings: Settings, database: Database) -> Follower | None:
    """What makes the board's people follow the identity provider, where a service account is set for it."""
    if not settings.jobs_client_id:
        return None
    from sync_service.access.issuer import Issuer  # noqa: PLC0415 - as in create_app
    from sync_service.people.following import Follower  # noqa: PLC0415 - likewise
    from sync_service.people.reading import Keycloak  # noqa: PLC0415 - likewise

    settings.demand("oidc_issuer", "oidc_audience", "jobs_client_secret", "board_url", "board_project", "board_token")
    provider = Keycloak(
        Issuer(settings.oidc_issuer, session_for("oidc", settings)),
        session_for("oidc", settings),
        client=settings.jobs_client_id,
        secret=settings.jobs_client_secret or SecretStr(""),
        audience=settings.oidc_audience,
    )
    people = KanboardPeople(
        session_for("board", settings),
        url=settings.board_url,
        token=settings.board_token.get_secret_value() if settings.board_token else "",
        projects=pinned_projects(settings, database),
    )
    return Follower(database, provider, people, settings.jobs_client_id, settings.oidc_issuer)


def create_resolver(settings: Settings, database: Database) -> Resolver:
    """What finds places that a card's text does not give itself."""
    return Resolver(_geocoder(settings, database), _parcels(settings), Area(*settings.area))


def _parcels(settings: Settings) -> ParcelLayer | UnreadableLayer | None:
    if settings.parcels is None:
        return None
    # Imported here: what reads layers takes longer to load than all the rest.
    from sync_service.places.cadastre import ParcelLayer  # noqa: PLC0415 - see above

    try:
        return ParcelLayer(settings.parcels)
    except LayerUnreadableError as error:
        return UnreadableLayer(error)


def _geocoder(settings: Settings, database: Database) -> Geocoder | None:
    home = settings.home_settlement or None
    if settings.geocoder == "off":
        return None
    if settings.geocoder == "gazetteer":
        return None if settings.gazetteer is None else _gazetteer(settings.gazetteer, home)
    return RemoteGeocoder(_remote(settings, database), cache=StoredGeocodes(database), home=home)


def _remote(
    settings: Settings, database: Database, *, timeout: float = READ_SECONDS, patience: float = math.inf
) -> RemoteProvider:
    """The geocoder on the network. `timeout` is for its answer and `patience` for the turn to ask it, in seconds."""
    key, rate = settings.geocoder_key, settings.geocoder_rate
    return RemoteProvider(
        Provider(settings.geocoder),
        session=session_for("geocoder", settings),
        area=Area(*settings.area),
        base_url=settings.geocoder_url or None,
        api_key=key.get_secret_value() if key else "",
        timeout=timeout,
        pace=StoredTurns(database, settings.geocoder, 1.0 / rate, patience=patience),
    )


def _gazetteer(path: Path, home: str | None) -> Gazetteer | UnreadableLayer:
    try:
        return Gazetteer(path, home=home)
    except LayerUnreadableError as error:  # also one not imported yet
        return UnreadableLayer(error)


def place_rules(settings: Settings) -> str:
    """Digest of the settings and layers a look-up depends on: when it changes, the cards' texts are looked up again."""
    layers = [_age(settings.gazetteer), _age(settings.parcels)]
    rules = [settings.geocoder, settings.geocoder_url, settings.home_settlement, list(settings.area), layers]
    return blake2b(orjson.dumps(rules), digest_size=6).hexdigest()


def _age(path: Path | None) -> list[int] | None:
    if path is None:
        return None
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    return [state.st_mtime_ns, state.st_size]


__all__ = ["create_app", "create_board", "create_parts", "from_environment"]
