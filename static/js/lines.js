// Form fields of several lines: a button adds one, each takes itself away.
import { $ } from "./ui.js";

document.addEventListener("click", event => {
  const add = event.target.closest("[data-add-line]"), drop = event.target.closest("[data-drop-line]");
  if (add) {
    const lines = add.closest("[data-lines]"), place = $("[data-lines-in]", lines);
    place.insertAdjacentHTML("beforeend", $("template", lines).innerHTML.replaceAll("__n__", lines.dataset.next++));
    const line = place.lastElementChild, fill = JSON.parse(add.dataset.fill || "{}");
    for (const [name, value] of Object.entries(fill)) $(`[data-field=${name}]`, line).value = value;
    $("select, input", line)?.focus();
  }
  if (drop) {
    const lines = drop.closest("[data-lines]");
    drop.closest("[data-line]").remove();
    $("[data-add-line]", lines).focus();
  }
});
document.addEventListener("input", event => {
  const field = event.target.closest("[data-narrow]");
  if (!field) return;
  const text = field.value.toLowerCase();
  for (const line of field.closest("[data-checklist]").querySelectorAll("li")) line.hidden = !line.textContent.toLowerCase().includes(text);
});
