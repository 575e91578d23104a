// A half-filled launch is kept on the server while somebody types: a closed tab or an ended session loses nothing of it.
import { $, BACKGROUND, fragment } from "./ui.js";

const form = $("[data-launch]"), WAIT = 700; // milliseconds without a key
let waiting = 0, changed = false, sent = false;

function fields() {
  const data = new FormData(form);
  for (const name of [...data.keys()]) if (name.startsWith("secret-")) data.delete(name);
  return data;
}
async function keep(last = false) {
  clearTimeout(waiting);
  if (!changed || sent) return;
  changed = false;
  const answer = await fragment(form.dataset.draftUrl, { method: "POST", body: new URLSearchParams(fields()), keepalive: last, ...BACKGROUND }).catch(() => null);
  if (answer === null) changed = true; // signed out, or unreachable: with the next key again
}
function typed(event) {
  if (["template_name", "snippet_name", ""].includes(event.target.name)) return;
  changed = true;
  clearTimeout(waiting);
  waiting = setTimeout(keep, WAIT);
}
form.addEventListener("input", typed);
form.addEventListener("change", typed);
form.addEventListener("submit", () => { sent = true; clearTimeout(waiting); setTimeout(() => { sent = false; }, 4000); });
addEventListener("pagehide", () => keep(true));
document.addEventListener("visibilitychange", () => { if (document.hidden) keep(true); });
