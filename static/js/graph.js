// The map of networks as a graph that can be moved; it follows what changes.
import cytoscape from "../vendor/cytoscape.js";

const place = document.querySelector("#graph");
const color = name => getComputedStyle(document.documentElement).getPropertyValue(`--sl-${name}`).trim();
const read = () => JSON.parse(document.querySelector("#graph-data").textContent).map(data => ({ group: data.source ? "edges" : "nodes", data }));

const lines = node => node.data("label").split("\n");
const wide = node => 22 + 7.2 * Math.max(...lines(node).map(line => line.length)), high = node => 14 + 15 * lines(node).length;

function style() {
  const ink = color("ink"), line = color("line-2"), states = { ok: color("ok"), off: color("off"), busy: color("accent"), warn: color("warn"), bad: color("bad") };
  const labels = document.querySelector("#addresses").checked;
  return [
    { selector: "node", style: { label: "data(label)", "font-family": "Inter Variable, sans-serif", "font-size": 12, color: ink, "text-wrap": "wrap", "text-valign": "bottom", "text-margin-y": 4, "background-color": color("surface"), "border-width": 1.5, "border-color": line, width: 22, height: 22 } },
    { selector: "node[kind='network']", style: { shape: "round-rectangle", width: wide, height: high,  "text-valign": "center", "text-margin-y": 0, "background-color": color("accent-soft"), color: color("accent-ink") } },
    { selector: "node[kind='external']", style: { shape: "round-rectangle", width: wide, height: high,  "text-valign": "center", "text-margin-y": 0, "background-color": color("sunken"), "font-weight": 600 } },
    { selector: "node[kind='router']", style: { shape: "ellipse", width: 30, height: 30 } },
    ...Object.entries(states).map(([name, shade]) => ({ selector: `node[status='${name}']`, style: { "background-color": shade, "border-color": shade } })),
    { selector: "edge", style: { width: 1.5, "line-color": line, "curve-style": "haystack", label: labels ? "data(label)" : "", "font-family": "JetBrains Mono Variable, monospace", "font-size": 10, color: color("ink-3"), "text-background-color": color("surface"), "text-background-opacity": 1, "text-background-padding": 2 } },
    { selector: ":selected", style: { "border-color": color("accent"), "border-width": 3 } },
  ];
}
const layout = { name: "cose", animate: false, padding: 24, nodeRepulsion: 9000, idealEdgeLength: 70 };
const MOST = 1.3; // of a small graph, which would fill the page otherwise
const graph = cytoscape({ container: place, elements: read(), style: style(), layout: { name: "preset" }, minZoom: 0.2, maxZoom: 3 });
function arrange() {
  graph.layout(layout).run();
  if (graph.zoom() > MOST) { graph.zoom(MOST); graph.center(); }
}
const ids = () => graph.elements().map(one => one.id()).sort().join();

place.dataset.nodes = graph.nodes().length;
arrange();
graph.on("tap", "node", event => {
  const [kind, id] = event.target.id().split(":");
  window.htmx.ajax("GET", `/topology/${kind}/${id}`, { target: "#side", swap: "innerHTML" });
});
document.addEventListener("livechange", () => {
  const before = ids();
  graph.json({ elements: read() });
  place.dataset.nodes = graph.nodes().length;
  if (ids() !== before) arrange();
});
const repaint = () => graph.style(style());
document.addEventListener("themechange", repaint);
document.querySelector("#addresses").addEventListener("change", repaint);
