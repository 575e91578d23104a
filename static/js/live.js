// One socket says what changed; 150 ms of changes become one request for those rows, or for the changing part of a page.
import { signInAgain } from "./again.js";
import { $, $$, BACKGROUND, countNotices, fragment } from "./ui.js";

const COLLECT = 150, LEAST = 400, SLOW = 10000, AGAIN = 2000;
let changed = new Map(), failed = new Map(), timer = 0, busy = false, last = 0, socket = null, retry = 1000, fallback = 0, heard = 0, since = false;

export function startLive() {
  if (!document.body.dataset.live) return;
  connect();
  setInterval(underWay, AGAIN);
  document.addEventListener("signedin", () => { if (socket.readyState > 1) connect(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && (!socket || socket.readyState > 1)) connect(); });
}

// `heard`: the last event up to which this page was told everything; `since`: whether this socket has told what came before it.
function connect() {
  since = false;
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/`);
  socket.onmessage = event => {
    const message = JSON.parse(event.data);
    if (message.live) { up(); return; }
    if (message.signed_out) { socket.onclose = null; socket.close(); signedOut(); return; }
    if (message.all) everything();
    else for (const change of message.since || [message]) note(change.changed, change.id);
    since = since || message.since !== undefined || message.all;
    if (since) heard = Math.max(heard, message.number || 0);
  };
  socket.onclose = event => {
    if (event.code === 4401) { signedOut(); return; }
    lost();
    setTimeout(connect, retry);
    retry = Math.min(retry * 2, 15000);
  };
}
// Once somebody looks at the page, it asks for the password; without, it stays as it is and says so.
function signedOut() {
  if (document.hidden) { document.addEventListener("visibilitychange", signedOut, { once: true }); return; }
  signInAgain().then(() => { if (socket.readyState > 1) connect(); }).catch(() => told(document.body.dataset.saidSignedOut));
}
function up() {
  retry = 1000;
  clearInterval(fallback);
  fallback = 0;
  socket.send(JSON.stringify({ made: document.body.dataset.live, heard, shows: shown() })); // what changed while no socket was there
  if (failed.size) plan();
  told("");
}
function lost() {
  if (fallback) return;
  fallback = setInterval(() => document.hidden || everything(), SLOW);
  setTimeout(() => { if (fallback) told(document.body.dataset.saidOffline); }, 2500);
}
function told(text) { // the bar says it, where the page has one
  const place = $("#lost");
  if (place) Object.assign(place, { textContent: text, hidden: !text });
}
function everything() {
  for (const table of $$("[data-live-rows]")) for (const row of $$("tbody tr[data-id]", table)) note(table.dataset.liveRows, row.dataset.id);
  for (const part of $$("[data-live-part]")) note(part.dataset.livePart.split(" ")[0], part.dataset.liveId);
}
// What arrives piece by piece, or is true of a moment only (data-again: for so many seconds), is read again while it is shown.
let ticks = 0;
function underWay() {
  ticks += 1;
  const due = document.hidden ? [] : $$("[data-live-part] [data-again]").filter(mark => ticks * AGAIN % ((mark.dataset.again || 2) * 1000) === 0);
  for (const part of new Set(due.map(mark => mark.closest("[data-live-part]")))) note(part.dataset.livePart.split(" ")[0], part.dataset.liveId);
}
// As [kind, id]; a part that shows any of a kind has no id.
function shown() {
  const rows = $$("[data-live-rows]").flatMap(table => $$("tbody tr[data-id]", table).map(row => [table.dataset.liveRows, row.dataset.id]));
  const parts = $$("[data-live-part]").flatMap(part => part.dataset.livePart.split(" ").map((kind, at) => [kind, at ? "" : part.dataset.liveId]));
  return [...rows, ...parts];
}
function note(kind, id) {
  changed.set(`${kind} ${id}`, [kind, id]);
  plan();
}
function plan() {
  if (timer || busy) return;
  timer = setTimeout(flush, Math.max(COLLECT, LEAST - (performance.now() - last)));
}
async function flush() {
  timer = 0;
  if (document.hidden && changed.size < 500) { document.addEventListener("visibilitychange", plan, { once: true }); return; }
  busy = true;
  const asked = new Map([...failed, ...changed]), now = [...asked.values()];
  changed = new Map();
  failed = new Map();
  try {
    await Promise.all([...$$("[data-live-rows]").map(table => rows(table, now)), ...$$("[data-live-part]").map(part => reload(part, now))]);
    if (now.some(([kind]) => kind === "operation")) countNotices();
  } catch { // asked for again with the next change, once there is a socket again, or by the slow reading
    failed = asked;
  }
  busy = false;
  last = performance.now();
  document.dispatchEvent(new CustomEvent("livechange"));
  if (changed.size) plan();
}

async function rows(table, now) {
  const kind = table.dataset.liveRows, body = $("tbody", table);
  const ids = now.filter(([what]) => what === kind).map(([, id]) => id).filter(Boolean);
  const here = body ? ids.filter(id => $(`tr[data-id="${CSS.escape(id)}"]`, body)) : []; // an empty list has no table yet
  if (!ids.length) return;
  const html = await fragment(table.dataset.rowsUrl + ids.map(encodeURIComponent).join("&rows="), BACKGROUND);
  const found = new DOMParser().parseFromString(html, "text/html");
  // What is not on this page is announced if it is of this list: an operator's socket hears of every project's.
  const fresh = ids.filter(id => !here.includes(id) && $(`tr[data-id="${CSS.escape(id)}"]`, found));
  if (fresh.length) announce(table, fresh);
  if (!body) return;
  for (const id of here) replace(body, id, $(`tr[data-id="${CSS.escape(id)}"]`, found), $(`tr[data-why-of="${CSS.escape(id)}"]`, found));
  if (html.includes("data-title")) document.title = $("[data-title]", found)?.dataset.title || document.title;
  const gone = here.filter(id => !$(`tr[data-id="${CSS.escape(id)}"]`, body)).length;
  if (gone) $$("[data-total]").forEach(total => { total.textContent = Math.max(0, total.textContent - gone); });
  const chips = $("[data-chips]", found);
  if (chips) $$("[data-chip]", chips).forEach(chip => { const to = $(`.filters [data-chip="${chip.dataset.chip}"]`); if (to) to.textContent = chip.textContent; });
  window.htmx.process(body);
}
// What has the focus keeps it where its surroundings are written anew: found again by its place among all that can have it.
const focusable = root => $$("a, button, input", root), focused = root => focusable(root).indexOf(document.activeElement);
function refocus(root, at) { focusable(root)[at]?.focus({ preventScroll: true }); }
function replace(body, id, row, why) {
  const old = $(`tr[data-id="${CSS.escape(id)}"]`, body);
  $(`tr[data-why-of="${CSS.escape(id)}"]`, body)?.remove();
  if (!row) { old.remove(); return; }
  const drawn = $("[data-spark]", old), empty = $("[data-spark]", row);
  if (drawn && empty) empty.innerHTML = drawn.innerHTML; // sparks.js asked for it
  if (old.outerHTML !== row.outerHTML) {
    const box = $("input[type=checkbox]", row), was = $("input[type=checkbox]", old);
    if (box && was) box.checked = was.checked;
    row.classList.toggle("sel", old.classList.contains("sel"));
    row.classList.toggle("at", old.classList.contains("at"));
    const at = focused(old);
    old.replaceWith(row);
    refocus(row, at);
  }
  if (why) row.after(why);
}
// As the first row of the list; above a list that has none yet.
function announce(table, fresh) {
  const seen = new Set((table.dataset.fresh || "").split(" ").filter(Boolean)), body = $("tbody", table);
  fresh.forEach(id => seen.add(id));
  table.dataset.fresh = [...seen].join(" ");
  const link = Object.assign(document.createElement("a"), { href: location.href, textContent: `${seen.size} ${document.body.dataset.saidNew} · ${document.body.dataset.saidShow}` });
  let place = $("#fresh");
  if (body && !place?.closest("tr")) {
    place?.remove();
    place = Object.assign(document.createElement("td"), { id: "fresh", className: "fresh sm", colSpan: 99 });
    body.prepend(document.createElement("tr"));
    body.firstChild.append(place);
  }
  place?.removeAttribute("hidden");
  place?.replaceChildren(link);
}

function same(part, html) {
  const text = node => node.textContent.replace(/\s+/g, " ").trim();
  const next = new DOMParser().parseFromString(html, "text/html").body;
  return text(next) === text(part) && $$("[data-status]", next).map(one => one.dataset.status).join() === $$("[data-status]", part).map(one => one.dataset.status).join();
}
// Freeze a page whose object is gone: no spinner, no running age, no button that works; it says so and leads to the list.
function leave(part) {
  const { saidGone } = document.body.dataset, name = $("h1", part);
  part.dataset.gone = "yes";
  part.inert = true;
  $$("time[data-age]", part).forEach(mark => mark.remove());
  $$(".head .st", part).forEach(mark => { mark.className = "st off big"; mark.replaceChildren($("i", mark), saidGone); });
  const home = $(".crumb a");
  if (home && !$("[data-left]")) {
    const note = Object.assign(document.createElement("div"), { className: "note warn mb" }), text = document.createElement("div");
    note.dataset.left = "";
    text.className = "grow";
    text.append(document.body.dataset.saidLeft);
    note.append(text, Object.assign(home.cloneNode(true), { className: "btn btn-plain btn-s" }));
    part.before(note);
  }
  if (name) document.title = `${name.textContent}, ${saidGone} · Stackling`;
}
async function reload(part, now) {
  const kinds = part.dataset.livePart.split(" "), id = part.dataset.liveId;
  if (!now.some(([kind, changedId]) => kinds.includes(kind) && (changedId === id || !id || kind !== kinds[0]))) return;
  if (part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) return;
  if (part.dataset.gone) return;
  let html;
  try { html = await fragment(part.dataset.liveUrl, BACKGROUND); } catch (error) {
    if (error.gone) leave(part);
    throw error;
  }
  if (part.dataset.was === html || (part.dataset.was === undefined && same(part, html))) return;
  const at = focused(part), ticked = $$("tr[data-id] :checked", part).map(box => box.closest("tr").dataset.id);
  part.dataset.was = html;
  part.innerHTML = html;
  for (const row of $$("tr[data-id]", part)) if (ticked.includes(row.dataset.id)) $("input[type=checkbox]", row).checked = true;
  refocus(part, at);
  const title = $("[data-title]", part);
  if (title) document.title = title.dataset.title;
  window.htmx.process(part);
}
