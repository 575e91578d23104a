// What an action is as a command, a request, Python and Terraform: as it is typed now. The last tab is remembered.
import { $, $$, BACKGROUND, fragment } from "./ui.js";

const KEY = "show-as";
const last = () => { try { return localStorage.getItem(KEY); } catch { return null; } };

export function choose(box, name, focus = false) {
  const tabs = $$("[data-form-tab]", box), tab = tabs.find(one => one.dataset.formTab === name);
  if (!tab) return;
  tabs.forEach(one => { one.setAttribute("aria-selected", one === tab); one.tabIndex = one === tab ? 0 : -1; });
  $$("[data-form]", box).forEach(one => { one.hidden = one.dataset.form !== name; });
  if (focus) tab.focus();
}
// Files stay here: what is in them is in no form.
function typed(form) {
  const found = new URLSearchParams();
  for (const [name, value] of form ? new FormData(form) : []) if (typeof value === "string") found.append(name, value);
  return found;
}
let asked = 0;
async function show(box) {
  const mine = ++asked;
  const html = await fragment(box.dataset.showAs, { method: "POST", body: typed(box.closest("form")), headers: BACKGROUND.headers }).catch(() => null);
  if (html === null || mine !== asked) return;
  $("[data-show-as-body]", box).innerHTML = html;
  choose(box, last());
}
document.addEventListener("toggle", event => { if (event.target.matches?.("[data-show-as]") && event.target.open) show(event.target); }, true);
let waiting = 0;
function later(event) {
  if (event.target.closest("[data-show-as]")) return;
  const box = event.target.closest("form")?.querySelector("[data-show-as][open]");
  if (!box) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => show(box), 200);
}
document.addEventListener("input", later);
document.addEventListener("change", later);
document.addEventListener("click", event => {
  const tab = event.target.closest("[data-form-tab]");
  if (!tab) return;
  try { localStorage.setItem(KEY, tab.dataset.formTab); } catch { /* nothing is remembered then */ }
  choose(tab.closest(".showas"), tab.dataset.formTab);
});
document.addEventListener("keydown", event => {
  const tab = event.target.closest?.("[data-form-tab]"), step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!tab || !step) return;
  event.preventDefault();
  const all = $$("[data-form-tab]", tab.parentElement);
  all[(all.indexOf(tab) + step + all.length) % all.length].click();
  $("[aria-selected=true]", tab.parentElement).focus();
});
// In a dialog of its own: another action of the menu.
document.addEventListener("change", async event => {
  const select = event.target.closest("[data-show-as-of]");
  if (!select) return;
  const url = new URL(select.dataset.showAsOf, location.href);
  url.searchParams.set("chosen", select.value);
  const page = new DOMParser().parseFromString(await fragment(url.pathname + url.search), "text/html");
  const box = $("#dialog [data-show-as-body]");
  box.innerHTML = $("[data-show-as-body]", page).innerHTML;
  choose(box, last());
});
function begin() {
  const box = $("#dialog-body .showas[data-show-as-body]");
  if (box && !box.dataset.chosen) { box.dataset.chosen = "1"; choose(box, last()); }
}
new MutationObserver(begin).observe($("#dialog-body"), { childList: true });
begin();
