// The keyboard: off while a field, a dialog or a console has the focus; single letters can be turned off in settings.
import { $, $$, copy, density, openMenu, openPalette, toast } from "./ui.js";

let going = 0;
export function startKeys() {
  document.addEventListener("keydown", event => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); openPalette(); return; }
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") { event.target.closest("form")?.requestSubmit($("[data-action=submit]", event.target.closest("form"))); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest("input, textarea, select, [contenteditable], [data-keys-off], canvas") || $("dialog[open]")) return;
    if (event.key === "Escape") { $("[data-clear-selection]")?.click(); return; }
    if (document.documentElement.dataset.keys === "off") return;
    if (press(event)) event.preventDefault();
  });
}
function click(selector) { const found = $(selector); found?.click(); return Boolean(found); }
function press(event) {
  if (going && performance.now() - going < 1200) { going = 0; return click(`#rail [data-go="${CSS.escape(event.key)}"]`); }
  const row = $("tr.at");
  switch (event.key) {
    case "g": going = performance.now(); return true;
    case "/": openPalette(); return true;
    case "?": return click("[data-show-keys]");
    case "n": return click("main [data-action=create], main [data-action=launch]");
    case "d": density(); return true;
    case "j": return move(1);
    case "k": return move(-1);
    case "[": return tab(-1);
    case "]": return tab(1);
    case "x": if (row) { $("input[type=checkbox]", row)?.click(); return true; } return false;
    case "Enter": if (row && document.activeElement === document.body) { $("a.name", row)?.click(); return true; } return false;
    case ".": if (row) { openMenu($("[data-menu]", row)); return true; } return click("main [data-menu]");
    case "y": { const id = row?.dataset.id || $("main [data-id]")?.dataset.id; if (id) { const button = document.createElement("button"); button.dataset.copy = id; copy(button); } return Boolean(id); }
    case "c": return go(row, "console");
    case "l": return go(row, "log");
    case "s": return verb(row, event.key, "stop", "start");
    case "r": return verb(row, event.key, "reboot");
    case "Delete": return click(".bulk:not([hidden]) [data-action=delete]") || verb(row, event.key, "delete");
    default: return false;
  }
}
// A verb of the row at the mark, or of the page's thing, wherever its menu or head has it. One that asks nothing is asked for twice.
let meant = "";
function verb(row, key, ...names) {
  const opener = row ? $("[data-menu]", row) : $("main .head [data-menu]"), wanted = names.map(name => `[data-action=${name}]`).join();
  if (!opener) return !row && click(wanted.split(",").map(one => `main .head ${one}`).join());
  openMenu(opener).then(() => {
    const found = $(wanted, $("#menu")), subject = found?.dataset.id;
    if (!found) { $("#menu").hidePopover(); return; }
    if ("dialog" in found.dataset || found.getAttribute("aria-disabled") === "true") { found.click(); return; }
    if (meant === `${key} ${subject}`) { meant = ""; found.click(); return; }
    meant = `${key} ${subject}`;
    $("#menu").hidePopover();
    toast({ text: `${found.textContent.trim()}: ${document.body.dataset.saidTwice} ${key}` });
    setTimeout(() => { meant = ""; }, 4000);
  }).catch(() => {});
  return true;
}
function go(row, tabName) {
  const name = row && $("a.name", row);
  if (name) { location.assign(`${name.pathname.replace(/\/$/, "")}/${tabName}`); return true; }
  return click(`.tabs [data-tab=${tabName}]`);
}
function move(step) {
  const all = $$("main tbody tr[data-id]"), at = all.findIndex(row => row.classList.contains("at"));
  if (!all.length) return false;
  const to = all[Math.max(0, Math.min(all.length - 1, at + step))];
  all.forEach(row => row.classList.toggle("at", row === to));
  to.scrollIntoView({ block: "nearest" });
  return true;
}
function tab(step) {
  const all = $$(".tabs a"), at = all.findIndex(link => link.getAttribute("aria-selected") === "true");
  if (!all.length) return false;
  all[(at + step + all.length) % all.length].click();
  return true;
}
