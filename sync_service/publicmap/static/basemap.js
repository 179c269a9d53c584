// The base map, as MapLibre takes it: its style with whole addresses, its workers, its archives.
import { addProtocol, setWorkerUrl } from "./vendor/maplibre-gl.js";
import { askJson } from "./service.js";

/** Tell MapLibre where its worker is: it cannot know. */
export function startWorkers() {
  setWorkerUrl(new URL("./vendor/maplibre-gl-worker.js", import.meta.url).href);
}

/** The style of the base map for a light or a dark page. @param {string} base path under which the service is */
export async function readStyle(base, dark) {
  return withAddresses(await askJson(`${base}/map/style.json?theme=${dark ? "dark" : "light"}`));
}

/** The style with whole addresses: workers know no page to be relative to. */
async function withAddresses(style) {
  const sources = Object.entries(style.sources).map(([name, source]) => [name, { ...source }]);
  for (const [, source] of sources) source.tiles = source.tiles.map(absolute);
  if (sources.some(([, { tiles }]) => tiles[0].startsWith("pmtiles:"))) await learnArchives();
  return { ...style, sources: Object.fromEntries(sources) };
}

function absolute(address) {
  const [, protocol = "", path] = address.match(/^(pmtiles:\/\/)?(.*)$/);
  return protocol + location.origin + path;
}

let archives = null;

/** The reader of PMTiles archives, loaded only where the base map is one. */
function learnArchives() {
  archives ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = new URL("./vendor/pmtiles.js", import.meta.url).href;
    script.onload = () => done(addProtocol("pmtiles", new globalThis.pmtiles.Protocol().tile));
    script.onerror = failed;
    document.head.append(script);
  });
  return archives;
}
