// The small windows of a list, filters and columns, open under their buttons.
import { $ } from "./ui.js";

document.addEventListener("toggle", event => {
  const pop = event.target;
  if (event.newState !== "open" || !pop.matches?.("#columns, #by-field")) return;
  const name = pop.getAttribute("id");  // pop.id may be a field of the form
  const at = $(`[popovertarget=${name}]`).getBoundingClientRect(), box = pop.getBoundingClientRect();
  pop.style.left = `${Math.max(8, Math.min(name === "columns" ? at.right - box.width : at.left, innerWidth - box.width - 8))}px`;
  pop.style.top = `${at.bottom + 6}px`;
  $("input:not([type=hidden])", pop)?.focus();
}, true);
