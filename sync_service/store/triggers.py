"""Jobs on PostgreSQL: procrastinate's tables, and the triggers that put a job there for whatever becomes due.

A job is deferred by the transaction that makes it due, whoever wrote it: both are kept or neither. Hints and effects of
one card have one lock, so that at any moment one worker at most has a card in hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from sync_service.store.clock import stamp

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

QUEUE = "placecard"
WORK_CARD = "work_card"
SEND_EFFECTS = "send_effects"


def make_jobs(connection: Connection) -> None:
    """See that procrastinate's tables (of the version pinned) and our triggers are there."""
    if connection.execute(text("SELECT to_regclass('procrastinate_jobs')")).scalar_one() is None:
        from procrastinate.schema import SchemaManager  # noqa: PLC0415 - an extra: only where such a store is

        _run_script(connection, SchemaManager.get_schema())
    _run_script(connection, _TRIGGERS)


def _run_script(connection: Connection, script: str) -> None:
    driver: Any = connection.connection.driver_connection
    driver.execute(script)  # as it is: the driver takes several statements at once when there are no parameters


_TRIGGERS = """
CREATE OR REPLACE FUNCTION placecard_defer(task text, card text, args jsonb, due text) RETURNS void LANGUAGE sql AS $$
    SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(
        'placecard', task, 0, 'card:' || card, NULL, args,
        CASE WHEN due::timestamptz > now() THEN due::timestamptz END
    )::procrastinate_job_to_defer_v1]);
$$;

CREATE OR REPLACE FUNCTION placecard_hint() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM placecard_defer('work_card', NEW.card_id, jsonb_build_object('card_id', NEW.card_id), NEW.run_after);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION placecard_effect() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    card text := coalesce((SELECT card_id FROM pair WHERE guid = NEW.guid), NEW.guid);
BEGIN
    PERFORM placecard_defer('send_effects', card, jsonb_build_object('guid', NEW.guid), NEW.run_after);
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER placecard_hint AFTER INSERT OR UPDATE OF generation, run_after ON inbox
    FOR EACH ROW EXECUTE FUNCTION placecard_hint();

DROP TRIGGER IF EXISTS placecard_effect ON effect;
-- At the end of the transaction: only then the pair of a new card is there.
CREATE CONSTRAINT TRIGGER placecard_effect AFTER INSERT OR UPDATE OF version, state, run_after ON effect
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.state = 'pending') EXECUTE FUNCTION placecard_effect();
"""


def defer_strays(connection: Connection, now: datetime) -> None:
    """Defer what is due and has no job: what was claimed by a process that died, or came in by a backup put back."""
    connection.execute(_STRAYS, {"now": stamp(now)})


_STRAYS = text("""
    SELECT placecard_defer('work_card', card_id, jsonb_build_object('card_id', card_id), run_after) FROM inbox
    WHERE run_after <= :now AND NOT EXISTS (
        SELECT FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND lock = 'card:' || card_id)
    UNION ALL
    SELECT placecard_defer('send_effects', coalesce(card_id, guid), jsonb_build_object('guid', guid), run_after)
    FROM (SELECT DISTINCT ON (guid) guid, card_id, run_after FROM effect LEFT JOIN pair USING (guid)
        WHERE effect.state = 'pending' AND run_after <= :now AND coalesce(lease_until, '') <= :now) AS owed
    WHERE NOT EXISTS (
        SELECT FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND lock = 'card:' || coalesce(card_id, guid))
""")


def workers_alive(connection: Connection, within: float) -> bool:
    """Whether a worker has shown itself in the last seconds."""
    asked = {"within": within}
    return bool(connection.execute(_ALIVE, asked).scalar_one())


_ALIVE = text(
    "SELECT EXISTS (SELECT FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => :within))"
)
