// Why a greyed thing is greyed: a bubble beside it for pointer and keyboard, at the foot of a narrow screen for a finger.
// It is not interactive and goes with Escape, so it follows WCAG 1.4.13; screen readers get it as the description.
const GREYED = "[data-why][aria-disabled=true]", NARROW = matchMedia("(max-width: 759px)");
const bubble = Object.assign(document.createElement("div"), { id: "why", popover: "manual" });
bubble.setAttribute("role", "tooltip");
document.body.append(bubble);
let at = null;

function show(thing) {
  if (at === thing) return;
  hide();
  if (thing.querySelector("small")) return; // an entry of a menu says it itself
  at = thing;
  thing.removeAttribute("title");
  bubble.textContent = thing.dataset.why;
  thing.setAttribute("aria-describedby", bubble.id);
  bubble.showPopover();
  if (NARROW.matches) { bubble.removeAttribute("style"); return; }
  const box = thing.getBoundingClientRect(), own = bubble.getBoundingClientRect();
  const below = box.bottom + own.height + 12 < innerHeight;
  bubble.style.left = `${Math.max(8, Math.min(box.left + box.width / 2 - own.width / 2, innerWidth - own.width - 8))}px`;
  bubble.style.top = `${below ? box.bottom + 6 : box.top - own.height - 6}px`;
}
function hide() {
  if (!at) return;
  at.removeAttribute("aria-describedby");
  at = null;
  bubble.hidePopover();
}
const greyed = event => event.target instanceof Element && event.target.closest(GREYED);
document.addEventListener("pointerover", event => { if (event.pointerType === "mouse") { const thing = greyed(event); if (thing) show(thing); else if (at && at !== document.activeElement) hide(); } });
document.addEventListener("focusin", event => { const thing = greyed(event); if (thing) show(thing); else hide(); });
document.addEventListener("focusout", event => { if (event.target === at) hide(); });
document.addEventListener("click", event => { const thing = greyed(event); if (thing) { event.preventDefault(); show(thing); } else hide(); });
document.addEventListener("keydown", event => { if (event.key === "Escape" && at) { hide(); event.stopPropagation(); } }, true);
addEventListener("scroll", () => hide(), { passive: true, capture: true });
document.addEventListener("livechange", () => { if (at && !at.isConnected) hide(); });
