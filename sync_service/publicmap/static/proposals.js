// What the page knows of a proposal, read from a feature of the OGC API. Pure.

/**
 * @typedef {object} Proposal
 * @property {string} guid
 * @property {string} title
 * @property {string} summary          plain text with line breaks
 * @property {string} stage
 * @property {string} direction        empty where none is named; so with the other texts
 * @property {string} partner
 * @property {string} address
 * @property {string} district
 * @property {string} parcel           cadastral number
 * @property {string} start            ISO date or empty
 * @property {string} due
 * @property {number|null} horizon     year
 * @property {string} placement
 * @property {boolean} blocked
 * @property {number} overdue          days
 * @property {object|null} geometry    GeoJSON, CRS84
 * @property {string} haystack         what the search looks through, folded
 */

/** Lower case, with ё as е and without double spaces: people type either. */
export function fold(text) {
  return String(text).toLowerCase().replaceAll("ё", "е").replace(/\s+/g, " ").trim();
}

const text = (value) => (value === null || value === undefined ? "" : String(value));

/**
 * @param {object} feature GeoJSON feature with the public properties
 * @returns {Proposal}
 */
export function readProposal(feature) {
  const given = feature.properties ?? {};
  const proposal = {
    guid: text(given.guid || feature.id),
    title: text(given.title).trim(),
    summary: text(given.summary).trim(),
    stage: text(given.stage),
    direction: text(given.direction).trim(),
    partner: text(given.partner).trim(),
    address: text(given.address).trim(),
    district: text(given.district).trim(),
    parcel: text(given.cadastral_number),
    start: text(given.start),
    due: text(given.due),
    horizon: Number.isInteger(given.horizon) ? given.horizon : null,
    placement: text(given.placement),
    blocked: given.blocked === true,
    overdue: Number.isInteger(given.overdue_days) ? Math.max(0, given.overdue_days) : 0,
    geometry: feature.geometry ?? null,
    haystack: "",
  };
  const { title, summary, address, partner, direction, district } = proposal;
  proposal.haystack = fold([title, address, partner, direction, district, summary].join(" "));
  return proposal;
}

/** One proposal per guid, the later one wins; by title as the language sorts. */
export function arrange(proposals, language) {
  const byTitle = new Intl.Collator(language, { numeric: true }).compare;
  const unique = [...new Map(proposals.map((each) => [each.guid, each])).values()];
  return unique.sort((one, other) => byTitle(one.title, other.title) || (one.guid < other.guid ? -1 : 1));
}
