// The list beside the map: placed proposals first, then those without a point.
import { byId, make } from "./dom.js";
import { drawSvg, signOf } from "./marks.js";

const AT_ONCE = 60;

export class ListView {
  /** @param {(guid: string) => void} choose */
  constructor(config, choose) {
    this.looks = new Map(config.stages.map((look) => [look.stage, look]));
    this.choose = choose;
    this.room = byId("results");
    this.limits = new Map();
    this.room.addEventListener("click", (event) => this.#click(event));
  }

  /** @param {import("./proposals.js").Proposal[]} proposals those that match */
  show(proposals, words, chosen) {
    const groups = [
      ["placed", proposals.filter(({ geometry }) => geometry)],
      ["noplace", proposals.filter(({ geometry }) => !geometry)],
    ];
    const filled = groups.filter(([, members]) => members.length);
    this.room.replaceChildren(...filled.map(([name, members]) => this.#group(name, members, words, chosen)));
    this.room.setAttribute("aria-busy", "false");
    this.again = () => this.show(proposals, words, chosen);
  }

  /** A sentence instead of a list. */
  say(title, hint = "", action = null) {
    const note = make("div", { class: "note" }, make("p", { class: "note-title" }, title), make("p", {}, hint), action);
    this.room.replaceChildren(note);
    this.room.setAttribute("aria-busy", "false");
  }

  /** Put the focus back on an entry. @returns {boolean} whether it is there */
  focus(guid) {
    const entry = this.#entryOf(guid);
    entry?.focus();
    return Boolean(entry);
  }

  /** Show which one is open. */
  mark(guid) {
    for (const entry of this.room.querySelectorAll("[aria-current]")) entry.removeAttribute("aria-current");
    this.#entryOf(guid)?.setAttribute("aria-current", "true");
  }

  #entryOf(guid) {
    return guid ? this.room.querySelector(`[data-guid="${CSS.escape(guid)}"]`) : null;
  }

  #group(name, members, words, chosen) {
    const limit = this.limits.get(name) ?? AT_ONCE;
    const heading = make("h2", {}, words.say(name), make("span", { class: "tally" }, members.length));
    const entries = members.slice(0, limit).map((each) => make("li", {}, this.#entry(each, words, chosen)));
    const more = members.length > limit && make("button", { type: "button", class: "more", "data-more": name },
      words.say("more"));
    return make("section", { class: `group group-${name}` }, heading, make("ul", {}, ...entries), more || null);
  }

  #entry(proposal, words, chosen) {
    const { guid, title, stage, blocked, overdue } = proposal;
    const look = this.looks.get(stage);
    const where = proposal.address || proposal.district || placeWords(proposal, words);
    const facts = [proposal.horizon, where].filter(Boolean).join(" · ");
    return make("button", { type: "button", class: "entry", "data-guid": guid, "aria-current": guid === chosen && "true" },
      drawSvg(stage, look ? signOf(look, blocked) : "dot", { overdue: overdue > 0 }),
      make("span", { class: "entry-title" }, title || words.say("untitled")),
      make("span", { class: "hidden-text" }, look ? look[words.language] : stage),
      proposal.direction ? make("span", { class: "entry-direction" }, proposal.direction) : null,
      facts ? make("span", { class: "entry-facts" }, facts) : null,
      badges(proposal, words));
  }

  #click(event) {
    const button = event.target.closest("button");
    if (button?.dataset.guid) this.choose(button.dataset.guid);
    if (button?.dataset.more) this.#showMore(button.dataset.more);
  }

  #showMore(name) {
    const before = this.limits.get(name) ?? AT_ONCE;
    this.limits.set(name, before + AT_ONCE);
    this.again();
    this.room.querySelectorAll(`.group-${name} .entry`)[before]?.focus();
  }
}

/** Overdue and blocked, in words. */
export function badges({ overdue, blocked }, words) {
  if (!overdue && !blocked) return null;
  return make("span", { class: "badges" },
    overdue ? make("span", { class: "badge badge-overdue" }, words.say("overdue_days", { n: overdue })) : null,
    blocked ? make("span", { class: "badge badge-blocked" }, words.say("blocked")) : null);
}

const PLACES = { citywide: "citywide", district: "district_whole", none: "no_place" };

/** What stands instead of an address where there is no point. */
export function placeWords({ placement }, words) {
  return PLACES[placement] ? words.say(PLACES[placement]) : "";
}
