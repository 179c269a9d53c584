// The marks of proposals: the same signs in the list (SVG) and on the map (canvas).

/** White signs in a box of 20 × 20 around (10, 10): path and whether it is filled. */
const SIGNS = {
  dot: { path: "M12.6 10a2.6 2.6 0 1 1-5.2 0a2.6 2.6 0 1 1 5.2 0z", filled: true },
  play: { path: "M7.9 6.2v7.6l6-3.8z", filled: true },
  check: { path: "M6.4 10.3l2.5 2.6l4.7-5.4", filled: false },
  bars: { path: "M8 6.8v6.4M12 6.8v6.4", filled: false },
};
const SVG = "http://www.w3.org/2000/svg";
const FULL_TURN = 2 * Math.PI;

/** The sign of a proposal: blocked ones wear bars, whatever their stage. */
export const signOf = (look, blocked) => (blocked ? "bars" : look.mark);

/** A mark for the page; its colours come from the style sheet. */
export function drawSvg(stage, sign, { overdue = false } = {}) {
  const svg = svgNode("svg", { viewBox: "-4 -4 28 28", class: `mark stage-${stage}`, "aria-hidden": "true" });
  if (overdue) svg.append(svgNode("circle", { class: "mark-ring", cx: 10, cy: 10, r: 12 }));
  const { path, filled } = SIGNS[sign];
  svg.append(
    svgNode("circle", { class: "mark-disc", cx: 10, cy: 10, r: 8.5 }),
    svgNode("path", { class: filled ? "sign-filled" : "sign-drawn", d: path }));
  return svg;
}

/** A sign as a picture for the map. @returns {ImageData} twice as large as it is shown */
export function drawSign(sign, colour) {
  const context = newCanvas(40, 40);
  context.scale(2, 2);
  const shape = new Path2D(SIGNS[sign].path);
  context.fillStyle = context.strokeStyle = colour;
  context.lineWidth = 2.2;
  context.lineCap = context.lineJoin = "round";
  if (SIGNS[sign].filled) context.fill(shape);
  else context.stroke(shape);
  return context.getImageData(0, 0, 40, 40);
}

/** Many proposals in one place: a ring in the shares of their stages around their number. */
export function drawDonut(shares, { paper, ink, font }) {
  const total = shares.reduce((sum, { count }) => sum + count, 0);
  const radius = 17 + Math.min(11, 3.2 * Math.log10(total) ** 1.5);
  const size = Math.ceil(radius + 2) * 4;
  const context = newCanvas(size, size);
  context.scale(2, 2);
  context.translate(size / 4, size / 4);
  drawDisc(context, radius + 1.5, paper);
  drawShares(context, shares, total, radius - 3);
  drawDisc(context, radius - 5.5, paper);
  context.fillStyle = ink;
  context.font = `600 13px ${font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(shorten(total), 0, 0.5);
  return context.getImageData(0, 0, size, size);
}

function drawShares(context, shares, total, radius) {
  let angle = -FULL_TURN / 4;
  context.lineWidth = 6;
  for (const { count, colour } of shares) {
    const next = angle + (FULL_TURN * count) / total;
    context.strokeStyle = colour;
    context.beginPath();
    context.arc(0, 0, radius, angle, next);
    context.stroke();
    angle = next;
  }
}

function drawDisc(context, radius, colour) {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(0, 0, radius, 0, FULL_TURN);
  context.fill();
}

const shorten = (n) => (n < 1000 ? String(n) : `${Math.round(n / 100) / 10}k`);

function newCanvas(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas.getContext("2d", { willReadFrequently: true });
}

function svgNode(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}
