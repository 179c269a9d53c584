// The controls of the filter: search, stages (which are the legend, too), and the foldable rest.
import { byId, make } from "./dom.js";
import { countActive, findChoices, noFilter } from "./filters.js";
import { drawSvg } from "./marks.js";

export class FilterView {
  /** @param {(filter: import("./filters.js").Filter) => void} change */
  constructor(config, change) {
    this.config = config;
    this.change = change;
    this.query = byId("query");
    this.rest = byId("filters");
    this.toggle = byId("filters-toggle");
    this.query.addEventListener("input", () => this.#set({ query: this.query.value }));
    byId("search").addEventListener("submit", (event) => event.preventDefault());
    this.toggle.addEventListener("click", () => this.fold(!this.rest.hidden));
  }

  /** Show the filter's state and what there is to choose from among all proposals. */
  show(filter, proposals, words) {
    this.filter = filter;
    if (this.query.value !== filter.query) this.query.value = filter.query;
    this.#showStages(proposals, words);
    this.#showRest(findChoices(proposals, words.language), words);
    const active = countActive(filter);
    this.toggle.textContent = active ? words.say("filters_active", { n: active }) : words.say("filters");
    this.toggle.classList.toggle("active", active > 0);
  }

  fold(folded) {
    this.rest.hidden = folded;
    this.toggle.setAttribute("aria-expanded", String(!folded));
  }

  #set(part) {
    this.change({ ...this.filter, ...part });
  }

  #showStages(proposals, words) {
    const counted = Map.groupBy ? Map.groupBy(proposals, ({ stage }) => stage) : groupByStage(proposals);
    keepFocus(byId("stages"), this.config.stages.map((look) => {
      const pressed = this.filter.stages.includes(look.stage);
      return make("button", { type: "button", class: "stage", id: `stage-${look.stage}`, "aria-pressed": String(pressed),
        click: () => this.#toggleStage(look.stage) },
      drawSvg(look.stage, look.mark), make("span", {}, look[words.language]),
      make("span", { class: "tally" }, counted.get(look.stage)?.length ?? 0));
    }));
  }

  #toggleStage(stage) {
    const { stages } = this.filter;
    const all = this.config.stages.map((look) => look.stage);
    const next = stages.includes(stage) ? stages.filter((each) => each !== stage) : [...stages, stage];
    this.#set({ stages: next.length === all.length ? [] : all.filter((each) => next.includes(each)) });
  }

  #showRest({ directions, districts, years }, words) {
    const title = (field) => this.config.fields[field]?.[words.language] ?? field;
    keepFocus(this.rest, [
      this.#select("direction", title("direction"), directions, words),
      this.#select("district", title("district"), districts, words),
      make("fieldset", { class: "years" }, make("legend", {}, title("horizon")),
        this.#select("from", words.say("from_year"), years, words),
        this.#select("to", words.say("to_year"), years, words)),
      this.#check("overdue", words),
      this.#check("blocked", words),
      make("button", { type: "button", id: "reset", click: () => this.change(noFilter()) }, words.say("reset")),
    ]);
  }

  #select(name, label, choices, words) {
    const chosen = this.filter[name] ?? "";
    const known = choices.includes(chosen) || chosen === "" ? choices : [...choices, chosen];
    const options = ["", ...known].map((value) =>
      make("option", { value, selected: value === chosen }, value === "" ? words.say("all") : String(value)));
    const read = (value) => (name === "from" || name === "to" ? (value === "" ? null : Number(value)) : value);
    const box = make("select", { id: `filter-${name}`, change: (event) => this.#set({ [name]: read(event.target.value) }) },
      ...options);
    return make("label", {}, make("span", {}, label), box);
  }

  #check(name, words) {
    const box = make("input", { type: "checkbox", id: `filter-${name}`, checked: this.filter[name],
      change: (event) => this.#set({ [name]: event.target.checked }) });
    return make("label", { class: "check" }, box, make("span", {}, words.say(name)));
  }
}

/** New controls in place of the old; the one in use stays in use. */
function keepFocus(room, nodes) {
  const used = room.contains(document.activeElement) ? document.activeElement.id : "";
  room.replaceChildren(...nodes);
  if (used) byId(used)?.focus();
}

function groupByStage(proposals) {
  const groups = new Map();
  for (const each of proposals) groups.set(each.stage, [...(groups.get(each.stage) ?? []), each]);
  return groups;
}
