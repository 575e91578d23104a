// The boot log: grows by itself, follows until one scrolls up, searched and downloaded. Terminal codes are taken out.
import { $, BACKGROUND, fragment } from "./ui.js";

const glass = $("[data-log]"), pre = $("[data-log-text]"), state = $("[data-log-state]"), words = glass.dataset;
let at = 0, text = "", follows = true, shown = "";
const CODES = /\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07|\x1b[()][0-9A-Za-z]|\x1b[=>78cDEHM]|[\x00-\x08\x0b-\x0c\x0e-\x1f]/g;

async function read() {
  try {
    const found = JSON.parse(await fragment(`${words.log}?from=${at}`, BACKGROUND));
    if (found.from === 0 && at > 0) text = "";
    at = found.to;
    if (found.text) { text = (text + found.text.replace(/\r+\n/g, "\n")).slice(-1000000); show(); }
  } catch (error) { if (error.gone) return; /* else the next reading comes in a moment */ }
  setTimeout(read, document.hidden ? 5000 : 1200);
}
function show() {
  const query = $("[data-log-search]").value, clean = text.replace(CODES, "").replace(/\r/g, "");
  const key = `${query}\0${clean.length}`;
  if (key === shown) return;
  shown = key;
  pre.replaceChildren();
  let hits = 0;
  for (const line of clean.split("\n")) {
    const stamp = /^\[\s*\d+\.\d+\]/.exec(line)?.[0] || "";
    if (stamp) pre.append(Object.assign(document.createElement("s"), { textContent: stamp }));
    let rest = line.slice(stamp.length);
    if (query) {
      for (let found = rest.toLowerCase().indexOf(query.toLowerCase()); found >= 0; found = rest.toLowerCase().indexOf(query.toLowerCase())) {
        pre.append(rest.slice(0, found), Object.assign(document.createElement("mark"), { textContent: rest.slice(found, found + query.length) }));
        rest = rest.slice(found + query.length);
        hits++;
      }
    }
    pre.append(`${rest}\n`);
  }
  $("[data-log-size]").textContent = `${clean.split("\n").length} ${words.saidLines}, ${(at / 1024).toFixed(1)} KiB`;
  $("[data-log-hits]").textContent = query ? hits : "";
  if (query) pre.querySelector("mark")?.scrollIntoView({ block: "center" }); else if (follows) pre.scrollTop = pre.scrollHeight;
}
pre.addEventListener("scroll", () => {
  follows = pre.scrollHeight - pre.scrollTop - pre.clientHeight < 24;
  state.className = follows ? "st ok" : "st off";
  $("span", state).textContent = follows ? words.saidFollows : words.saidPaused;
});
$("[data-log-search]").addEventListener("input", show);
read();
