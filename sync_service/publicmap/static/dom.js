// Makes elements. Text is always set as text: nothing that comes from a card is ever read as HTML.

/** `make("p", {class: "note"}, "text", child)`; empty children are left out, functions become listeners. */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(node, name, value);
  fill(node, ...children);
  return node;
}

/** These children instead of what the node held. */
export function fill(node, ...children) {
  node.replaceChildren(...children.filter((child) => child !== null && child !== undefined && child !== ""));
}

function setAttribute(node, name, value) {
  if (typeof value === "function") node.addEventListener(name, value);
  else if (value === true) node.setAttribute(name, "");
  else if (value !== false && value !== null) node.setAttribute(name, String(value));
}

/** The element with this id. @returns {HTMLElement} */
export const byId = (id) => document.getElementById(id);

/** Whether the reader asked for less movement. */
export const lessMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Whether the page is laid out for a phone; the width stands in map.css too. */
export const onPhone = () => matchMedia("(max-width: 760px)").matches;
