// A dialog that would lose something stays open: what was typed, or a secret that is shown only once. Its own buttons close it.
const $ = (selector, root) => root.querySelector(selector);

function changed(field) {
  if (!field.name || field.name.startsWith("_") || field.type === "hidden" || field.disabled) return false;
  if (field.type === "checkbox") return field.checked !== field.defaultChecked;
  if (field.type === "radio") return field.checked && !field.defaultChecked && [...field.form.querySelectorAll("[checked]")].some(one => one.name === field.name);
  if (!field.options) return field.type === "file" ? field.files.length > 0 : "defaultValue" in field && field.value !== field.defaultValue;
  const had = [...field.options].some(option => option.defaultSelected);
  return [...field.options].some((option, at) => option.selected !== (had || field.multiple ? option.defaultSelected : at === 0));
}
// What the dialog holds: "secret", "typed" (a form with fields that was sent and came back counts), or nothing.
export function holds(dialog) {
  if ($("[data-shown-once]", dialog)) return "secret";
  const form = $("form[method=post]", dialog);
  const fields = form ? [...form.elements].filter(field => field.name && !["hidden", "submit"].includes(field.type)) : [];
  return fields.length && (form.dataset.tried || fields.some(changed)) ? "typed" : "";
}
function remind(dialog, text) {
  let note = $("[data-held]", dialog);
  if (!note) {
    note = Object.assign(document.createElement("p"), { className: "held sm" });
    note.dataset.held = "";
    note.setAttribute("role", "alert");
    $(".sf", dialog)?.before(note);
  }
  note.textContent = text;
  note.scrollIntoView({ block: "nearest" });
}
export function guard(dialog) {
  const said = document.body.dataset;
  const stays = event => {
    const what = holds(dialog);
    if (!what) return false;
    event.preventDefault();
    remind(dialog, what === "secret" ? said.saidSecret : said.saidTyped);
    return true;
  };
  dialog.addEventListener("mousedown", event => { if (event.target === dialog && !stays(event)) dialog.close(); });
  dialog.addEventListener("cancel", event => { if (event.target === dialog) stays(event); });
  // Chromium asks `cancel` only once: the second Escape would close.
  document.addEventListener("keydown", event => { if (event.key === "Escape" && dialog.open && !document.querySelector("#again[open]")) stays(event); });
  addEventListener("beforeunload", event => { if (dialog.open && $("[data-shown-once]", dialog) && !dialog.dataset.left) event.preventDefault(); });
  dialog.addEventListener("click", event => { if (event.target.closest("[data-shown-once] .sf a:not([download])")) dialog.dataset.left = "1"; });
}
