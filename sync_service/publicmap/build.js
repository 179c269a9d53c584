// Copies the browser files of the installed packages into static/vendor, where the service hands them out.
// A copy and not a bundle: the packages ship finished modules, and a reader can compare the bytes.
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";

const here = new URL("./", import.meta.url);
const vendor = new URL("static/vendor/", here);

/** Package file → name served. `.mjs` becomes `.js`: not every MIME table knows the former. */
const FILES = {
  "maplibre-gl/dist/maplibre-gl.mjs": "maplibre-gl.js",
  "maplibre-gl/dist/maplibre-gl-worker.mjs": "maplibre-gl-worker.js",
  "maplibre-gl/dist/maplibre-gl.css": "maplibre-gl.css",
  "maplibre-gl/LICENSE.txt": "maplibre-gl.LICENSE.txt",
  "pmtiles/dist/pmtiles.js": "pmtiles.js",
};

/** Maps are not served, so a browser's developer tools must not ask for them. */
const SOURCE_MAP = /\n?(\/\/|\/\*)# sourceMappingURL=.*$/m;

await rm(vendor, { recursive: true, force: true });
await mkdir(vendor, { recursive: true });
for (const [from, to] of Object.entries(FILES)) {
  const source = new URL(`node_modules/${from}`, here);
  const target = new URL(to, vendor);
  if (to.endsWith(".js")) {
    await writeFile(target, (await readFile(source, "utf8")).replace(SOURCE_MAP, ""));
  } else {
    await copyFile(source, target);
  }
}
console.log(`${Object.keys(FILES).length} files in static/vendor`);
