// The grid of the plain base map, and the scale bar. Pure.
import { collection, feature } from "./shapes.js";

const STEPS = [30, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];
const LINES = 8;

/** Meridians and parallels over a box, about eight each way, as lines with a `name`. */
export function graticule([west, south, east, north]) {
  const step = STEPS.find((each) => (east - west) / each >= LINES - 3) ?? STEPS.at(-1);
  const meridians = ticks(west, east, step).map((x) => line([[x, south], [x, north]], degrees(x, step)));
  const parallels = ticks(south, north, step).map((y) => line([[west, y], [east, y]], degrees(y, step)));
  return collection([...meridians, ...parallels]);
}

/** The longest round distance that fits. @returns {{metres: number, pixels: number}} */
export function scaleBar(metresPerPixel, room) {
  const most = metresPerPixel * room;
  const power = 10 ** Math.floor(Math.log10(most));
  const metres = [5, 2, 1].map((each) => each * power).find((each) => each <= most);
  return { metres, pixels: metres / metresPerPixel };
}

function ticks(from, to, step) {
  const found = [];
  for (let index = Math.ceil(from / step); index * step <= to; index += 1) found.push(index * step);
  return found;
}

function degrees(value, step) {
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  return `${value.toFixed(digits)}°`;
}

function line(coordinates, name) {
  return feature({ type: "LineString", coordinates }, { name });
}
