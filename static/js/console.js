// The screen (noVNC) and the serial port (xterm.js) of a guest. The ticket is asked for when the console opens.
import { own, signInAgain } from "./again.js";

const $ = (selector, root = document) => root.querySelector(selector);
const glass = $("[data-console]"), words = glass.dataset, screen = $("[data-console-screen]"), again = $("[data-console-again]");
let used = !words.fresh; // the ticket of this page's own address
let kind = location.hash === "#serial" ? "serial" : words.kind, rfb = null, term = null, socket = null;

function state(name) {
  const mark = $("[data-console-state]");
  words.status = name;
  mark.className = `st ${{ connected: "ok", connecting: "busy", lost: "off", waiting: "off", over: "off" }[name]}`;
  $("span", mark).textContent = { connected: words.saidOk, connecting: words.saidBusy, lost: words.saidOff, waiting: words.saidNo, over: words.saidOver }[name];
  screen.classList.toggle("dim", name === "lost");
  again.hidden = name === "connected" || name === "connecting" || name === "over";
}
// A ticket opens one console, once: each connection has its own.
async function ticket() {
  if (words.token && !used) { used = true; return words.token; }
  if (words.token || words.link) return next();
  const response = await fetch(`/instances/${words.id}/console/${kind}`, { method: "POST", headers: { ...own(), "HX-Request": "true" } });
  const why = response.headers.get("X-Sign-In");
  if (why) { await signInAgain(why); return ticket(); }
  return response.status === 200 ? (await response.json()).token : "";
}
async function next() {
  const asked = words.link ? { link: words.link, kind } : { token: words.token };
  const response = await fetch("/vnc/ticket", { method: "POST", body: new URLSearchParams(asked), headers: { "HX-Request": "true" } });
  if (["403", "404"].includes(response.headers.get("X-Status"))) { state("over"); throw new Error("this address is over"); }
  if (response.status !== 200) return "";
  const { token } = await response.json();
  if (words.token) { words.token = token; history.replaceState(null, "", `/vnc/?token=${encodeURIComponent(token)}`); }
  return token;
}
async function connect() {
  close();
  state("connecting");
  let token;
  try { token = await ticket(); } catch { if (words.status === "connecting") state("lost"); return; } // else said by then
  if (!token) { state("waiting"); setTimeout(() => words.status === "waiting" && connect(), 3000); return; }
  const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/console/?token=${encodeURIComponent(token)}`;
  await (kind === "serial" ? serial(url) : vnc(url));
}
function lost() { // a link may have ended meanwhile: then nothing is to be tried again
  state("lost");
  if (words.link) next().catch(() => {});
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
  const mine = new RFB(place(""), url, { wsProtocols: ["binary"] });
  rfb = mine;
  mine.scaleViewport = true;
  mine.viewOnly = Boolean(words.link); // what is typed would be dropped on the way
  mine.background = "#000";
  mine.addEventListener("connect", () => { state("connected"); mine.focus(); });
  mine.addEventListener("disconnect", () => { if (rfb === mine) lost(); });
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
  const mine = new WebSocket(url, ["binary"]);
  socket = mine;
  mine.binaryType = "arraybuffer";
  mine.onopen = () => { state("connected"); term.focus(); };
  mine.onmessage = event => term?.write(new Uint8Array(event.data));
  mine.onclose = () => { if (socket === mine) lost(); };
  if (!words.link) term.onData(data => mine.readyState === 1 && mine.send(new TextEncoder().encode(data)));
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
// Special keys: X11 keysym for a screen, bytes for a serial port.
const KEYS = { Escape: [0xff1b, "\x1b"], Tab: [0xff09, "\t"], Enter: [0xff0d, "\r"], Backspace: [0xff08, "\x7f"], ArrowUp: [0xff52, "\x1b[A"], ArrowDown: [0xff54, "\x1b[B"], ArrowLeft: [0xff51, "\x1b[D"], ArrowRight: [0xff53, "\x1b[C"], CtrlC: [0, "\x03"] };
function press(name) {
  const [sign, bytes] = KEYS[name];
  if (socket) { socket.send(new TextEncoder().encode(bytes)); return; }
  if (sign) { rfb?.sendKey(sign, name); return; }
  rfb?.sendKey(0xffe3, "ControlLeft", true);
  rfb?.sendKey(0x63, "KeyC");
  rfb?.sendKey(0xffe3, "ControlLeft", false);
}
// What a browser does not let a page read from the clipboard is pasted by hand.
const box = $("#paste");
async function paste() {
  const text = await (navigator.clipboard?.readText?.() ?? Promise.reject(new Error("not over http"))).catch(() => null);
  if (text !== null) { type(text); return; }
  $("textarea", box).value = "";
  box.showModal();
}
box?.addEventListener("submit", () => type($("textarea", box).value));
$("[data-console-unpasted]")?.addEventListener("click", () => box.close());
// A phone shows its keyboard for a field alone: what is typed there goes on to the guest. PAD is what a backspace can take away.
const keyboard = $("[data-console-typed]"), PAD = "    ";
keyboard?.addEventListener("input", () => {
  const text = keyboard.value;
  if (text.length < PAD.length) press("Backspace"); else type(text.slice(PAD.length));
  keyboard.value = PAD;
});
keyboard?.addEventListener("keydown", event => {
  if (!(event.key in KEYS) || event.key === "Backspace") return;
  event.preventDefault();
  press(event.key);
});
document.addEventListener("click", async event => {
  const hit = event.target.closest("[data-console-kind], [data-console-cad], [data-console-key], [data-console-keyboard], [data-console-paste], [data-console-window], [data-console-full], [data-console-again]");
  if (!hit) return;
  event.preventDefault();
  const data = hit.dataset;
  if (data.consoleKind) {
    kind = data.consoleKind;
    history.replaceState(null, "", `#${kind}`);
    mark();
    connect();
  } else if ("consoleCad" in data) rfb?.sendCtrlAltDel();
  else if ("consoleKey" in data) press(data.consoleKey);
  else if ("consolePaste" in data) paste();
  else if ("consoleKeyboard" in data) { keyboard.value = PAD; keyboard.focus(); }
  else if ("consoleWindow" in data) open(`/instances/${words.id}/console-window#${kind}`, "_blank", "width=1040,height=820");
  else if ("consoleFull" in data) screen.requestFullscreen();
  else if ("consoleAgain" in data) connect();
});
function mark() {
  $("[data-console-cad]")?.toggleAttribute("hidden", kind === "serial");
  $("[data-console-key=CtrlC]")?.toggleAttribute("hidden", kind !== "serial");
  for (const link of document.querySelectorAll("[data-console-kind]")) link.dataset.consoleKind === kind ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
}
// Ctrl Alt Shift leaves the guest.
document.addEventListener("keydown", event => { if (event.ctrlKey && event.altKey && event.shiftKey) { rfb?.blur(); term?.blur(); $("[data-console-cad]")?.focus(); } }, true);
mark();
connect();
