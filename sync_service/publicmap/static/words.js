// The page's words in the reader's language, and numbers, dates and distances the way that language writes them.
import { askJson } from "./service.js";

const KEPT = "placecard.language";

/** The reader's own choice, else the server's. */
export function startLanguage(known, html, params, storage = kept()) {
  return [params.get("lang"), storage, html].find((each) => known.includes(each)) ?? known[0];
}

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null; // storage may be switched off
  }
}

/** Keep the choice for the next visit, if the browser lets us. */
export function keepLanguage(language) {
  try {
    localStorage.setItem(KEPT, language);
  } catch {
    /* then the next visit begins with the browser's language */
  }
}

export class Words {
  /** @param {string} language @param {Record<string, string>} texts */
  constructor(language, texts) {
    this.language = language;
    this.texts = texts;
    this.plural = new Intl.PluralRules(language);
  }

  static async load(language, assets) {
    return new Words(language, await askJson(`${assets}/strings/${language}.json`));
  }

  /** The text `key` with `{name}` filled in. */
  say(key, values = {}) {
    return this.texts[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
  }

  /** `3 предложения`. */
  count(n) {
    const form = { one: "one", few: "few" }[this.plural.select(n)] ?? "many";
    return this.say(`count_${form}`, { n: n.toLocaleString(this.language) });
  }

  /** An ISO date in words; what is no date stays as it is. */
  date(iso) {
    const day = new Date(`${iso.slice(0, 10)}T00:00:00Z`);
    if (Number.isNaN(day.getTime())) return iso;
    return day.toLocaleDateString(this.language, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
  }

  /** Time of day, with the date when that is not today. */
  time(moment) {
    const today = moment.toDateString() === new Date().toDateString();
    const date = today ? {} : { day: "numeric", month: "long" };
    return moment.toLocaleString(this.language, { ...date, hour: "2-digit", minute: "2-digit" });
  }

  distance(metres) {
    const [value, unit] = metres >= 1000 ? [metres / 1000, "kilometre"] : [metres, "metre"];
    return `${value.toLocaleString(this.language)} ${this.say(unit)}`;
  }

  /** Put the texts of this language wherever the page asks for one. */
  apply(root) {
    for (const node of root.querySelectorAll("[data-text]")) node.textContent = this.say(node.dataset.text);
    for (const node of root.querySelectorAll("[data-label]")) {
      node.setAttribute("aria-label", this.say(node.dataset.label));
      if (node.matches("button")) node.title = this.say(node.dataset.label);
    }
    for (const node of root.querySelectorAll("[data-hint]")) node.placeholder = this.say(node.dataset.hint);
  }
}
