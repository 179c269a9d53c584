// The map itself: MapLibre, our layers on it, and what a click on it means.
import { Map as GlMap } from "./vendor/maplibre-gl.js";
import { readStyle, startWorkers } from "./basemap.js";
import { lessMotion } from "./dom.js";
import { graticule } from "./grid.js";
import { CLUSTER_UNTIL, TOUCHABLE, overlayLayers, overlaySources, readDonut } from "./layers.js";
import { drawDonut, drawSign } from "./marks.js";
import { anchors, boundsOf, collection, feature, nameSpots, parts, toCollections } from "./shapes.js";

const FINGER = 8;
const CLOSE_UP = 15;

/** Without a flight, for the first view. */
export const AT_ONCE = { duration: 0 };

/** Events: `choose` (detail: guid), `move`. */
export class MapView extends EventTarget {
  /** @param {object} config @param {() => object} colours read anew when the page turns dark or light */
  constructor(container, config, colours, label) {
    super();
    this.config = config;
    this.colours = colours;
    this.shown = [];
    this.chosen = null;
    this.districts = collection([]);
    startWorkers();
    this.map = new GlMap({
      container, ...startView(config), attributionControl: false, dragRotate: false, pitchWithRotate: false,
      touchPitch: false, maxPitch: 0, renderWorldCopies: false, fadeDuration: lessMotion() ? 0 : 200,
      style: { version: 8, sources: {}, layers: [] }, locale: { "Map.Title": label },
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.map.setMissingStyleImageResolver((name) => this.#drawMissing(name));
    this.map.on("click", (event) => this.#click(event));
    this.map.on("mousemove", ({ point }) => this.#point(point));
    this.map.on("move", () => this.dispatchEvent(new Event("move")));
    this.map.on("moveend", () => this.#draw());
    this.map.on("error", ({ error }) => tolerate(error));
  }

  /** Load the base map for a light or a dark page and put our layers over it. */
  async dress(dark) {
    const style = await readStyle(this.config.base, dark);
    const loaded = new Promise((done) => this.map.once("style.load", done));
    this.map.setStyle(style, { diff: false });
    await loaded;
    const colours = { ...this.colours(), grounded: this.config.grid };
    const data = this.#data();
    for (const [name, source] of Object.entries(overlaySources(this.config.stages))) {
      this.map.addSource(name, { ...source, data: data[name] });
    }
    this.drawn = data;
    for (const stage of ["blocked", ...Object.keys(colours.stages)]) this.#drawMissing(`sign-${stage}`);
    for (const layer of overlayLayers(colours)) this.map.addLayer(layer);
    return credit(style);
  }

  /** Show these proposals and no others. */
  show(proposals) {
    this.shown = proposals;
    this.#draw();
  }

  showDistricts(districts) {
    this.districts = districts;
    this.#draw();
  }

  /** Mark one proposal, or none. */
  mark(proposal) {
    this.chosen = proposal;
    this.#draw();
  }

  /** Go where a proposal is. */
  visit(proposal, padding, pace = this.#pace()) {
    const bounds = boundsOf(proposal.geometry);
    if (bounds) this.#fit(bounds, padding, pace);
  }

  /** Everything shown, or the area when nothing is. */
  overview(padding, pace = this.#pace()) {
    const bounds = boundsOf(...this.shown.map(({ geometry }) => geometry)) ?? this.config.area;
    this.#fit(bounds, padding, pace);
  }

  zoom(step) {
    this.map.easeTo({ zoom: this.map.getZoom() + step, ...this.#pace() });
  }

  /** Metres one pixel stands for in the middle of the map. */
  metresPerPixel() {
    const latitude = (this.map.getCenter().lat * Math.PI) / 180;
    return (40075016.686 * Math.cos(latitude)) / (512 * 2 ** this.map.getZoom());
  }

  #fit([west, south, east, north], padding, pace) {
    this.map.fitBounds([[west, south], [east, north]], { padding, maxZoom: CLOSE_UP, ...pace });
  }

  #pace() {
    return lessMotion() ? AT_ONCE : { duration: 600 };
  }

  /** Bring every source up to date; what has not changed is left alone, for setting it again reloads all its tiles. */
  #draw() {
    if (!this.map.getSource("marks")) return;
    const data = this.#data();
    for (const name of Object.keys(data)) {
      if (JSON.stringify(data[name]) !== JSON.stringify(this.drawn[name])) this.map.getSource(name).setData(data[name]);
    }
    this.drawn = data;
  }

  /** What each source should hold. */
  #data() {
    const grid = this.config.grid ? graticule(this.map.getBounds().toArray().flat()) : collection([]);
    const { marks, shapes } = toCollections(this.shown);
    return {
      grid, marks, shapes, districts: this.districts, "district-names": nameSpots(this.districts),
      chosen: this.#chosenCollection(),
    };
  }

  #chosenCollection() {
    if (!this.chosen) return collection([]);
    const { guid, stage, blocked, geometry } = this.chosen;
    const shapes = parts(geometry).filter(({ type }) => type !== "Point");
    const points = anchors(geometry).map((coordinates) => ({ type: "Point", coordinates }));
    return collection([...shapes, ...points].map((each) => feature(each, { guid, stage, blocked })));
  }

  #drawMissing(name) {
    const colours = this.colours();
    const picture = this.#picture(name, colours);
    if (picture && !this.map.hasImage(name)) this.map.addImage(name, picture, { pixelRatio: 2 });
  }

  #picture(name, colours) {
    const shares = readDonut(name);
    if (shares) return drawDonut(shares.map((each) => ({ ...each, colour: colours.stages[each.stage] })), colours);
    const stage = name.replace(/^sign-/, "");
    if (stage === name) return null;
    const look = this.config.stages.find((each) => each.stage === stage);
    return drawSign(stage === "blocked" ? "bars" : look?.mark ?? "dot", colours.paper);
  }

  #hits({ x, y }) {
    if (!this.map.getLayer("mark")) return [];
    const box = [[x - FINGER, y - FINGER], [x + FINGER, y + FINGER]];
    const layers = [...TOUCHABLE, "line-blocked"];
    const hits = this.map.queryRenderedFeatures(box, { layers });
    return hits.sort((one, other) => layers.indexOf(one.layer.id) - layers.indexOf(other.layer.id));
  }

  #point(point) {
    this.map.getCanvas().style.cursor = this.#hits(point).length ? "pointer" : "";
  }

  #click({ point }) {
    const hits = this.#hits(point);
    if (!hits.length) return;
    if (hits[0].layer.id === "cluster") this.#openCluster(hits[0]);
    else this.dispatchEvent(new CustomEvent("choose", { detail: this.#nextGuid(hits) }));
  }

  /** A second click on the same spot goes on to what lies below. */
  #nextGuid(hits) {
    const guids = [...new Set(hits.map((hit) => hit.properties.guid).filter(Boolean))];
    return guids[(guids.indexOf(this.chosen?.guid) + 1) % guids.length];
  }

  async #openCluster(hit) {
    const zoom = await this.map.getSource("marks").getClusterExpansionZoom(hit.properties.cluster_id);
    this.map.easeTo({ center: hit.geometry.coordinates, zoom: Math.min(zoom, CLUSTER_UNTIL + 1), ...this.#pace() });
  }
}

/** A tile that does not come leaves paper, and the service has logged why; anything else is worth a word. */
function tolerate(error) {
  if (!error?.status && error?.name !== "AbortError") console.warn("map:", error?.message);
}

/** Where the map opens, and how far it may be moved. */
function startView({ area, bounds }) {
  const pairs = ([west, south, east, north]) => [[west, south], [east, north]];
  const mercator = ([west, south, east, north]) => [west, Math.max(south, -85), east, Math.min(north, 85)];
  const whole = bounds[2] - bounds[0] >= 360;
  return { bounds: pairs(mercator(area)), ...(whole ? {} : { maxBounds: pairs(mercator(bounds)) }) };
}

function credit(style) {
  return Object.values(style.sources).map(({ attribution }) => attribution ?? "").join(" ").trim();
}
