// Both versions of a place on two maps that move together. Where no map can be drawn the sketches stay.

const DARK = matchMedia("(prefers-color-scheme: dark)");
const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const SIDES = ["theirs", "mine"];
const ROOM = { padding: 48, maxZoom: 16, duration: 0 };
const POINT = ["==", ["geometry-type"], "Point"];
const NO_POINT = ["!=", ["geometry-type"], "Point"];
const AREA = ["==", ["geometry-type"], "Polygon"];

/** Put maps over the sketches of a frame; its data say where the parts are and what is drawn. */
export async function openMaps(frame) {
  const base = frame.dataset.maps.replace(/\/$/, "");
  const assets = `${base}/static/map/${frame.dataset.release}`;
  const part = (name) => import(`${assets}/${name}.js`);
  const [gl, basemap, grid, shapes, service] = await Promise.all(
    ["vendor/maplibre-gl", "basemap", "grid", "shapes", "service"].map(part));
  basemap.startWorkers();
  const [style, { grid: plain }] = await Promise.all(
    [basemap.readStyle(base, DARK.matches), service.askJson(`${base}/map/config.json`)]);
  const versions = JSON.parse(frame.dataset.shapes);
  const bounds = shapes.boundsOf(...Object.values(versions));
  const maps = [...frame.querySelectorAll("[data-side]")].map((place) => {
    const map = openMap(gl, place, style, bounds, frame.dataset);
    map.once("load", () => {
      if (plain) drawGrid(map, grid);
      drawVersions(map, versions, place.dataset.side, shapes);
      place.querySelector(".sketch").remove();
      place.map = map;
    });
    return map;
  });
  moveTogether(maps);
}

function openMap(gl, place, style, [west, south, east, north], words) {
  const container = document.createElement("div");
  container.className = "map";
  place.append(container);
  try {
    return new gl.Map({
      container, style, bounds: [[west, south], [east, north]], fitBoundsOptions: ROOM, attributionControl: { compact: true },
      dragRotate: false, pitchWithRotate: false, touchPitch: false, maxPitch: 0, fadeDuration: STILL.matches ? 0 : 200,
      cooperativeGestures: true, locale: {
        "Map.Title": place.dataset.label,
        "CooperativeGesturesHandler.WindowsHelpText": words.wheel,
        "CooperativeGesturesHandler.MacHelpText": words.wheelMac,
        "CooperativeGesturesHandler.MobileHelpText": words.touch,
      },
    });
  } catch (broken) {
    container.remove();
    throw broken;
  }
}

/** The other side first and faint, its own above it. */
function drawVersions(map, versions, own, { feature, parts, collection }) {
  const style = getComputedStyle(document.documentElement);
  const colours = { theirs: style.getPropertyValue("--board").trim(), mine: style.getPropertyValue("--map").trim() };
  const paper = style.getPropertyValue("--paper").trim();
  for (const side of [...SIDES].sort((one) => (one === own ? 1 : -1))) {
    if (!versions[side]) continue;
    map.addSource(side, { type: "geojson", data: collection(parts(versions[side]).map((each) => feature(each))) });
    for (const layer of layersOf(side, colours[side], paper, side === own)) map.addLayer(layer);
  }
}

function layersOf(side, colour, paper, own) {
  const dashes = own ? {} : { "line-dasharray": [2, 1.5] };
  const point = own
    ? { "circle-radius": 10, "circle-color": colour, "circle-stroke-color": paper, "circle-stroke-width": 2 }
    : { "circle-radius": 8, "circle-color": paper, "circle-opacity": 0.6, "circle-stroke-color": colour, "circle-stroke-width": 2 };
  return [
    { id: `${side}-area`, type: "fill", source: side, filter: AREA,
      paint: { "fill-color": colour, "fill-opacity": own ? 0.25 : 0.05 } },
    { id: `${side}-line`, type: "line", source: side, filter: NO_POINT, layout: { "line-join": "round", "line-cap": own ? "round" : "butt" },
      paint: { "line-color": colour, "line-width": own ? 5 : 2.5, "line-opacity": own ? 1 : 0.7, ...dashes } },
    { id: `${side}-point`, type: "circle", source: side, filter: POINT, paint: point },
  ];
}

function drawGrid(map, { graticule }) {
  const lines = () => graticule(map.getBounds().toArray().flat());
  map.addSource("grid", { type: "geojson", data: lines() });
  map.addLayer({ id: "grid", type: "line", source: "grid",
    paint: { "line-color": DARK.matches ? "#272f35" : "#e1dccd", "line-width": 1 } });
  map.on("moveend", () => map.getSource("grid").setData(lines()));
}

function moveTogether(maps) {
  let leading = null;
  for (const map of maps) {
    map.on("move", () => {
      if (leading && leading !== map) return;
      leading = map;
      for (const other of maps) {
        if (other !== map) other.jumpTo({ center: map.getCenter(), zoom: map.getZoom(), bearing: map.getBearing() });
      }
      leading = null;
    });
  }
}
