// User data of a launch: line numbers, its size, a file, ready-made pieces, and a field for each {{variable}}.
import { $, $$ } from "./ui.js";

const card = $("#f-user_data"), area = $("textarea", card), numbers = $("[data-line-numbers]", card), asks = $("[data-variables]", card);
const MOST = 49152; // bytes that fit once they are base64
const SECRET = /password|secret|token/;

function names() {
  return area.value.startsWith("## template: jinja") ? [] : [...new Set([...area.value.matchAll(/\{\{\s*([a-z][a-z0-9_]{0,39})\s*\}\}/g)].map(found => found[1]))];
}
function field(name) {
  const box = document.createElement("div"), label = document.createElement("label"), input = document.createElement("input"), secret = SECRET.test(name);
  box.className = "fld";
  box.dataset.variable = name;
  Object.assign(label, { className: "form-label mono", htmlFor: `v-${name}`, textContent: name });
  Object.assign(input, { className: "form-control", id: `v-${name}`, type: secret ? "password" : "text", name: `${secret ? "secret-" : "var-"}${name}`, autocomplete: "off" });
  box.append(label, input);
  return box;
}
function show() {
  const count = area.value.split("\n").length, size = new Blob([area.value]).size, wanted = names();
  numbers.textContent = Array.from({ length: count }, (_line, at) => at + 1).join("\n");
  numbers.scrollTop = area.scrollTop;
  const place = $("[data-user-data-size]", card);
  place.textContent = size ? `${size} B / 48 KiB` : "";
  place.classList.toggle("bad", size > MOST);
  for (const box of $$("[data-variable]", asks)) if (!wanted.includes(box.dataset.variable)) box.remove();
  for (const name of wanted) if (!$(`[data-variable=${name}]`, asks)) asks.append(field(name));
  asks.hidden = !wanted.length;
}
// Typed rather than set: Ctrl Z brings back what stood there.
function put(text) {
  area.focus();
  area.select();
  if (!document.execCommand("insertText", false, text)) area.setRangeText(text, 0, area.value.length, "end");
  area.setSelectionRange(0, 0);
  area.scrollTop = 0;
  area.dispatchEvent(new Event("input", { bubbles: true }));
}
$("[data-recipes]", card).addEventListener("change", event => { const { value } = event.target; event.target.value = ""; if (value) put(value); });
$("[data-user-data-file]", card).addEventListener("change", async event => { const file = event.target.files[0]; if (file) put(await file.text()); });
area.addEventListener("input", show);
area.addEventListener("scroll", () => { numbers.scrollTop = area.scrollTop; });
show();
