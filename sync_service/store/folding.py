"""Letter case on PostgreSQL as Python has it: one SQL function, made of what the server's `lower` leaves to be done.

Python folds every alphabet fully ("ß" is "ss"); PostgreSQL before 18 only lowers. The same question must have the same
answer in both stores, so the function does what is left after lowering.
"""

from __future__ import annotations

import sys
import unicodedata
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

FUNCTION = "placecard_casefold"

_MADE_FOR = text(f"SELECT obj_description(to_regprocedure('{FUNCTION}(text)'), 'pg_proc')")
_LOWERED = text(
    'SELECT lower(given COLLATE "und-x-icu") FROM unnest(CAST(:signs AS text[])) WITH ORDINALITY AS each(given, place)'
    " ORDER BY place"
)


def make_folding(connection: Connection) -> None:
    """Make the function that folds letter case, or make it anew when this Python knows other letters."""
    letters = f"Unicode {unicodedata.unidata_version}"
    if connection.execute(_MADE_FOR).scalar_one() == letters:
        return
    folding = [sign for sign in map(chr, range(sys.maxunicode + 1)) if sign.casefold() != sign]
    lowered = connection.execute(_LOWERED, {"signs": folding}).scalars()
    left = [sign for sign, low in zip(folding, lowered, strict=True) if low == sign]
    connection.exec_driver_sql(_definition(left))
    connection.exec_driver_sql(f"COMMENT ON FUNCTION {FUNCTION} IS '{letters}'")


def _definition(left: Sequence[str]) -> str:
    singles = [sign for sign in left if len(sign.casefold()) == 1]
    folded = f"translate(low, '{''.join(singles)}', '{''.join(sign.casefold() for sign in singles)}')"
    for sign in left:
        if sign not in singles:
            folded = f"replace({folded}, '{sign}', '{sign.casefold()}')"
    rest = f"SELECT CASE WHEN low ~ '[{''.join(left)}]' THEN {folded} ELSE low END"
    return _DEFINITION.format(rest=rest)


_DEFINITION = f"""
CREATE OR REPLACE FUNCTION {FUNCTION}(given text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$fold$ {{rest}} FROM (SELECT lower(given COLLATE "und-x-icu") AS low) AS lowered $fold$
"""
