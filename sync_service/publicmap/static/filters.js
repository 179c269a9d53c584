// Which proposals are shown: the filter, its form in the address, and its choices. Pure.
import { fold } from "./proposals.js";

/**
 * @typedef {object} Filter
 * @property {string} query
 * @property {string[]} stages      none means all
 * @property {string} direction     empty means all
 * @property {string} district
 * @property {number|null} from     first horizon year
 * @property {number|null} to       last horizon year
 * @property {boolean} overdue      only overdue ones
 * @property {boolean} blocked      only blocked ones
 */

/** @returns {Filter} */
export const noFilter = () => ({
  query: "", stages: [], direction: "", district: "", from: null, to: null, overdue: false, blocked: false,
});

/** @type {(proposal: import("./proposals.js").Proposal, filter: Filter) => boolean} */
export function matches(proposal, filter) {
  return (
    (!filter.stages.length || filter.stages.includes(proposal.stage)) &&
    (!filter.direction || proposal.direction === filter.direction) &&
    (!filter.district || proposal.district === filter.district) &&
    (!filter.overdue || proposal.overdue > 0) &&
    (!filter.blocked || proposal.blocked) &&
    withinYears(proposal.horizon, filter) &&
    fold(filter.query).split(" ").every((word) => proposal.haystack.includes(word))
  );
}

function withinYears(year, { from, to }) {
  if (from === null && to === null) return true;
  return year !== null && (from === null || year >= from) && (to === null || year <= to);
}

/** How many of the foldable filters are set; search and stages are always in sight. */
export function countActive(filter) {
  const { direction, district, from, to, overdue, blocked } = filter;
  return [direction, district, from !== null, to !== null, overdue, blocked].filter(Boolean).length;
}

/** What there is to choose from. */
export function findChoices(proposals, language) {
  const byName = new Intl.Collator(language, { numeric: true }).compare;
  const distinct = (name) => [...new Set(proposals.map((each) => each[name]).filter(Boolean))];
  return {
    directions: distinct("direction").sort(byName),
    districts: distinct("district").sort(byName),
    years: distinct("horizon").sort((one, other) => one - other),
  };
}

const FLAGS = ["overdue", "blocked"];
const YEARS = ["from", "to"];

/** @type {(filter: Filter) => URLSearchParams} only what differs from no filter */
export function toParams(filter) {
  const params = new URLSearchParams();
  if (filter.query.trim()) params.set("q", filter.query.trim());
  if (filter.stages.length) params.set("stage", filter.stages.join(","));
  for (const name of ["direction", "district"]) if (filter[name]) params.set(name, filter[name]);
  for (const name of YEARS) if (filter[name] !== null) params.set(name, String(filter[name]));
  for (const name of FLAGS) if (filter[name]) params.set(name, "1");
  return params;
}

/** @type {(params: URLSearchParams) => Filter} what cannot be understood is left out */
export function fromParams(params) {
  const filter = noFilter();
  filter.query = params.get("q") ?? "";
  filter.stages = (params.get("stage") ?? "").split(",").filter(Boolean);
  for (const name of ["direction", "district"]) filter[name] = params.get(name) ?? "";
  for (const name of YEARS) filter[name] = /^\d{4}$/.test(params.get(name) ?? "") ? Number(params.get(name)) : null;
  for (const name of FLAGS) filter[name] = params.get(name) === "1";
  return filter;
}
