// Sparks: how busy each instance of the list was in the last hour, one request for all rows, each minute while somebody looks.
import { $, $$, BACKGROUND, fragment } from "./ui.js";

const EVERY = 60000, WIDE = 72, HIGH = 20;
const SVG = "http://www.w3.org/2000/svg";
const table = $("[data-sparks]");
let known = {};

// Lines between minutes that are known, from the bottom at 0 to the top at 100 % of the vCPUs.
function path(values) {
  const x = at => (at * WIDE / (values.length - 1)).toFixed(1), y = value => (HIGH - 1 - Math.min(value, 100) / 100 * (HIGH - 2)).toFixed(1);
  let text = "", draws = false;
  values.forEach((value, at) => {
    if (value !== null) text += `${draws ? "L" : "M"}${x(at)} ${y(value)}${draws ? "" : "h.1"}`;
    draws = value !== null;
  });
  return text;
}
function spark(values) {
  const svg = document.createElementNS(SVG, "svg"), line = document.createElementNS(SVG, "path"), last = values.findLast(value => value !== null);
  svg.setAttribute("class", "spark");
  svg.setAttribute("viewBox", `0 0 ${WIDE} ${HIGH}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", last === undefined ? "–" : `${last} %`);
  line.setAttribute("d", path(values));
  svg.append(line);
  return svg;
}
function draw() {
  for (const row of $$("tbody tr[data-id]", table)) {
    const cell = $("[data-spark]", row), values = known[row.dataset.id];
    if (cell && values?.some(value => value !== null) && !cell.firstChild) cell.append(spark(values));
  }
}
async function ask() {
  if (document.hidden) { document.addEventListener("visibilitychange", ask, { once: true }); return; }
  const ids = $$("tbody tr[data-id]", table).map(row => `&id=${encodeURIComponent(row.dataset.id)}`);
  try {
    known = JSON.parse(await fragment(table.dataset.sparks + ids.join(""), BACKGROUND));
    $$("[data-spark]", table).forEach(cell => cell.replaceChildren());
    draw();
  } catch { /* a list without sparks is a list */ }
  setTimeout(ask, EVERY);
}
if (table && matchMedia("(min-width: 1101px)").matches) {
  document.addEventListener("livechange", draw); // a row that is new has an empty cell
  ask();
}
