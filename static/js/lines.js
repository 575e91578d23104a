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
// A field that counts only with some choices of another one is there only then.
function fit(form) {
  for (const field of form.querySelectorAll("[data-shown-for]")) {
    const [name, ...values] = field.dataset.shownFor.split(" "), box = field.closest(".fld");
    if (form.elements[name]) box.hidden = !values.includes(form.elements[name].value);
  }
}
document.addEventListener("change", event => event.target.form && fit(event.target.form));
document.addEventListener("formshown", event => event.target.querySelectorAll("form").forEach(form => { fit(form); }));
document.querySelectorAll("form").forEach(form => { fit(form); });
