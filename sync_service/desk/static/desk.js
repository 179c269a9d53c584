// Small comforts of the desk's pages; every form works without them.
import { pickTogether } from "./picking.js";

for (const form of document.querySelectorAll("form.pick")) pickTogether(form);

// Where there is room, filters need not be asked for.
if (matchMedia("(min-width: 48rem)").matches) {
  for (const details of document.querySelectorAll("details[data-open-wide]")) details.open = true;
}

const maps = document.querySelector("[data-maps]");
if (maps) {
  const { openMaps } = await import("./clashmap.js");
  await openMaps(maps).catch((broken) => console.warn("no map:", broken.message));
}
