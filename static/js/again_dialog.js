// The dialog of signing in again over a page: comes when it is needed.
const $ = (selector, root = document) => root.querySelector(selector);
const box = $("#again");
function show(html) {
  const body = $("#again-body");
  body.innerHTML = html;
  ($("[aria-invalid=true], [autofocus]", body) || $("input:not([type=hidden]), button:not([data-close])", body))?.focus();
}
async function step(response) {
  const to = response.headers.get("HX-Redirect");
  if (to) { location.assign(to); return false; }
  if (response.headers.get("X-Sign-In") === "done") return true;
  show(await response.text());
  return false;
}
// Resolves once it is done; rejects when the dialog is closed without.
export async function inDialog(csrf, signedIn) {
  const asked = { credentials: "same-origin", headers: { "HX-Request": "true" } };
  await step(await fetch(`/sign-in/again?page=${encodeURIComponent(document.body.dataset.page)}`, asked));
  if (!box.open) box.showModal();
  ($("[autofocus]", box) || $("button", box))?.focus();
  await new Promise((resolve, reject) => {
    let sent = false;
    box.onsubmit = async event => {
      event.preventDefault();
      if (sent) return;
      sent = true;
      const form = event.target, body = new FormData(form);
      body.set("csrfmiddlewaretoken", csrf());
      try {
        if (await step(await fetch(form.action, { ...asked, method: "POST", body }))) { resolve(); box.close(); }
      } catch { show($("#again-body").innerHTML); } finally { sent = false; }
    };
    box.onclose = () => reject(new Error("signed out"));
    // A provider's page opens beside this one: once it is done there, this page goes on.
    box.onclick = event => {
      if (!event.target.closest("[data-elsewhere]")) return;
      addEventListener("focus", async () => { if (await signedIn()) { resolve(); box.close(); } }, { once: true });
    };
  });
}
