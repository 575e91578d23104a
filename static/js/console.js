// The screen (noVNC) and the serial port (xterm.js) of a guest. The ticket is asked for when the console opens.
import { own, signInAgain } from "./again.js";

const $ = (selector, root = document) => root.querySelector(selector);
const glass = $("[data-console]"), words = glass.dataset, screen = $("[data-console-screen]"), again = $("[data-console-again]");
let kind = location.hash === "#serial" ? "serial" : words.kind, rfb = null, term = null, socket = null;

function state(name) {
  const mark = $("[data-console-state]");
  words.status = name;
  mark.className = `st ${{ connected: "ok", connecting: "busy", lost: "off", waiting: "off" }[name]}`;
  $("span", mark).textContent = { connected: words.saidOk, connecting: words.saidBusy, lost: words.saidOff, waiting: words.saidNo }[name];
  screen.classList.toggle("dim", name === "lost");
  again.hidden = name === "connected" || name === "connecting";
}
async function ticket() {
  if (words.token) return words.token;
  const response = await fetch(`/instances/${words.id}/console/${kind}`, { method: "POST", headers: { ...own(), "HX-Request": "true" } });
  const why = response.headers.get("X-Sign-In");
  if (why) { await signInAgain(why); return ticket(); }
  return response.status === 200 ? (await response.json()).token : "";
}
async function connect() {
  close();
  state("connecting");
  const token = await ticket();
  if (!token) { state("waiting"); setTimeout(() => words.status === "waiting" && connect(), 3000); return; }
  const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/console/?token=${encodeURIComponent(token)}`;
  await (kind === "serial" ? serial(url) : vnc(url));
}
function close() {
  rfb?.disconnect();
  socket?.close();
  term?.dispose();
  rfb = term = socket = null;
}
function place(css) {
  const old = $("div", screen), fresh = document.createElement("div");
  fresh.className = css;
  old.replaceWith(fresh);
  return fresh;
}
async function vnc(url) {
  const { default: RFB } = await import("../vendor/novnc.js");
  const mine = rfb = new RFB(place(""), url, { wsProtocols: ["binary"] });
  mine.scaleViewport = true;
  mine.background = "#000";
  mine.addEventListener("connect", () => { state("connected"); mine.focus(); });
  mine.addEventListener("disconnect", () => { if (rfb === mine) state("lost"); });
}
async function serial(url) {
  const { Terminal, FitAddon } = await import("../vendor/xterm.js");
  const box = place("term");
  term = new Terminal({ fontFamily: '"JetBrains Mono Variable", monospace', fontSize: 13, scrollback: 5000, theme: { background: "#0b0e13", foreground: "#d5dae3" } });
  const fit = new FitAddon();
  term.loadAddon(fit);
  term.open(box);
  fit.fit();
  addEventListener("resize", () => term && fit.fit());
  const mine = socket = new WebSocket(url, ["binary"]);
  mine.binaryType = "arraybuffer";
  mine.onopen = () => { state("connected"); term.focus(); };
  mine.onmessage = event => term?.write(new Uint8Array(event.data));
  mine.onclose = () => { if (socket === mine) state("lost"); };
  term.onData(data => mine.readyState === 1 && mine.send(new TextEncoder().encode(data)));
}
function type(text) {
  if (socket) { socket.send(new TextEncoder().encode(text.replace(/\n/g, "\r"))); return; }
  for (const letter of text) {
    const code = letter === "\n" ? 0xff0d : letter.codePointAt(0) < 256 ? letter.codePointAt(0) : 0x01000000 | letter.codePointAt(0);
    const shifted = /[A-Z~!@#$%^&*()_+{}|:"<>?]/.test(letter);
    if (shifted) rfb?.sendKey(0xffe1, "ShiftLeft", true);
    rfb?.sendKey(code, null);
    if (shifted) rfb?.sendKey(0xffe1, "ShiftLeft", false);
  }
}
document.addEventListener("click", async event => {
  const hit = event.target.closest("[data-console-kind], [data-console-cad], [data-console-paste], [data-console-window], [data-console-full], [data-console-again]");
  if (!hit) return;
  event.preventDefault();
  const data = hit.dataset;
  if (data.consoleKind) {
    kind = data.consoleKind;
    history.replaceState(null, "", `#${kind}`);
    mark();
    connect();
  } else if ("consoleCad" in data) rfb ? rfb.sendCtrlAltDel() : socket?.send(new Uint8Array([3]));
  else if ("consolePaste" in data) type(await navigator.clipboard.readText().catch(() => ""));
  else if ("consoleWindow" in data) { const token = await ticket(); if (token) open(`/vnc/?token=${encodeURIComponent(token)}`, "_blank", "width=1040,height=820"); }
  else if ("consoleFull" in data) screen.requestFullscreen();
  else if ("consoleAgain" in data) connect();
});
function mark() {
  for (const link of document.querySelectorAll("[data-console-kind]")) link.dataset.consoleKind === kind ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
}
// Ctrl Alt Shift leaves the guest.
document.addEventListener("keydown", event => { if (event.ctrlKey && event.altKey && event.shiftKey) { rfb?.blur(); term?.blur(); $("[data-console-cad]").focus(); } }, true);
mark();
connect();
