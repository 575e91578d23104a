// Signing in again over the page: what was typed stays, and what was asked is asked once more.
// The ground of all other modules: it imports none.

const $ = (selector, root = document) => root.querySelector(selector);
const said = document.body.dataset;
const headers = () => JSON.parse(document.body.getAttribute("hx-headers"));

// The token of the cookie is the present one: another tab may have signed in since this page was made.
export function csrf() {
  const found = document.cookie.split("; ").find(pair => pair.startsWith(`${said.csrfCookie}=`));
  return found ? decodeURIComponent(found.slice(said.csrfCookie.length + 1)) : headers()["X-CSRFToken"];
}
export const own = () => ({ "X-CSRFToken": csrf(), ...(said.user ? { "X-Signed-In": said.user } : {}) });
function renew(root = document) {
  for (const field of root.querySelectorAll("input[name=csrfmiddlewaretoken]")) field.value = csrf();
}

// ── Who is signed in ──────────────────────────────────────────────────────────────────────────────────────────────
async function signedIn() {
  const response = await fetch("/sign-in/state", { credentials: "same-origin", cache: "no-store" });
  if (response.status !== 200) return false;
  const { user } = await response.json();
  if (!user) return false;
  if (user !== said.user) { location.assign("/"); return new Promise(() => {}); } // somebody else: a fresh page
  return true;
}

let asking = null;
// Resolves once this page's user is signed in (again); rejects when the dialog is closed without.
export function signInAgain(why = "again") {
  if (why === "other") { location.assign("/"); return new Promise(() => {}); }
  asking ||= ask(why).finally(() => { asking = null; });
  return asking;
}
async function ask(why) {
  if (why === "again" && await signedIn()) { renew(); return; }
  if (!$("#again")) { location.assign(`/sign-in?next=${encodeURIComponent(location.pathname)}`); await new Promise(() => {}); }
  const { inDialog } = await import("./again_dialog.js");
  await inDialog(csrf, signedIn);
  renew();
  document.dispatchEvent(new CustomEvent("signedin"));
}

// ── What htmx asks, and forms of a page ───────────────────────────────────────────────────────────────────────────
document.addEventListener("htmx:configRequest", event => {
  event.detail.headers["X-CSRFToken"] = csrf();
  if ("csrfmiddlewaretoken" in event.detail.parameters) event.detail.parameters.csrfmiddlewaretoken = csrf();
});
document.addEventListener("htmx:beforeOnLoad", event => {
  const why = event.detail.xhr.getResponseHeader("X-Sign-In");
  if (!why) return;
  event.preventDefault();
  signInAgain(why).then(() => repeat(event.detail.elt, event.detail.requestConfig)).catch(() => {});
});
function repeat(elt, asked) {
  delete elt.dataset.sent;
  const by = asked.triggeringEvent;
  if (elt.isConnected && by?.type === "submit") elt.requestSubmit(by.submitter?.isConnected ? by.submitter : null);
  else window.htmx.ajax(asked.verb, asked.path, { source: elt.isConnected ? elt : document.body, target: asked.target });
}
// A form that leaves the page asks first whether anybody would take it.
document.addEventListener("submit", event => {
  const form = event.target;
  if (!said.user || form.getAttribute("method") !== "post" || form.closest("[hx-post], [data-anyone], [data-upload], #again")) return;
  if (form.dataset.vouched) { delete form.dataset.vouched; return; }
  event.preventDefault();
  event.stopImmediatePropagation();
  signInAgain().then(() => {
    renew(form);
    form.dataset.vouched = "1";
    form.requestSubmit(event.submitter?.isConnected ? event.submitter : null);
  }).catch(error => { if (error instanceof TypeError) document.dispatchEvent(new CustomEvent("unanswered")); }); // the server, not the person, said no
}, true);
$("form[data-send-again]")?.requestSubmit();
