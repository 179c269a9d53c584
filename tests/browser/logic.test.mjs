// The page's pure parts, in Node.
import assert from "node:assert/strict";
import { test } from "node:test";
import { countActive, findChoices, fromParams, matches, noFilter, toParams } from "../../sync_service/publicmap/static/filters.js";
import { graticule, scaleBar } from "../../sync_service/publicmap/static/grid.js";
import { readDonut } from "../../sync_service/publicmap/static/layers.js";
import { arrange, fold, readProposal } from "../../sync_service/publicmap/static/proposals.js";
import { loadProposals, nextAddress, ServiceError } from "../../sync_service/publicmap/static/service.js";
import { anchors, boundsOf, insideOf, lineMiddle, toCollections } from "../../sync_service/publicmap/static/shapes.js";
import { heights, restAt } from "../../sync_service/publicmap/static/sheet.js";
import { startLanguage, Words } from "../../sync_service/publicmap/static/words.js";

const read = (properties, geometry = null) => readProposal({ id: "g", geometry, properties });

test("a feature with nothing but an id can be read", () => {
  const proposal = readProposal({ id: "g" });
  assert.deepEqual([proposal.guid, proposal.title, proposal.horizon, proposal.overdue], ["g", "", null, 0]);
});

test("the search folds letters and spaces", () => assert.equal(fold("  Ёлка \n ДВОР "), "елка двор"));

test("one proposal per guid, sorted as people count", () => {
  const list = ["№ 10", "№ 9", "№ 1"].map((title, index) => readProposal({ id: String(index % 2), properties: { title } }));
  assert.deepEqual(arrange(list, "ru").map(({ title }) => title), ["№ 1", "№ 9"]);
});

const CASES = [
  ["every word must be found", { query: "двор ёлка" }, { title: "Елка во дворе" }, true],
  ["one word missing", { query: "двор сосна" }, { title: "Елка во дворе" }, false],
  ["stage among the chosen", { stages: ["done", "approved"] }, { stage: "done" }, true],
  ["another stage", { stages: ["done"] }, { stage: "approved" }, false],
  ["year within", { from: 2030, to: 2030 }, { horizon: 2030 }, true],
  ["year before", { from: 2031 }, { horizon: 2030 }, false],
  ["no year is in no range", { to: 2100 }, {}, false],
  ["overdue only", { overdue: true }, { overdue_days: 0 }, false],
  ["blocked only", { blocked: true }, { blocked: true }, true],
  ["district", { district: "Центр" }, { district: "Центральный" }, false],
];
for (const [name, filter, properties, wanted] of CASES) {
  test(`filter: ${name}`, () => assert.equal(matches(read(properties), { ...noFilter(), ...filter }), wanted));
}

test("a filter survives the address", () => {
  const filter = { query: "мост & парк", stages: ["done"], direction: "Экология", district: "", from: 2030, to: null, overdue: true, blocked: false };
  assert.deepEqual(fromParams(new URLSearchParams(toParams(filter).toString())), filter);
  assert.equal(toParams(noFilter()).toString(), "");
  assert.equal(countActive(filter), 3);
});

test("nonsense in the address is no filter", () => {
  assert.deepEqual(fromParams(new URLSearchParams("from=x&to=20301&overdue=yes")), noFilter());
});

test("choices are what there is", () => {
  const found = findChoices([read({ horizon: 2050, direction: "Б" }), read({ horizon: 2030, direction: "А" }), read({})], "ru");
  assert.deepEqual(found, { directions: ["А", "Б"], districts: [], years: [2030, 2050] });
});

test("the mark of a bent line lies on it, half-way", () => {
  const [x, y] = lineMiddle([[0, 0], [1, 0], [1, 0], [3, 0]]);
  assert.ok(Math.abs(x - 1.5) < 1e-9 && y === 0);
  assert.deepEqual(lineMiddle([[5, 6], [5, 6]]), [5, 6]);
});

test("the mark of a horseshoe lies inside it", () => {
  const shoe = [[0, 0], [4, 0], [4, 4], [3, 4], [3, 1], [1, 1], [1, 4], [0, 4], [0, 0]];
  const [x, y] = insideOf([shoe]);
  assert.ok(y < 1 || x < 1 || x > 3, `${x}, ${y}`);
});

test("the mark of a ring lies beside its hole", () => {
  const square = (from, to) => [[from, from], [to, from], [to, to], [from, to], [from, from]];
  const [x, y] = insideOf([square(0, 10), square(1, 9)]);
  assert.ok(x < 1 || x > 9 || y < 1 || y > 9, `${x}, ${y}`);
});

test("several places have several marks, and a collection, too", () => {
  assert.equal(anchors({ type: "MultiPoint", coordinates: [[1, 2, 3], [3, 4]] }).length, 2);
  assert.deepEqual(anchors({ type: "GeometryCollection", geometries: [{ type: "Point", coordinates: [1, 2] }] }), [[1, 2]]);
  assert.deepEqual(anchors(null), []);
});

test("shapes and marks", () => {
  const line = { type: "LineString", coordinates: [[0, 0], [2, 2]] };
  const { marks, shapes } = toCollections([read({ stage: "done", overdue_days: 4 }, line), read({})]);
  assert.deepEqual([marks.features.length, shapes.features.length], [1, 1]);
  assert.deepEqual(shapes.features[0].properties, { guid: "g", stage: "done", blocked: false, overdue: true });
  assert.deepEqual(boundsOf(line, null), [0, 0, 2, 2]);
  assert.equal(boundsOf(null), null);
});

test("the grid stays fine enough and never grows without bound", () => {
  for (const [width, height] of [[360, 170], [50, 30], [1, 0.5], [0.01, 0.005], [0.0001, 0.0001]]) {
    const { length } = graticule([49, 53, 49 + width, 53 + height]).features;
    assert.ok(length <= 60, `${width}: ${length}`);
  }
  assert.deepEqual(graticule([49.05, 53, 49.95, 53.4]).features[0].properties, { name: "49.1°" });
});

test("the scale is round and fits", () => {
  assert.deepEqual(scaleBar(10, 110), { metres: 1000, pixels: 100 });
  assert.deepEqual(scaleBar(4.9, 110).metres, 500);
});

test("a picture's name tells its shares", () => {
  assert.deepEqual(readDonut("donut|approved=3|done=0"), [{ stage: "approved", count: 3 }]);
  assert.equal(readDonut("sign-done"), null);
});

const CONFIG = { ogc: "/p/ogc", page_size: 2 };
const headers = new Headers({ Date: "Fri, 02 Jan 2026 03:04:05 GMT" });
const answer = (body, ok = true) => ({ ok, status: ok ? 200 : 503, headers, json: async () => body });

test("pages are followed on our own host", async () => {
  const asked = [];
  const pages = {
    "/p/ogc/collections/proposals/items?limit=2": { features: [{ id: "a" }], links: [{ rel: "next", href: "https://known.example.org/p/ogc/x?c=2" }] },
    "/p/ogc/x?c=2": { features: [{ id: "b" }], links: [{ rel: "self", href: "/p/ogc/x?c=2" }] },
    "/p/ogc/collections/proposals_noplace/items?limit=2": { features: [{ id: "c" }] },
  };
  const { proposals, asOf } = await loadProposals(CONFIG, () => {}, async (address) => (asked.push(address), answer(pages[address])));
  assert.deepEqual(proposals.map(({ guid }) => guid), ["a", "b", "c"]);
  assert.equal(asOf.toISOString(), "2026-01-02T03:04:05.000Z");
  assert.deepEqual(asked, Object.keys(pages));
});

test("a next link to itself ends the walk", () => assert.equal(nextAddress([{ rel: "next", href: "/a?b" }], "/a?b"), null));

for (const [name, ask] of [
  ["no connection", async () => { throw new TypeError("failed"); }],
  ["a server error", async () => answer({}, false)],
  ["a page that is no JSON", async () => ({ ok: true, headers, json: async () => JSON.parse("<html>") })],
  ["JSON without features", async () => answer({ detail: "?" })],
]) {
  test(`refused: ${name}`, () => assert.rejects(loadProposals(CONFIG, () => {}, ask), ServiceError));
}

test("a sheet rests at the nearest height, or where it was thrown", () => {
  const steps = heights(844);
  assert.deepEqual([restAt(140, 0, steps), restAt(400, 0, steps), restAt(400, 3, steps), restAt(400, -3, steps)], [0, 1, 2, 0]);
});

test("words", () => {
  const words = new Words("ru", { count_one: "{n} одно", count_few: "{n} два", count_many: "{n} много", metre: "м", kilometre: "км" });
  assert.deepEqual([1, 22, 11, 0].map((n) => words.count(n)), ["1 одно", "22 два", "11 много", "0 много"]);
  assert.equal(words.distance(1500), "1,5 км");
  assert.equal(words.date("2027-06-30"), "30 июн. 2027 г.");
  assert.equal(words.date("скоро"), "скоро");
});

test("the language: asked, kept, the server's", () => {
  const params = new URLSearchParams();
  assert.equal(startLanguage(["ru", "en"], "ru", params, "en"), "en");
  assert.equal(startLanguage(["ru", "en"], "en", params, "xx"), "en");
  assert.equal(startLanguage(["ru", "en"], "ru", new URLSearchParams("lang=en"), "ru"), "en");
});
