// Puts the page together: what is loaded, what is shown, and what the address says.
import { CardView } from "./cardview.js";
import { byId, make, onPhone } from "./dom.js";
import { FilterView } from "./filterview.js";
import { fromParams, matches, toParams } from "./filters.js";
import { scaleBar } from "./grid.js";
import { ListView } from "./listview.js";
import { arrange } from "./proposals.js";
import { askJson, loadProposals } from "./service.js";
import { Sheet } from "./sheet.js";
import { Words, keepLanguage, startLanguage } from "./words.js";

const REFRESH_MS = 60_000;
const DARK = matchMedia("(prefers-color-scheme: dark)");
const PANEL_ROOM = 420;
const SCALE_ROOM = 110;

class Page {
  constructor(config, words) {
    this.config = config;
    this.words = words;
    this.proposals = [];
    this.loaded = false;
    this.failed = false;
    this.lost = false; // whether the address names a proposal that is not there
    this.filter = fromParams(new URLSearchParams(location.search));
    this.chosen = null;
    this.map = null;
    this.sheet = new Sheet();
    this.list = new ListView(config, (guid) => this.choose(guid));
    this.filters = new FilterView(config, (filter) => this.refilter(filter));
    this.card = new CardView(config, {
      close: () => this.close(), visit: () => this.visit(), link: (guid) => this.address(guid),
    });
    this.#listen();
  }

  #listen() {
    addEventListener("keydown", (event) => event.key === "Escape" && this.card.open && this.close());
    addEventListener("popstate", () => this.readAddress());
    addEventListener("online", () => this.load());
    document.addEventListener("visibilitychange", () => document.hidden || this.load());
    setInterval(() => document.hidden || this.load(), REFRESH_MS);
    DARK.addEventListener("change", () => this.dress());
    byId("language").addEventListener("click", () => this.switchLanguage());
    byId("zoom-in").addEventListener("click", () => this.map?.zoom(1));
    byId("zoom-out").addEventListener("click", () => this.map?.zoom(-1));
    byId("whole").addEventListener("click", () => this.map?.overview(this.padding()));
  }

  /** Draw the map; without WebGL the list still works. */
  async openMap() {
    try {
      const { AT_ONCE, MapView } = await import("./mapview.js");
      this.map = new MapView(byId("map"), this.config, readColours, this.words.say("map"));
      this.atOnce = AT_ONCE;
    } catch (broken) {
      console.warn("no map:", broken.message);
      byId("map").append(make("p", { class: "no-map", "data-text": "no_map" }, this.words.say("no_map")));
      return;
    }
    byId("map").view = this.map;
    this.map.addEventListener("choose", ({ detail }) => this.choose(detail, { fly: false }));
    this.map.addEventListener("move", () => this.showScale());
    await this.dress();
    this.show(); // the proposals may have come before the map
    this.map.mark(this.chosen);
    this.look();
    askJson(`${this.config.base}/map/districts.geojson`).then((found) => this.map.showDistricts(found), () => {});
  }

  async dress() {
    paintStages(this.config.stages);
    if (!this.map) return;
    const credit = await this.map.dress(DARK.matches);
    byId("credit").textContent = credit;
    byId("credit").hidden = !credit;
    this.showScale();
  }

  async load() {
    if (this.loading) return;
    this.loading = true;
    this.countMatters();
    try {
      const { proposals, asOf } = await loadProposals(this.config, (some) => this.loaded || this.take(some));
      this.asOf = asOf;
      this.#arrive(proposals);
    } catch (broken) {
      this.fail(broken);
    } finally {
      this.loading = false;
    }
  }

  /** How much waits at the desk: for those only to whom the page shows the way there. */
  async countMatters() {
    if (!byId("desk")) return;
    const { total } = await askJson(`${this.config.base}/desk/open.json`).catch(() => ({ total: 0 }));
    byId("matters").textContent = total;
    byId("matters").hidden = !total;
  }

  #arrive(proposals) {
    const first = !this.loaded;
    this.loaded = true;
    this.failed = false;
    this.take(proposals);
    if (first) this.readAddress();
    this.look();
  }

  /** The first view, once both the map and the proposals are there. */
  look() {
    if (!this.map || !this.loaded || this.looked) return;
    this.looked = true;
    if (this.chosen?.geometry) this.map.visit(this.chosen, this.padding(), this.atOnce);
    else this.map.overview(this.padding(), this.atOnce);
    byId("map").setAttribute("aria-busy", "false");
  }

  fail(broken) {
    console.warn("proposals:", broken.message);
    this.failed = true;
    this.show();
  }

  take(proposals) {
    this.proposals = arrange(proposals, this.words.language);
    this.show();
    if (!this.chosen) return;
    const again = this.find(this.chosen.guid);
    if (again) this.open(again);
    else this.close();
  }

  refilter(filter) {
    this.filter = filter;
    this.lost = false;
    history.replaceState(null, "", this.address(this.chosen?.guid));
    this.show();
  }

  show() {
    const { words } = this;
    const matching = this.proposals.filter((each) => matches(each, this.filter));
    this.filters.show(this.filter, this.proposals, words);
    this.map?.show(matching);
    this.showCount(matching.length);
    this.showNotice();
    if (matching.length) this.list.show(matching, words, this.chosen?.guid);
    else this.list.say(...this.#nothing());
  }

  /** Why the list is empty. */
  #nothing() {
    const { words } = this;
    if (this.proposals.length) return [words.say("nothing_found"), words.say("nothing_found_hint")];
    if (this.failed) return [words.say("unreachable"), words.say("unreachable_hint"), this.#retry()];
    return this.loaded ? [words.say("empty"), words.say("empty_hint")] : [words.say("loading")];
  }

  #retry() {
    return make("button", { type: "button", class: "retry", click: () => this.load() }, this.words.say("retry"));
  }

  showCount(shown) {
    const total = this.proposals.length;
    const { words } = this;
    const some = () => words.say("count_of", { n: shown.toLocaleString(words.language), total: words.count(total) });
    byId("count").textContent = !total ? "" : shown === total ? words.count(total) : some();
    byId("asof").textContent = this.asOf ? words.say("as_of", { time: words.time(this.asOf) }) : "";
  }

  showNotice() {
    const stale = this.failed && this.proposals.length > 0;
    const lost = this.lost ? [this.words.say("not_found")] : [];
    byId("notice").hidden = !stale && !this.lost;
    byId("notice").replaceChildren(...(stale ? [this.words.say("stale"), " ", this.#retry()] : lost));
  }

  showScale() {
    const { metres, pixels } = scaleBar(this.map.metresPerPixel(), SCALE_ROOM);
    byId("scale").hidden = false;
    byId("scale").style.width = `${pixels}px`;
    byId("scale-text").textContent = this.words.distance(metres);
  }

  find(guid) {
    return this.proposals.find((each) => each.guid === guid);
  }

  /** A person chose a proposal, on the map or in the list. */
  choose(guid, { fly = true } = {}) {
    const proposal = this.find(guid);
    if (!proposal) return;
    history.pushState(null, "", this.address(guid));
    this.open(proposal);
    this.card.focus();
    if (fly) this.visit();
  }

  open(proposal) {
    this.chosen = proposal;
    this.lost = false;
    this.showNotice();
    this.card.show(proposal, this.words);
    this.list.mark(proposal.guid);
    this.map?.mark(proposal);
    byId("panel").inert = onPhone();
  }

  close({ address = true } = {}) {
    const { guid } = this.chosen ?? {};
    this.chosen = null;
    this.card.hide();
    this.list.mark(null);
    this.map?.mark(null);
    byId("panel").inert = false;
    if (address) history.pushState(null, "", this.address());
    if (!this.list.focus(guid)) byId("query").focus({ preventScroll: true });
  }

  visit() {
    if (this.chosen?.geometry) this.map?.visit(this.chosen, this.padding());
  }

  /** Open what the address names, and close what it does not. */
  readAddress() {
    const params = new URLSearchParams(location.search);
    this.filter = fromParams(params);
    const guid = params.get("proposal");
    const proposal = guid && this.find(guid);
    this.lost = Boolean(guid && !proposal);
    this.show();
    if (!proposal) return this.chosen && this.close({ address: false });
    this.open(proposal);
    this.visit();
  }

  /** The page's address with the filter and, if given, a proposal. */
  address(guid) {
    const params = toParams(this.filter);
    if (guid) params.set("proposal", guid);
    const query = params.toString();
    return query ? `?${query}` : location.pathname;
  }

  async switchLanguage() {
    const { languages, assets } = this.config;
    const next = languages[(languages.indexOf(this.words.language) + 1) % languages.length];
    this.words = await Words.load(next, assets);
    keepLanguage(next);
    this.speak();
    this.take(this.proposals);
    if (this.map) this.showScale();
  }

  speak() {
    document.documentElement.lang = this.words.language;
    document.title = this.words.say("title");
    this.words.apply(document);
  }

  /** Pixels of the map that lie under the panel, the card or the sheet. */
  padding() {
    const edge = onPhone() ? 40 : 60;
    if (onPhone()) {
      const covered = this.card.open ? byId("card").offsetHeight : Math.min(this.sheet.height, innerHeight * 0.5);
      return { top: edge + 10, right: edge, left: edge, bottom: covered + edge };
    }
    return { top: edge, bottom: edge, left: PANEL_ROOM + edge, right: this.card.open ? PANEL_ROOM + edge : edge };
  }
}

function paintStages(stages) {
  for (const { stage, colour, dark } of stages) {
    document.documentElement.style.setProperty(`--stage-${stage}`, DARK.matches ? dark : colour);
  }
}

/** The page's colours, for the map: the style sheet is the only place that knows them. */
function readColours() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  const names = ["paper", "ink", "muted", "quiet", "accent", "danger", "ground", "grid", "font"];
  const stages = [...document.querySelectorAll(".stage")].map(({ id }) => [id.slice(6), read(id)]);
  return { ...Object.fromEntries(names.map((name) => [name, read(name)])), stages: Object.fromEntries(stages) };
}

const root = document.documentElement;
const config = await askJson(root.dataset.config);
const params = new URLSearchParams(location.search);
const page = new Page(config, await Words.load(startLanguage(config.languages, root.lang, params), config.assets));
page.speak();
paintStages(config.stages);
page.show();
await Promise.all([page.load(), page.openMap()]);
