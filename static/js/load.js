// Charts of load: one request a section and span, asked again while somebody looks. What is not known is a hole, never a line.
import uPlot from "../vendor/uplot.js";
import { $, $$, BACKGROUND, fragment } from "./ui.js";

const EVERY = { "1h": 10, "24h": 60, "7d": 300, "30d": 600 }; // seconds
const HEIGHT = 112;
const tongue = document.documentElement.lang, gap = tongue.startsWith("zh") ? "" : " ";
const short = value => value >= 100 || Number.isInteger(value) ? value.toFixed(0) : String(+value.toPrecision(3));
const scaled = (value, base, units) => {
  let at = 0;
  while (Math.abs(value) >= base && at < units.length - 1) { value /= base; at++; }
  return `${short(value)} ${units[at]}`;
};
const UNITS = {
  percent: value => `${short(value)}${gap}%`,
  mib: value => scaled(value, 1024, ["MiB", "GiB", "TiB"]),
  bytes: value => scaled(value, 1024, ["B/s", "KiB/s", "MiB/s", "GiB/s"]),
  bits: value => scaled(value * 8, 1000, ["bit/s", "kbit/s", "Mbit/s", "Gbit/s"]),
  packets: value => `${short(value)}/s`,
};
const UNIT_STEPS = { mib: 1024, bytes: 1024 };
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const clock = new Intl.DateTimeFormat(tongue, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(tongue, { month: "short", day: "numeric" });
const exact = new Intl.DateTimeFormat(tongue, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });

// Round numbers for the axis: 1, 2, 5, …; of bytes by 1024.
function splits(top, unit) {
  const base = UNIT_STEPS[unit];
  const per = unit === "bits" ? 1 / 8 : base ? base ** Math.max(0, Math.floor(Math.log(top / 2) / Math.log(base))) : 1;
  const rough = top / per / 3, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find(one => one * power >= rough) * power * per;
  return Array.from({ length: Math.floor(top / step) + 1 }, (_, at) => at * step);
}

function options(figure, from, until, many, key) {
  const { unit, top } = figure.dataset, say = UNITS[unit], days = until - from > 2 * 86400;
  const axis = { stroke: colour("--sl-ink-3"), font: `11px ${colour("--sl-sans")}`, ticks: { show: false } };
  const line = (stroke, fill) => ({ stroke: colour(stroke), fill: fill && colour(fill), width: 1.5, points: { show: false }, spanGaps: false });
  return {
    width: $(".plot", figure).clientWidth - 20, height: HEIGHT, legend: { show: false }, padding: [6, 16, 0, 0],
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false }, sync: { key } },
    scales: { x: { range: () => [from, until] }, y: { range: (_plot, _least, most) => [0, Math.max((most || 0) * 1.1, +top)] } },
    axes: [
      { ...axis, grid: { show: false }, size: 22, space: 70, values: (_plot, at) => at.map(one => (days ? day : clock).format(one * 1000)) },
      { ...axis, grid: { stroke: colour("--sl-line"), width: 1 }, size: 64, splits: (_plot, _axis, _least, most) => splits(most, unit), values: (_plot, at) => at.map(say) },
    ],
    series: [{}, line("--sl-accent-ink", "--sl-accent-soft"), line("--sl-off")].slice(0, many + 1),
    hooks: { setCursor: [plot => tip(figure, plot)] },
  };
}

// The known values nearest to the pointer, of all charts of the section: their cursors go together. The newest may still be on their way.
function tip(figure, plot) {
  const mark = $(".tip", figure), { idx, left } = plot.cursor;
  const at = [0, -1, 1, -2, 2, -3].map(step => idx + step).find(one => typeof plot.data[1][one] === "number");
  mark.hidden = idx === null || idx === undefined || left < 0 || at === undefined;
  if (mark.hidden) return;
  const names = $$(".curves span", figure).map(one => one.textContent), say = UNITS[figure.dataset.unit];
  const values = plot.data.slice(1).map((line, n) => line[at] === null ? "" : `${names[n] ? `${names[n]} ` : ""}${say(line[at])}`);
  mark.textContent = [exact.format(plot.data[0][at] * 1000), ...values.filter(Boolean)].join(" · ");
  mark.classList.toggle("left", plot.cursor.left > plot.bbox.width / devicePixelRatio / 2);
}

class Section {
  constructor(root, number) {
    this.root = root;
    this.key = `load-${number}`;
    this.plots = [];
    this.span = $("[data-span]", root).dataset.span;
    $("nav", root).hidden = false;
    for (const figure of $$("[data-chart]", root)) figure.append(Object.assign(document.createElement("output"), { className: "tip", hidden: true }));
    root.addEventListener("click", event => {
      const link = event.target.closest("[data-span]");
      if (!link) return;
      event.preventDefault();
      this.choose(link);
    });
    this.ask();
  }

  choose(link) {
    this.span = link.dataset.span;
    $$("[data-span]", this.root).forEach(one => one === link ? one.setAttribute("aria-current", "true") : one.removeAttribute("aria-current"));
    this.ask();
  }

  async ask() {
    clearTimeout(this.timer);
    const span = this.span;
    if (document.hidden) { document.addEventListener("visibilitychange", () => this.ask(), { once: true }); return; }
    try {
      const found = JSON.parse(await fragment(`${this.root.dataset.load}?span=${span}`, BACKGROUND));
      if (span !== this.span) return; // another was chosen meanwhile
      this.show(found);
    } catch (error) {
      if (error.gone || span !== this.span) return;
      this.say(this.root.dataset.saidLost);
    }
    this.timer = setTimeout(() => this.ask(), EVERY[span] * 1000);
  }

  say(text) {
    const why = $("[data-why]", this.root);
    why.textContent = text;
    why.hidden = !text;
  }

  show(found) {
    this.found = found;
    this.say(found.why);
    $(".charts", this.root).hidden = Boolean(found.why);
    this.draw();
  }

  draw() {
    this.plots.forEach(plot => plot.destroy());
    this.plots = [];
    if (!this.found || this.found.why) return;
    const { from, until, times, charts, now } = this.found;
    for (const figure of $$("[data-chart]", this.root)) {
      const lines = charts[figure.dataset.chart], place = $(".plot", figure), said = now[figure.dataset.chart] || "–";
      $("[data-now]", figure).textContent = said;
      place.setAttribute("aria-label", `${place.dataset.title}: ${said}`);
      this.plots.push(new uPlot(options(figure, from, until, lines.length, this.key), [times, ...lines], place));
    }
  }
}

const sections = $$("[data-load]").map((root, number) => new Section(root, number));
const again = () => sections.forEach(section => section.draw());
let waits = 0;
addEventListener("resize", () => { cancelAnimationFrame(waits); waits = requestAnimationFrame(again); });
new MutationObserver(again).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
