"""`/metrics` for Prometheus: measured from the store at every scrape, so that any number of processes say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import func, select

from sync_service.access import require
from sync_service.access.table import Action
from sync_service.engine.mark import REGRESSION
from sync_service.jobs.leader import somebody_leads
from sync_service.jobs.worker import TROUBLE
from sync_service.people.state import last_round
from sync_service.store import clashes, counter, inbox, outbox, tables, waiting
from sync_service.store.clock import moment_of, utc_now
from sync_service.store.database import free_bytes
from sync_service.store.leases import SWEPT, read_note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric
    from sqlalchemy import Connection

    from sync_service.store.database import Database

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class StoreCollector:
    """Measures the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[Metric]:
        """One gauge per thing an operator watches."""
        with self._database.reading() as connection:
            yield from _features(connection)
            yield from _queues(connection)
            yield from _health(connection)
            yield from _people(connection)
        yield _gauge(
            "worker_leads", "1 while a worker leads; none can on a full disk", float(somebody_leads(self._database))
        )
        yield _gauge("store_free_bytes", "Room left where the store lies", free_bytes(self._database.url))


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"placecard_{name}", text, value=value)


def _features(connection: Connection) -> Iterator[Metric]:
    f = tables.feature.c
    family = GaugeMetricFamily("placecard_features", "Features by visibility and stage", labels=["visibility", "stage"])
    rows = connection.execute(select(f.visibility, f.stage, func.count()).group_by(f.visibility, f.stage))
    for visibility, stage, count in rows:
        family.add_metric([visibility, stage or "none"], count)
    yield family


def _queues(connection: Connection) -> Iterator[Metric]:
    now = utc_now()
    hints, effects = inbox.inbox_state(connection, now), outbox.outbox_state(connection, now)
    yield _gauge("hints_waiting", "Cards hinted and not worked yet", hints.waiting)
    yield _gauge("hints_failing", "Hints that failed before", hints.failing)
    yield _gauge("hints_oldest_seconds", "Age of the oldest hint", hints.oldest.total_seconds())
    yield _gauge("effects_waiting", "Effects owed to the board", effects.waiting)
    yield _gauge("effects_dead", "Effects given up until the next full sweep", effects.dead)
    yield _gauge("effects_oldest_seconds", "Age of the oldest effect", effects.oldest.total_seconds())
    yield _gauge("waiting_changes", "Things that wait for a person", waiting.count_waiting(connection))
    yield _gauge("clashes_open", "Clashes nobody has resolved", clashes.count_open(connection))


def _health(connection: Connection) -> Iterator[Metric]:
    me, swept = counter.identity(connection), read_note(connection, SWEPT)
    age = (utc_now() - moment_of(swept)).total_seconds() if swept else float("nan")
    yield _gauge("sweep_age_seconds", "Time since the last sweep ended well", age)
    yield _gauge("epoch", "Number of the store's life", me.epoch)
    yield _gauge("seq", "Number of the last change", me.seq)
    yield _gauge("went_back", "1 while a side went back in time", float(read_note(connection, REGRESSION) is not None))
    yield _gauge(
        "trouble", "1 while the worker rests because of an error", float(read_note(connection, TROUBLE) is not None)
    )


def _people(connection: Connection) -> Iterator[Metric]:
    last = last_round(connection)
    age = last.age(utc_now()) if last else None
    yield _gauge(
        "people_age_seconds", "Time since the board's people last followed", float("nan") if age is None else age
    )
    yield _gauge("people_withheld", "Accounts that would lose something and wait", last.withheld if last else 0)


def create_blueprint(database: Database) -> Blueprint:
    """`/metrics`, for whoever may."""
    blueprint = Blueprint("metrics", __name__)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(StoreCollector(database))

    @blueprint.get("/metrics")
    def metrics() -> Response:
        require(Action.METRICS)
        return Response(generate_latest(registry), content_type=CONTENT_TYPE)

    return blueprint
