// The page's behaviour: dialogs, menus, toasts, copying, the palette.
import { own, signInAgain } from "./again.js";
import { guard } from "./guard.js";

export { csrf } from "./again.js";
export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const said = document.body.dataset;
const icon = name => `<svg class="ti" aria-hidden="true"><use href="${said.icons}#${name}"/></svg>`;

export const BACKGROUND = { headers: { "X-Background": "1" } }; // what nobody asked for keeps nobody signed in
let gone = false;
export async function fragment(url, options = {}) {
  const headers = { "HX-Request": "true", "HX-Current-URL": location.href, ...own(), ...(options.headers || {}) };
  let response;
  try { response = await fetch(url, { credentials: "same-origin", ...options, headers }); } catch (error) { unanswered(headers); throw error; }
  const why = response.headers.get("X-Sign-In");
  if (why) {
    if (headers["X-Background"]) throw new Error("signed out");
    await signInAgain(why);
    return fragment(url, options);
  }
  const to = response.headers.get("HX-Redirect");
  if (to) { location.assign(to); throw new Error("redirected"); }
  const leaves = response.headers.has("X-Gone"); // what the page shows is not there any more: said once
  if (!leaves || !gone) triggers(response.headers.get("HX-Trigger"));
  if (leaves) { gone = true; throw Object.assign(new Error(`gone ${url}`), { gone }); }
  if (!response.ok) {
    if (!response.headers.has("HX-Trigger")) unanswered(headers);
    throw new Error(`${response.status} ${url}`);
  }
  return response.text();
}
// What somebody asked for and did not get is told; what the page asks by itself is asked again.
export function unanswered(headers = {}) { if (!headers["X-Background"]) toast({ kind: "bad", text: said.saidFailed }); }

document.addEventListener("unanswered", () => unanswered());

function triggers(text) {
  if (!text) return;
  const found = JSON.parse(text);
  if (found.toast) toast(found.toast);
  if (found.made) take(found.made);
}

// ── Toasts ────────────────────────────────────────────────────────────────────────────────────────────────────────
export function toast({ kind = "ok", text, request = "" }) {
  if (kind === "bad" && !request && $$("#toasts [data-toast=bad] .grow").some(one => one.textContent === text)) return;
  const note = document.createElement("div");
  note.className = "note";
  note.dataset.toast = kind;
  note.innerHTML = `<span class="told ${kind}">${icon(kind === "bad" ? "square-rounded-x" : "circle-check")}</span><div class="grow"></div><button type="button" class="ib sq" data-dismiss>${icon("x")}</button>`;
  $(".grow", note).textContent = text;
  $("button", note).setAttribute("aria-label", said.saidDismiss);
  if (request) {
    const see = document.createElement("div");
    see.className = "see sm";
    const link = Object.assign(document.createElement("a"), { href: `/requests/${request}`, textContent: said.saidWhy });
    const copy = Object.assign(document.createElement("button"), { type: "button", className: "copy", textContent: request.slice(0, 16) });
    copy.dataset.copy = request;
    see.append(link, copy);
    $(".grow", note).append(see);
  }
  $("#toasts").append(note);
  above();
  if (kind !== "bad") setTimeout(() => note.remove(), 6000);
}
// An open dialog is above all else of the page: toasts go above it, and back once it is closed.
function above() {
  const box = $("#toasts");
  if (box.matches(":popover-open")) box.hidePopover();
  if (!$("dialog:modal")) { box.removeAttribute("popover"); return; }
  box.popover = "manual";
  box.showPopover();
}
document.addEventListener("close", event => { if (event.target.matches("dialog")) above(); }, true);
$$("#toasts [data-toast=ok]").forEach(note => setTimeout(() => note.remove(), 6000));
document.body.addEventListener("toast", event => toast(event.detail));
document.body.addEventListener("htmx:responseError", event => { if (!event.detail.xhr.getResponseHeader("HX-Trigger")) toast({ kind: "bad", text: said.saidFailed }); });
document.body.addEventListener("htmx:sendError", () => toast({ kind: "bad", text: said.saidFailed }));

// ── Copying ───────────────────────────────────────────────────────────────────────────────────────────────────────
export async function copy(button) {
  const text = button.dataset.copy || button.textContent.trim();
  try { await navigator.clipboard.writeText(text); } catch {
    const area = Object.assign(document.createElement("textarea"), { value: text, className: "visually-hidden" });
    (button.closest("dialog") || document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const mark = $("svg use", button);
  if (mark) {
    const was = mark.getAttribute("href");
    mark.setAttribute("href", was.replace(/#.*/, "#check"));
    setTimeout(() => mark.setAttribute("href", was), 1200);
  } else toast({ text: `${said.saidCopied}: ${text.slice(0, 60)}` });
}

// ── Dialogs ───────────────────────────────────────────────────────────────────────────────────────────────────────
const dialog = $("#dialog");
let picks = ""; // the select of the page that takes what the dialog makes
export async function openDialog(url, wide = false, into = "") {
  const body = $("#dialog-body");
  body.innerHTML = await fragment(url);
  picks = into;
  delete dialog.dataset.left;
  window.htmx.process(body);
  dialog.classList.toggle("wide", wide);
  if (!dialog.open) dialog.showModal();
  ($("[aria-invalid=true], [autofocus]", body) || $("input:not([type=hidden]):not([type=file]), select, textarea", body))?.focus();
}
guard(dialog);
function take({ value, text }) {
  const select = picks && $(picks);
  if (!select) return;
  const known = [...select.options].find(option => option.value === value) || select.appendChild(new Option(text, value));
  known.selected = true;
  select.dispatchEvent(new Event("change", { bubbles: true }));
}
document.body.addEventListener("made", event => take(event.detail));
document.body.addEventListener("htmx:afterSwap", event => {
  if (event.detail.target.id !== "dialog-body") return;
  if (event.detail.xhr.status === 422) for (const form of $$("form", dialog)) form.dataset.tried = "1";
  ($("[aria-invalid=true]", dialog) || $("[role=alert]", dialog) || $("[data-shown-once] .sf .btn", dialog))?.focus();
});
document.body.addEventListener("htmx:afterRequest", event => {
  delete event.detail.elt.dataset.sent;
  if (event.detail.successful && event.detail.xhr.status === 204) {
    if (dialog.open && dialog.contains(event.detail.elt)) dialog.close();
    if ($("#menu:popover-open")?.contains(event.detail.elt)) $("#menu").hidePopover();
  }
});
// A second submit of the same form is the first one.
document.addEventListener("submit", event => {
  const form = event.target.closest("[data-once]");
  if (!form) return;
  if (form.dataset.sent) { event.preventDefault(); event.stopImmediatePropagation(); return; }
  form.dataset.sent = "1";
  setTimeout(() => delete form.dataset.sent, 4000);
}, true);

// ── Menus of rows ─────────────────────────────────────────────────────────────────────────────────────────────────
const menu = $("#menu");
export async function openMenu(button) {
  const row = button.closest("tr"), table = button.closest("[data-menu-url]");
  menu.innerHTML = await fragment(button.dataset.menu || table.dataset.menuUrl.replace("{id}", row.dataset.id));
  window.htmx.process(menu);
  menu.style.left = menu.style.top = "0"; // all the window's room, for its size is taken now
  menu.showPopover();
  const at = button.getBoundingClientRect(), box = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(8, Math.min(at.right - box.width, innerWidth - box.width - 8))}px`;
  menu.style.top = `${at.bottom + box.height + 8 < innerHeight ? at.bottom + 4 : Math.max(8, at.top - box.height - 4)}px`;
  $("a, button", menu)?.focus();
}
addEventListener("scroll", () => menu?.matches(":popover-open") && menu.hidePopover(), { passive: true });
menu?.addEventListener("keydown", event => {
  const all = $$("a, button", menu), end = { Home: 0, End: -1 }[event.key], step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (end === undefined && !step) return;
  event.preventDefault();
  if (end !== undefined) all.at(end).focus();
  else all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
});

// ── Clicks ────────────────────────────────────────────────────────────────────────────────────────────────────────
document.addEventListener("click", event => {
  const hit = event.target.closest("[data-copy], [data-dialog], [data-menu], [data-close], [data-dismiss], [data-theme-switch], [data-density-switch], [data-palette], [data-rail], [data-show-password], [data-why]");
  if (!hit) { if (!event.target.closest("#rail")) rail(false); return; }
  const data = hit.dataset;
  if (data.why !== undefined && hit.getAttribute("aria-disabled") === "true") { event.preventDefault(); if ($("small", hit)) toast({ kind: "ok", text: data.why }); return; } // else why.js shows it
  if (data.copy !== undefined) { event.preventDefault(); copy(hit); if (menu?.contains(hit)) menu.hidePopover(); }
  else if (data.dialog !== undefined) {
    if (event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    $$("[popover]:popover-open").forEach(pop => pop.hidePopover());
    openDialog(hit.href, data.dialog === "wide", data.picks).catch(() => {});
  } else if (data.menu !== undefined) { event.preventDefault(); openMenu(hit).catch(() => {}); }
  else if (data.close !== undefined) hit.closest("dialog").close();
  else if (data.dismiss !== undefined) hit.closest(".note").remove();
  else if (data.themeSwitch !== undefined) theme();
  else if (data.densitySwitch !== undefined) density();
  else if (data.palette !== undefined) openPalette();
  else if (data.rail !== undefined) rail(!$("#rail").classList.contains("open"));
  else if (data.showPassword !== undefined) { const field = $("input", hit.parentElement); field.type = field.type === "password" ? "text" : "password"; }
});
function rail(open) {
  if (!$("#rail")) return;
  $("#rail").classList.toggle("open", open);
  $(".shell").classList.toggle("drawn", open);
  $("[data-rail]").setAttribute("aria-expanded", open);
}
const here = $("#rail [aria-current]");
if (here) { // a low window shows the present page's entry all the same
  const rails = $("#rail > div"), low = here.getBoundingClientRect().bottom - rails.getBoundingClientRect().bottom;
  if (low > -8) rails.scrollTop += low + rails.clientHeight / 3;
}
function keep(name, value) { document.cookie = `${name}=${value};path=/;max-age=31536000;samesite=lax`; }
function theme() {
  const root = document.documentElement, next = root.dataset.bsTheme === "dark" ? "light" : "dark";
  root.dataset.bsTheme = root.dataset.themeChoice = next;
  keep("theme", next);
  document.dispatchEvent(new CustomEvent("themechange"));
}
export function density() {
  const root = document.documentElement, all = ["normal", "compact", "roomy"];
  root.dataset.density = all[(all.indexOf(root.dataset.density) + 1) % 3];
  keep("density", root.dataset.density);
}
// Groups of the rail that are folded stay so on the next page.
$("#rail")?.addEventListener("click", event => {
  if (event.target.closest("summary")) setTimeout(() => keep("folded", $$("#rail details:not([open])").map(one => one.dataset.group).join(".")));
});
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.includes(`zone=${zone}`)) keep("zone", zone);
$$("[data-confirm-self]").forEach(form => form.addEventListener("submit", event => event.submitter?.blur()));

// ── Ages ──────────────────────────────────────────────────────────────────────────────────────────────────────────
const gap = document.documentElement.lang.startsWith("zh") ? " " : " ";
function ages() {
  const now = Date.now();
  for (const mark of $$("time[data-age]")) {
    const s = Math.max(0, (now - Date.parse(mark.dateTime)) / 1000 | 0);
    const text = s < 60 ? `${s}${gap}${said.ageS}` : s < 3600 ? `${s / 60 | 0}${gap}${said.ageMin}` : s < 86400 ? `${s / 3600 | 0}${gap}${said.ageH}` : `${s / 86400 | 0}${gap}${said.ageD}`;
    if (mark.textContent !== text) mark.textContent = text;
    if (!mark.title) mark.title = new Date(mark.dateTime).toLocaleString(document.documentElement.lang, { timeZone: document.documentElement.dataset.zone, timeZoneName: "short" });
  }
}
setInterval(() => document.hidden || ages(), 1000);
ages();

// ── Palette ───────────────────────────────────────────────────────────────────────────────────────────────────────
const palette = $("#palette"), query = $("#palette-q");
let asked = 0, waiting = 0;
export function openPalette() {
  if (!palette || palette.open) return;
  palette.showModal();
  query.value = "";
  query.focus();
  look();
}
async function look() {
  const mine = ++asked, text = query.value;
  const html = await fragment(`${query.dataset.url}?q=${encodeURIComponent(text)}`).catch(() => "");
  if (mine !== asked) return;
  $("#found").innerHTML = html;
  $("#found").dataset.of = text;
  mark(0);
}
function mark(at) {
  const all = $$("#found a");
  if (!all.length) return;
  const to = (at + all.length) % all.length;
  all.forEach((link, n) => { link.classList.toggle("on", n === to); link.setAttribute("aria-selected", n === to); });
  all[to].scrollIntoView({ block: "nearest" });
}
query?.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(look, 90); });
query?.addEventListener("keydown", async event => {
  const all = $$("#found a"), at = all.findIndex(link => link.classList.contains("on"));
  if (event.key === "ArrowDown") { event.preventDefault(); mark(at + 1); }
  if (event.key === "ArrowUp") { event.preventDefault(); mark(at - 1); }
  if (event.key === "Enter") {
    event.preventDefault();
    if (waiting) { clearTimeout(waiting); waiting = 0; await look(); }
    const link = $("#found a.on") || all[0];
    if (!link) return;
    choose(link, event.ctrlKey);
  }
});
// A hit is a page, a dialog, a verb that is done at once, or a button of this page.
function choose(link, aside) {
  const { dialog: asks, post, does } = link.dataset;
  if (aside && !does && post === undefined) { open(link.href, "_blank"); return; }
  palette.close();
  if (does) $(does)?.click();
  else if (post !== undefined) fragment(link.href, { method: "POST" }).catch(() => {});
  else if (asks !== undefined) openDialog(link.href).catch(() => {});
  else location.assign(link.href);
}
$("#found")?.addEventListener("click", event => {
  const link = event.target.closest("a");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  event.stopPropagation();
  choose(link, false);
});
palette?.addEventListener("mousedown", event => { if (event.target === palette) palette.close(); });

// ── The bell ──────────────────────────────────────────────────────────────────────────────────────────────────────
const bell = $("#bell"), notices = $("#notices");
bell?.addEventListener("toggle", async event => {
  if (event.newState !== "open") return;
  notices.innerHTML = await fragment(`${notices.dataset.url}?read=1`).catch(() => "");
  $("#pip").hidden = true;
});
export async function countNotices() {
  if (!notices) return;
  const text = await fragment(`${notices.dataset.url}?count=1`, BACKGROUND).catch(() => "0");
  $("#pip").hidden = text.trim() === "0";
}

// ── Filter while typing: the list's own address, so that it can be shared ─────────────────────────────────────────
let typing = 0;
document.addEventListener("input", event => {
  const field = event.target.closest("[data-filter]");
  if (!field) return;
  clearTimeout(typing);
  typing = setTimeout(async () => {
    const url = new URL(location.href);
    field.value ? url.searchParams.set("q", field.value) : url.searchParams.delete("q");
    url.searchParams.delete("page");
    const read = () => fetch(url).catch(() => null);
    let answer = await read();
    if (answer?.redirected) {
      try { await signInAgain(); } catch { return; }
      answer = await read();
    }
    if (!answer?.ok) { unanswered(); return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    history.replaceState(null, "", url);
    const at = field.selectionStart, main = $("#main"), fresh = $("#main", page);
    main.replaceChildren(...fresh.childNodes);
    window.htmx.process(main);
    document.dispatchEvent(new CustomEvent("pagechange"));
    const again = $("[data-filter]", main);
    again?.focus();
    again?.setSelectionRange(at, at);
  }, 250);
});

