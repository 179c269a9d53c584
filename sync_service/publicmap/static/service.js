// Asks the service for proposals, page after page.
import { readProposal } from "./proposals.js";

const MOST_PAGES = 500;

/** The service could not be reached or gave something else than expected. */
export class ServiceError extends Error {}

/**
 * Both public collections, complete. `onPage` gets what has come so far after each page.
 * @returns {Promise<{proposals: import("./proposals.js").Proposal[], asOf: Date}>}
 */
export async function loadProposals(config, onPage = () => {}, ask = fetch) {
  const proposals = [];
  let asOf = null;
  for (const name of ["proposals", "proposals_noplace"]) {
    const first = `${config.ogc}/collections/${name}/items?limit=${config.page_size}`;
    for await (const page of pages(first, ask)) {
      proposals.push(...page.features.map(readProposal));
      asOf ??= page.asOf;
      onPage(proposals);
    }
  }
  return { proposals, asOf: asOf ?? new Date() };
}

/** The pages of a collection, by their `next` links. */
async function* pages(first, ask) {
  let address = first;
  for (let count = 0; address && count < MOST_PAGES; count += 1) {
    const { json: page, date } = await askDated(address, ask);
    if (!Array.isArray(page.features)) throw new ServiceError("no features in the answer");
    yield { features: page.features, asOf: readTime(date) };
    address = nextAddress(page.links, address);
  }
}

/** A next link may name the host by which the service knows itself; the page stays on its own. */
export function nextAddress(links, address) {
  const next = (links ?? []).find((link) => link.rel === "next");
  if (!next) return null;
  const { pathname, search } = new URL(next.href, new URL(address, "http://service.invalid"));
  return pathname + search === address ? null : pathname + search;
}

/** JSON from an address of this service. */
export async function askJson(address, ask = fetch) {
  return (await askDated(address, ask)).json;
}

/** JSON from an address of this service, and when it was so: also an unchanged answer is dated anew. */
async function askDated(address, ask) {
  let answer;
  try {
    answer = await ask(address, { headers: { Accept: "application/geo+json, application/json" }, cache: "no-cache" });
  } catch (cause) {
    throw new ServiceError("unreachable", { cause });
  }
  if (!answer.ok) throw new ServiceError(`answered ${answer.status}`);
  try {
    return { json: await answer.json(), date: answer.headers.get("Date") };
  } catch (cause) {
    throw new ServiceError("not JSON", { cause });
  }
}

function readTime(value) {
  const time = new Date(value ?? NaN);
  return Number.isNaN(time.getTime()) ? null : time;
}
