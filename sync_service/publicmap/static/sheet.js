// On a phone the list is a sheet at the foot of the screen with three heights.
import { byId, lessMotion, onPhone } from "./dom.js";

const LOW = 128;
const TOP_GAP = 56;
const TAP = 6;

/** Heights in pixels from the lowest to the highest. */
export const heights = (screen) => [LOW, Math.round(screen * 0.46), screen - TOP_GAP];

/** Index of the height a sheet comes to rest at, dragged to `height` at `speed` pixels per ms upwards. */
export function restAt(height, speed, steps) {
  const aim = height + speed * 160;
  const distances = steps.map((step) => Math.abs(step - aim));
  return distances.indexOf(Math.min(...distances));
}

/** Events: `rest` when it has come to rest at a new height. */
export class Sheet extends EventTarget {
  constructor() {
    super();
    this.panel = byId("panel");
    this.handle = byId("handle");
    this.step = 1;
    this.handle.addEventListener("pointerdown", (event) => this.#grab(event));
    this.handle.addEventListener("keydown", (event) => this.#key(event));
    this.handle.addEventListener("click", (event) => event.detail === 0 && this.rise());
    addEventListener("resize", () => this.#settle());
    this.#settle();
  }

  /** How much of the screen's foot it covers, pixels. */
  get height() {
    return onPhone() ? heights(innerHeight)[this.step] : 0;
  }

  /** Go to a height: 0, 1 or 2. */
  go(step) {
    this.step = Math.max(0, Math.min(2, step));
    this.#settle();
    this.dispatchEvent(new Event("rest"));
  }

  /** One higher, and from the highest to the lowest. */
  rise() {
    this.go((this.step + 1) % 3);
  }

  #settle() {
    this.panel.classList.toggle("gliding", !lessMotion());
    this.panel.style.setProperty("--sheet", `${heights(innerHeight)[this.step]}px`);
    this.panel.dataset.step = String(this.step);
  }

  #key(event) {
    const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!way) return;
    event.preventDefault();
    this.go(this.step + way);
  }

  #grab(event) {
    const start = { y: event.clientY, height: this.height };
    let last = { y: event.clientY, time: event.timeStamp, speed: 0 };
    const move = (next) => {
      const speed = (last.y - next.clientY) / Math.max(1, next.timeStamp - last.time);
      last = { y: next.clientY, time: next.timeStamp, speed };
      this.panel.style.setProperty("--sheet", `${Math.max(LOW / 2, start.height + start.y - next.clientY)}px`);
    };
    const over = new AbortController();
    const drop = () => {
      over.abort();
      if (Math.abs(start.y - last.y) < TAP) this.rise();
      else this.go(restAt(start.height + start.y - last.y, last.speed, heights(innerHeight)));
    };
    this.panel.classList.remove("gliding");
    this.handle.setPointerCapture(event.pointerId);
    for (const [name, act] of [["pointermove", move], ["pointerup", drop], ["pointercancel", drop]]) {
      this.handle.addEventListener(name, act, { signal: over.signal });
    }
  }
}
