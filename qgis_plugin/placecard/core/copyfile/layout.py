"""How a working copy is laid out: a GeoPackage 1.3 whose tables, indexes and triggers are made here.

Four layers hold the proposals, by the kind of their place. What the user's tools do to them is tracked by triggers,
so that nothing of ours need be running:

- the first time a proposal the service knows is changed or removed, what it was goes to `placecard_before`;
- what it said last, when it is removed, goes to `placecard_removed`: a proposal outlives its feature;
- rows that tools add are named in `placecard_added`, and get a guid if they came without one;
- guid and version belong to the service: what a tool writes into those of a known row is put back.

`placecard_state` switches tracking off inside the transactions in which the service speaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from placecard.core.copyfile.sql import fill, listed, quoted
from placecard.core.copyfile.values import column_type
from placecard.core.geometry import AREAS, LINES, POINTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from placecard.core.wire import Property

UNPLACED = "unplaced"
LAYERS = (POINTS, LINES, AREAS, UNPLACED)
"""The layers, by the kind of place; `table(layer)` is the table's name."""

PLACED = (POINTS, LINES, AREAS)
FORMAT = 1
"""Number of this layout: a file of a later one is not touched."""

_GEOMETRY_TYPES = {POINTS: "MULTIPOINT", LINES: "MULTILINESTRING", AREAS: "MULTIPOLYGON"}
DISTRICTS, CHANGES = "placecard_districts", "placecard_changes"
_NEW_GUID = (
    "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-'"
    " || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))"
)

_BOOKS = """
PRAGMA application_id = 0x47504B47;
PRAGMA user_version = 10300;
CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY,
  organization TEXT NOT NULL, organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
  description TEXT DEFAULT '', last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL,
  geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name), CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
CREATE TABLE gpkg_extensions (table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL,
  definition TEXT NOT NULL, scope TEXT NOT NULL,
  CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name));
INSERT INTO gpkg_spatial_ref_sys VALUES
  ('Undefined Cartesian SRS', -1, 'NONE', -1, 'undefined', 'undefined Cartesian coordinate reference system'),
  ('Undefined geographic SRS', 0, 'NONE', 0, 'undefined', 'undefined geographic coordinate reference system'),
  ('WGS 84 geodetic', 4326, 'EPSG', 4326, 'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,
AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],
UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],
AUTHORITY["EPSG","4326"]]', 'longitude/latitude coordinates in decimal degrees on the WGS 84 spheroid');
"""

_OURS = """
CREATE TABLE placecard_facts (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE placecard_state (id INTEGER PRIMARY KEY CHECK (id = 1), tracking INTEGER NOT NULL);
INSERT INTO placecard_state VALUES (1, 1);
CREATE TABLE placecard_added (layer TEXT NOT NULL, fid INTEGER NOT NULL, PRIMARY KEY (layer, fid)) WITHOUT ROWID;
CREATE TABLE placecard_unsure (guid TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE placecard_joined (guid TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE placecard_held (guid TEXT PRIMARY KEY, op TEXT NOT NULL, version TEXT, geometry BLOB, properties TEXT,
  after INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE placecard_batch (key TEXT PRIMARY KEY, body BLOB NOT NULL, made TEXT NOT NULL,
  sent INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE placecard_frozen (key TEXT NOT NULL, change_id TEXT NOT NULL, guid TEXT NOT NULL, image BLOB NOT NULL,
  PRIMARY KEY (key, change_id)) WITHOUT ROWID;
CREATE TABLE placecard_result (guid TEXT PRIMARY KEY, status TEXT NOT NULL, code TEXT, message TEXT, field TEXT)
  WITHOUT ROWID;
CREATE TABLE placecard_clash (id TEXT PRIMARY KEY, guid TEXT NOT NULL, opened TEXT NOT NULL, document TEXT NOT NULL,
  sent TEXT) WITHOUT ROWID;
CREATE TABLE placecard_push (key TEXT PRIMARY KEY, made TEXT NOT NULL, changes INTEGER NOT NULL) WITHOUT ROWID;
"""


_ENTER_TABLE = """
INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('$table', 'attributes', '$table');
"""

_ENTER_LAYER = """
INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES ('$table', 'features', '$table', 4326);
INSERT INTO gpkg_geometry_columns VALUES ('$table', 'geom', '$type', 4326, 0, 0);
INSERT INTO gpkg_extensions VALUES ('$table', 'geom', 'gpkg_rtree_index',
  'http://www.geopackage.org/spec120/#extension_rtree', 'write-only');
CREATE VIRTUAL TABLE rtree_${table}_geom USING rtree(id, minx, maxx, miny, maxy);
"""

_BOUNDS = "NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom), ST_MinY(NEW.geom), ST_MaxY(NEW.geom)"
_THERE = "(NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))"
_EMPTY = "(NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))"
_RTREE = """
CREATE TRIGGER rtree_${table}_geom_insert AFTER INSERT ON $table WHEN $there BEGIN
  INSERT OR REPLACE INTO rtree_${table}_geom VALUES ($bounds); END;
CREATE TRIGGER rtree_${table}_geom_update1 AFTER UPDATE OF geom ON $table WHEN OLD.fid = NEW.fid AND $there BEGIN
  INSERT OR REPLACE INTO rtree_${table}_geom VALUES ($bounds); END;
CREATE TRIGGER rtree_${table}_geom_update2 AFTER UPDATE OF geom ON $table WHEN OLD.fid = NEW.fid AND $empty BEGIN
  DELETE FROM rtree_${table}_geom WHERE id = OLD.fid; END;
CREATE TRIGGER rtree_${table}_geom_update3 AFTER UPDATE ON $table WHEN OLD.fid != NEW.fid AND $there BEGIN
  DELETE FROM rtree_${table}_geom WHERE id = OLD.fid;
  INSERT OR REPLACE INTO rtree_${table}_geom VALUES ($bounds); END;
CREATE TRIGGER rtree_${table}_geom_update4 AFTER UPDATE ON $table WHEN OLD.fid != NEW.fid AND $empty BEGIN
  DELETE FROM rtree_${table}_geom WHERE id IN (OLD.fid, NEW.fid); END;
CREATE TRIGGER rtree_${table}_geom_delete AFTER DELETE ON $table WHEN OLD.geom NOT NULL BEGIN
  DELETE FROM rtree_${table}_geom WHERE id = OLD.fid; END;
"""
"""GeoPackage's own triggers (1.3, annex F.3), as every GIS expects them."""

_KEEP_BEFORE = """
  INSERT OR IGNORE INTO placecard_before (layer, geom, $columns) SELECT '$layer', $geom, $old"""

_TRACKING = """
CREATE TRIGGER ${table}_added AFTER INSERT ON $table WHEN (SELECT tracking FROM placecard_state) BEGIN
  INSERT OR IGNORE INTO placecard_added VALUES ('$layer', NEW.fid);
  UPDATE $table SET guid = $guid WHERE fid = NEW.fid AND trim(coalesce(NEW.guid, '')) = ''; END;
CREATE TRIGGER ${table}_changed AFTER UPDATE ON $table WHEN (SELECT tracking FROM placecard_state) AND NOT EXISTS
  (SELECT 1 FROM placecard_added WHERE layer = '$layer' AND fid IN (OLD.fid, NEW.fid)) BEGIN
  $kept;
  UPDATE $table SET guid = OLD.guid, version = OLD.version
    WHERE fid = NEW.fid AND (NEW.guid IS NOT OLD.guid OR NEW.version IS NOT OLD.version); END;
CREATE TRIGGER ${table}_removed AFTER DELETE ON $table BEGIN
  $kept WHERE (SELECT tracking FROM placecard_state) AND NOT EXISTS
    (SELECT 1 FROM placecard_added WHERE layer = '$layer' AND fid = OLD.fid);
  INSERT OR REPLACE INTO placecard_removed ($columns) SELECT $old WHERE (SELECT tracking FROM placecard_state);
  DELETE FROM placecard_added WHERE layer = '$layer' AND fid = OLD.fid; END;
CREATE TRIGGER ${table}_numbered AFTER UPDATE OF fid ON $table WHEN NEW.fid <> OLD.fid BEGIN
  UPDATE OR REPLACE placecard_added SET fid = NEW.fid WHERE layer = '$layer' AND fid = OLD.fid; END;
"""

_ROWS = "SELECT '$layer' AS layer, fid, $geom AS geom, $columns FROM $table"
_ROW_NOW = "EXISTS (SELECT 1 FROM $table AS n WHERE n.guid = b.guid)"
_REFUSED = "(SELECT message FROM placecard_result AS s WHERE s.guid = $one.guid)"
_CLASHES = "EXISTS (SELECT 1 FROM placecard_clash AS c WHERE c.guid = b.guid AND c.sent IS NOT NULL)"
_CHANGED = """
SELECT b.rowid * 16 + $number AS OGC_FID, b.guid AS guid, r.$title AS title,
  CASE WHEN b.geom IS NOT NULL AND $geom IS NULL THEN 'unplaced' ELSE 'changed' END AS change,
  substr(CASE WHEN $geom IS NOT b.geom THEN ', geometry' ELSE '' END || $differing, 3) AS fields,
  $refused AS refused, $clashes AS clashes
FROM placecard_before AS b JOIN $table AS r ON r.guid = b.guid GROUP BY b.guid"""
_REMOVED = """
SELECT b.rowid * 16, b.guid, b.$title, 'unplaced', 'geometry', $refused, $clashes
FROM placecard_before AS b WHERE NOT ($now)"""
_DRAWN = """
SELECT r.fid * 16 + 8 + $number, r.guid, r.$title, 'added', NULL, $refused, 0
FROM placecard_added AS a JOIN $table AS r ON r.fid = a.fid
WHERE a.layer = '$layer' AND NOT EXISTS (SELECT 1 FROM placecard_before AS b WHERE b.guid = r.guid)"""
"""What was edited here, one row a proposal: for QGIS a table without geometry."""


def table(layer: str) -> str:
    """The table of a layer."""
    return f"placecard_{layer}"


@dataclass(frozen=True)
class Layout:
    """The columns, from the properties that the service tells."""

    properties: tuple[Property, ...]

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Types of the columns that hold properties, by name, in order. The guid stands by itself."""
        return {each.name: each.type for each in self.properties if each.name != "guid"}

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns of a layer beside fid and geom, in order: guid, version, properties."""
        return ("guid", "version", *self.kinds)

    @cached_property
    def column_list(self) -> str:
        """The same for SQL."""
        return listed(self.columns)

    @cached_property
    def moments(self) -> tuple[int, ...]:
        """Where among the properties the moments stand: the only ones that the file writes otherwise than the wire."""
        return tuple(number for number, kind in enumerate(self.kinds.values()) if kind == "datetime")

    @cached_property
    def writable(self) -> tuple[str, ...]:
        """Properties that an edit may set."""
        return tuple(each.name for each in self.properties if each.writable and each.name != "guid")

    # --- making a file

    def make_tables(self) -> Iterator[str]:
        """Scripts that make an empty file's tables, without what is filled better afterwards."""
        yield _BOOKS
        yield _OURS
        for layer in LAYERS:
            yield from _make_table(table(layer), self._declared(), _GEOMETRY_TYPES.get(layer))
        yield from _make_table(DISTRICTS, "name TEXT", "MULTIPOLYGON")
        yield f"CREATE TABLE placecard_before (layer TEXT, geom BLOB, {self._declared()}, UNIQUE (guid))"
        yield f"CREATE TABLE placecard_removed ({self._declared()}, UNIQUE (guid))"
        yield fill(_ENTER_TABLE, table=CHANGES)

    def make_rest(self) -> Iterator[str]:
        """Scripts for what the first pull fills at once: indexes, R-trees' triggers, tracking, the view of changes."""
        for layer in LAYERS:
            yield fill("CREATE INDEX ${table}_guid ON $table (guid)", table=table(layer))
        for name in (*map(table, PLACED), DISTRICTS):
            yield fill(_RTREE, table=name, bounds=_BOUNDS, there=_THERE, empty=_EMPTY)
        yield from self.make_tracking()

    def _declared(self) -> str:
        kinds = {"guid": "string", "version": "string", **self.kinds}
        return ", ".join(f"{quoted(name)} {column_type(kind)}" for name, kind in kinds.items())

    def make_tracking(self) -> Iterator[str]:
        """Scripts for what names the columns; made anew when these change."""
        for layer in LAYERS:
            old = {"old": listed(self.columns, "OLD.$name"), "geom": "OLD.geom" if layer in PLACED else "NULL"}
            names = {"table": table(layer), "layer": layer, "columns": self.column_list}
            kept = fill(_KEEP_BEFORE, **names, **old)
            yield fill(_TRACKING, **names, **old, kept=kept, guid=_NEW_GUID)
        yield self._changes()

    def drop_tracking(self) -> Iterator[str]:
        """Scripts that take it away."""
        for layer in LAYERS:
            for what in ("added", "changed", "removed", "numbered"):
                yield f"DROP TRIGGER IF EXISTS {table(layer)}_{what}"
        yield f"DROP VIEW IF EXISTS {CHANGES}"

    def add_columns(self, there: Collection[str]) -> Iterator[str]:
        """Scripts that add the columns which are not `there` yet. None is ever dropped: it may have data."""
        for name in [name for name in self.kinds if name not in there]:
            for each in (*map(table, LAYERS), "placecard_before", "placecard_removed"):
                yield f"ALTER TABLE {each} ADD COLUMN {quoted(name)} {column_type(self.kinds[name])}"

    def _changes(self) -> str:
        title = quoted("title" if "title" in self.kinds else "guid")
        differing = listed(self.kinds, "CASE WHEN r.$name IS NOT b.$name THEN ', $plain' ELSE '' END", " || ")
        told = {"title": title, "differing": differing, "clashes": _CLASHES}
        told["now"] = " OR ".join(fill(_ROW_NOW, table=table(layer)) for layer in LAYERS)
        branches = [fill(_REMOVED, **told, refused=fill(_REFUSED, one="b"))]
        for number, layer in enumerate(LAYERS, start=1):
            names = {"table": table(layer), "layer": layer, "number": str(number), **told}
            geom = "r.geom" if layer in PLACED else "NULL"
            branches.insert(0, fill(_CHANGED, **names, geom=geom, refused=fill(_REFUSED, one="b")))
            branches.append(fill(_DRAWN, **names, refused=fill(_REFUSED, one="r")))
        return f"CREATE VIEW {CHANGES} AS {' UNION ALL '.join(branches)}"

    @cached_property
    def rows(self) -> str:
        """The SELECT of all rows: layer, fid, geom, and the columns in order."""
        return " UNION ALL ".join(map(self.rows_of, LAYERS))

    def rows_of(self, layer: str) -> str:
        """The SELECT of a layer's rows: layer, fid, geom, and the columns in order."""
        geom = "geom" if layer in PLACED else "NULL"
        return fill(_ROWS, layer=layer, geom=geom, columns=self.column_list, table=table(layer))


def _make_table(name: str, columns: str, geometry_type: str | None) -> Iterator[str]:
    """A table in GeoPackage's books: a layer of this type with its R-tree, or a table without a geometry."""
    geometry = "" if geometry_type is None else f"geom {geometry_type}, "
    yield f"CREATE TABLE {name} (fid INTEGER PRIMARY KEY AUTOINCREMENT, {geometry}{columns})"
    if geometry_type is None:
        yield fill(_ENTER_TABLE, table=name)
    else:
        yield fill(_ENTER_LAYER, table=name, type=geometry_type)
