// The small windows of a list, filters, views and columns, open under their buttons; a frame that scrolls is reached by keys.
import { $, $$ } from "./ui.js";

const FRAMES = ".tw, .tabs, .seg, .step-names";

// Which side a frame goes on at: there it fades out.
function edges(frame) {
  frame.toggleAttribute("data-before", frame.scrollLeft > 1);
  frame.toggleAttribute("data-beyond", frame.scrollWidth - frame.clientWidth - frame.scrollLeft > 1);
}

function frames() {
  $$(FRAMES).forEach(edges);
  for (const frame of $$(".tw")) {
    const stuck = frame.scrollWidth > frame.clientWidth && !$("a, button, input, select", frame);
    stuck ? frame.setAttribute("tabindex", "0") : frame.removeAttribute("tabindex");
  }
}
for (const name of ["livechange", "pagechange"]) document.addEventListener(name, frames);
document.body.addEventListener("htmx:afterSwap", frames);
addEventListener("resize", frames);
document.addEventListener("scroll", event => { if (event.target.matches?.(FRAMES)) edges(event.target); }, { capture: true, passive: true });
frames();

document.addEventListener("toggle", event => {
  const pop = event.target;
  if (event.newState !== "open" || !pop.matches?.("#columns, #by-field, #views")) return;
  const name = pop.getAttribute("id");  // pop.id may be a field of the form
  const at = $(`[popovertarget=${name}]`).getBoundingClientRect(), box = pop.getBoundingClientRect();
  pop.style.left = `${Math.max(8, Math.min(name !== "by-field" ? at.right - box.width : at.left, innerWidth - box.width - 8))}px`;
  pop.style.top = `${at.bottom + 6}px`;
  $("input:not([type=hidden])", pop)?.focus();
}, true);
