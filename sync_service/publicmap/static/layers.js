// The layers drawn over the base map, and the sources they take from.
import { collection } from "./shapes.js";

export const CLUSTER_UNTIL = 13;
const FONT = ["Noto Sans", "DejaVu Sans", "sans-serif"];
const EMPTY = { type: "geojson", data: collection([]) };
const SINGLE = ["!", ["has", "point_count"]];

/** Layers a click may hit, the first the most wanted. */
export const TOUCHABLE = ["mark", "cluster", "line", "area"];

/** @param {{stage: string}[]} looks */
export function overlaySources(looks) {
  const counted = looks.map(({ stage }) => [stage, ["+", ["case", ["==", ["get", "stage"], stage], 1, 0]]]);
  return {
    grid: EMPTY,
    districts: EMPTY,
    "district-names": EMPTY,
    shapes: EMPTY,
    marks: {
      ...EMPTY, cluster: true, clusterRadius: 46, clusterMaxZoom: CLUSTER_UNTIL,
      clusterProperties: Object.fromEntries(counted),
    },
    chosen: EMPTY,
  };
}

/** @param {object} colours see `readColours` */
export function overlayLayers(colours) {
  const stage = ["match", ["get", "stage"], ...Object.entries(colours.stages).flat(), colours.quiet];
  return [
    line("grid", "grid", { "line-color": colours.grid, "line-width": 1 }),
    names("grid-name", "grid", colours, { "symbol-placement": "line", "text-size": 10.5, "symbol-spacing": 420 }),
    { id: "district-ground", type: "fill", source: "districts",
      paint: { "fill-color": colours.paper, "fill-opacity": colours.grounded ? 0.45 : 0 } },
    line("district", "districts", { "line-color": colours.quiet, "line-width": 1.4, "line-dasharray": [4, 3] }),
    names("district-name", "district-names", colours,
      { "text-size": 13, "text-letter-spacing": 0.04, "text-allow-overlap": true, "text-ignore-placement": true }),
    ...shapeLayers(stage, colours),
    ...markLayers(stage, colours, Object.keys(colours.stages)),
  ];
}

function shapeLayers(stage, { paper, accent }) {
  const area = ["==", ["geometry-type"], "Polygon"];
  const chosen = ["!=", ["geometry-type"], "Point"];
  return [
    { id: "area", type: "fill", source: "shapes", filter: area, paint: { "fill-color": stage, "fill-opacity": 0.2 } },
    line("chosen-shape", "chosen", { "line-color": accent, "line-width": 10, "line-opacity": 0.45 }, chosen),
    line("casing", "shapes", { "line-color": paper, "line-width": ["case", area, 0, 6.5] }, ["!", ["get", "blocked"]]),
    line("line", "shapes", { "line-color": stage, "line-width": ["case", area, 2, 4] }, ["!", ["get", "blocked"]]),
    line("line-blocked", "shapes",
      { "line-color": stage, "line-width": ["case", area, 2, 4], "line-dasharray": [1.4, 0.9] }, ["get", "blocked"]),
  ];
}

function markLayers(stage, { paper, accent, danger }, stages) {
  const point = ["==", ["geometry-type"], "Point"];
  return [
    {
      id: "cluster", type: "symbol", source: "marks", filter: ["has", "point_count"],
      layout: { "icon-image": ["concat", "donut", ...shares(stages)], "icon-allow-overlap": true },
    },
    circle("overdue", "marks", ["all", SINGLE, ["get", "overdue"]], {
      "circle-radius": 12.5, "circle-color": paper, "circle-stroke-color": danger, "circle-stroke-width": 2.5,
    }),
    circle("mark", "marks", SINGLE, {
      "circle-radius": 9, "circle-color": stage, "circle-stroke-color": paper, "circle-stroke-width": 1.8,
    }),
    sign("mark-sign", "marks", SINGLE),
    circle("chosen", "chosen", point, {
      "circle-radius": 12, "circle-color": stage, "circle-stroke-color": paper, "circle-stroke-width": 2,
    }),
    circle("chosen-ring", "chosen", point, {
      "circle-radius": 15.5, "circle-color": "transparent", "circle-stroke-color": accent, "circle-stroke-width": 3.5,
    }),
    sign("chosen-sign", "chosen", point),
  ];
}

/** `donut|approved=3|done=1`, out of a cluster's properties. */
function shares(stages) {
  return stages.flatMap((stage) => [`|${stage}=`, ["to-string", ["get", stage]]]);
}

/** The other way round: stages with their numbers, without the empty ones; null for another picture. */
export function readDonut(name) {
  const [kind, ...counts] = name.split("|");
  if (kind !== "donut") return null;
  const read = counts.map((each) => each.split("=")).map(([stage, count]) => ({ stage, count: Number(count) }));
  return read.filter(({ count }) => count > 0);
}

function line(id, source, paint, filter = ["!=", ["geometry-type"], "Point"]) {
  const cap = paint["line-dasharray"] ? "butt" : "round";
  return { id, type: "line", source, filter, layout: { "line-cap": cap, "line-join": "round" }, paint };
}

function circle(id, source, filter, paint) {
  return { id, type: "circle", source, filter, paint };
}

function sign(id, source, filter) {
  const name = ["concat", "sign-", ["case", ["get", "blocked"], "blocked", ["get", "stage"]]];
  const layout = { "icon-image": name, "icon-allow-overlap": true, "icon-ignore-placement": true };
  return { id, type: "symbol", source, filter, layout };
}

function names(id, source, colours, layout) {
  return {
    id, type: "symbol", source,
    layout: { "text-field": ["get", "name"], "text-font": FONT, "text-max-width": 9, ...layout },
    paint: { "text-color": colours.muted, "text-halo-color": colours.ground, "text-halo-width": 1.5 },
  };
}
