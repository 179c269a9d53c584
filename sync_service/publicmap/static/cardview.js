// The summary of one proposal.
import { byId, fill, make } from "./dom.js";
import { badges, placeWords } from "./listview.js";
import { drawSvg, signOf } from "./marks.js";

export class CardView {
  /** @param {{close: () => void, visit: () => void, link: (guid: string) => string}} does */
  constructor(config, does) {
    this.fields = config.fields;
    this.looks = new Map(config.stages.map((look) => [look.stage, look]));
    this.does = does;
    this.room = byId("card");
  }

  get open() {
    return !this.room.hidden;
  }

  show(proposal, words) {
    fill(this.room,
      make("button", { type: "button", class: "close", "aria-label": words.say("close"), title: words.say("close"),
        click: () => this.does.close() }, "×"),
      this.#chip(proposal, words),
      make("h2", { id: "card-title" }, proposal.title || words.say("untitled")),
      badges(proposal, words),
      this.#facts(proposal, words),
      proposal.summary ? make("p", { class: "summary" }, proposal.summary) : null,
      this.#actions(proposal, words));
    this.room.hidden = false;
    this.room.scrollTop = 0;
  }

  hide() {
    this.room.hidden = true;
    this.room.replaceChildren();
  }

  focus() {
    this.room.focus({ preventScroll: true });
  }

  #chip({ stage, blocked, overdue }, words) {
    const look = this.looks.get(stage);
    if (!look) return null;
    const mark = drawSvg(stage, signOf(look, blocked), { overdue: overdue > 0 });
    return make("p", { class: `chip stage-${stage}` }, mark, look[words.language]);
  }

  #facts(proposal, words) {
    const dates = [proposal.start, proposal.due].filter(Boolean).map((each) => words.date(each)).join(" – ");
    const rows = [
      ["direction", proposal.direction],
      ["partner", proposal.partner],
      ["horizon", proposal.horizon],
      [proposal.start ? "start" : "due", dates],
      ["address", proposal.address || placeWords(proposal, words)],
      ["district", proposal.district],
      ["cadastral_number", proposal.parcel],
    ];
    const filled = rows.filter(([, value]) => value);
    return make("dl", {}, ...filled.map(([name, value]) => make("div", {},
      make("dt", {}, this.#label(name, proposal, words)), make("dd", {}, value))));
  }

  #label(name, { start, due }, words) {
    const title = (field) => this.fields[field]?.[words.language] ?? field;
    return name === "start" && due ? `${title("start")} – ${title("due").toLowerCase()}` : title(name);
  }

  #actions({ guid, geometry }, words) {
    const link = make("a", { class: "action", href: this.does.link(guid), click: (event) => copyLink(event, words) },
      words.say("permalink"));
    const visit = geometry && make("button", { type: "button", class: "action", click: () => this.does.visit() },
      words.say("show_on_map"));
    return make("p", { class: "actions" }, visit || null, link);
  }
}

/** Copy instead of following, where the browser allows it. */
async function copyLink(event, words) {
  if (!navigator.clipboard || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const link = event.currentTarget;
  await navigator.clipboard.writeText(link.href);
  link.textContent = words.say("copied");
}
