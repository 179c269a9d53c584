// Ticking all rows at once, and counting the ticked ones.

/** Give a form of ticked rows its "all" box and its count. */
export function pickTogether(form) {
  const boxes = [...form.querySelectorAll('input[name="item"]')];
  const row = form.querySelector("[data-all]");
  const all = row.querySelector("input");
  const told = form.querySelector("[data-chosen]");
  const show = () => {
    const count = boxes.filter(({ checked }) => checked).length;
    all.checked = count > 0 && count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
    told.textContent = count ? told.dataset.chosen.replace("{n}", count) : "";
    for (const button of form.querySelectorAll('button[value$=" chosen"]')) button.disabled = !count;
  };
  row.hidden = !boxes.length;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    show();
  });
  for (const box of boxes) box.addEventListener("change", show);
  show();
}
