// From geometries to what is drawn: where a mark stands, how far a shape reaches. Pure; degrees, longitude first.

/** Single geometries of any geometry. */
export function parts(geometry) {
  if (!geometry) return [];
  if (geometry.type === "GeometryCollection") return geometry.geometries.flatMap(parts);
  if (!geometry.type.startsWith("Multi")) return [geometry];
  const type = geometry.type.slice(5);
  return geometry.coordinates.map((coordinates) => ({ type, coordinates }));
}

/** Where the mark of each part stands: the point, the middle of the line, a place inside the area. */
export function anchors(geometry) {
  return parts(geometry).map((part) => {
    if (part.type === "Point") return part.coordinates.slice(0, 2);
    return part.type === "LineString" ? lineMiddle(part.coordinates) : insideOf(part.coordinates);
  });
}

/** The point half-way along a line. */
export function lineMiddle(line) {
  const lengths = line.slice(1).map((point, index) => distance(line[index], point));
  let left = lengths.reduce((sum, length) => sum + length, 0) / 2;
  for (const [index, length] of lengths.entries()) {
    if (left <= length && length > 0) return between(line[index], line[index + 1], left / length);
    left -= length;
  }
  return line[0].slice(0, 2);
}

/** A point inside a polygon: the middle of its widest stretch on one of a few level lines. */
export function insideOf(rings) {
  const [, south, , north] = boundsOf({ type: "Polygon", coordinates: rings });
  const levels = [0.5, 0.35, 0.65, 0.2, 0.8].map((share) => south + (north - south) * share);
  const [best] = levels.map((level) => widestStretch(rings, level)).sort((one, other) => other.width - one.width);
  return best.width > 0 ? best.middle : rings[0][0].slice(0, 2);
}

/** Where the name of an area stands: inside, near its upper edge, out of the way of what lies in the middle. */
export function nameSpots(areas) {
  const spots = areas.features.flatMap(({ geometry, properties }) => parts(geometry).map(({ coordinates }) => {
    const [, south, , north] = boundsOf({ type: "Polygon", coordinates });
    const { middle } = widestStretch(coordinates, north - (north - south) * 0.12);
    return feature({ type: "Point", coordinates: middle }, properties);
  }));
  return collection(spots);
}

function widestStretch(rings, level) {
  const cuts = rings.flatMap((ring) => crossings(ring, level)).sort((one, other) => one - other);
  let best = { width: 0, middle: [0, level] };
  for (let index = 0; index + 1 < cuts.length; index += 2) {
    const width = cuts[index + 1] - cuts[index];
    if (width > best.width) best = { width, middle: [cuts[index] + width / 2, level] };
  }
  return best;
}

function crossings(ring, level) {
  return ring.slice(1).flatMap((point, index) => {
    const from = ring[index];
    if (from[1] > level === point[1] > level) return [];
    return [from[0] + ((level - from[1]) / (point[1] - from[1])) * (point[0] - from[0])];
  });
}

/** West, south, east, north; null for nothing. */
export function boundsOf(...geometries) {
  const points = geometries.flatMap(parts).flatMap(({ type, coordinates }) =>
    type === "Point" ? [coordinates] : type === "LineString" ? coordinates : coordinates[0]);
  if (!points.length) return null;
  return points.reduce(
    ([west, south, east, north], [x, y]) =>
      [Math.min(west, x), Math.min(south, y), Math.max(east, x), Math.max(north, y)],
    [Infinity, Infinity, -Infinity, -Infinity]);
}

/** Marks and shapes of proposals as two GeoJSON collections for the map. */
export function toCollections(proposals) {
  const marks = [];
  const shapes = [];
  for (const { guid, stage, blocked, overdue, geometry } of proposals) {
    const properties = { guid, stage, blocked, overdue: overdue > 0 };
    for (const point of anchors(geometry)) marks.push(feature({ type: "Point", coordinates: point }, properties));
    for (const part of parts(geometry)) if (part.type !== "Point") shapes.push(feature(part, properties));
  }
  return { marks: collection(marks), shapes: collection(shapes) };
}

export const collection = (features) => ({ type: "FeatureCollection", features });
export const feature = (geometry, properties = {}) => ({ type: "Feature", geometry, properties });

function distance([x1, y1], [x2, y2]) {
  return Math.hypot((x2 - x1) * Math.cos(((y1 + y2) / 2) * (Math.PI / 180)), y2 - y1);
}

function between([x1, y1], [x2, y2], share) {
  return [x1 + (x2 - x1) * share, y1 + (y2 - y1) * share];
}
