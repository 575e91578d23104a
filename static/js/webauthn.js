// Security keys and passkeys: a button asks the server for a challenge, the browser's authenticator answers, the form is sent.
import { signInAgain } from "./again.js";
import { $, $$, csrf, toast } from "./ui.js";

const bytes = text => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), char => char.charCodeAt(0));
const text = buffer => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const ids = list => (list || []).map(one => ({ ...one, id: bytes(one.id) }));

// A relying party has a name: browsers give no key to an address, nor to a page without TLS (but for localhost).
export const usable = isSecureContext && "PublicKeyCredential" in window && !/^[\d.]+$|:/.test(location.hostname);

async function challenge(button) {
  const body = new FormData(button.closest("form"));
  body.delete("credential");
  body.set("csrfmiddlewaretoken", csrf());
  const response = await fetch(button.dataset.options, { method: "POST", body, headers: { "HX-Request": "true" } });
  const why = response.headers.get("X-Sign-In");
  if (why) { await signInAgain(why); return challenge(button); }
  if (!response.ok) throw new Error(`${response.status} ${button.dataset.options}`);
  return (await response.json()).publicKey;
}
async function get(options) {
  const key = await navigator.credentials.get({ publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: ids(options.allowCredentials) } });
  const { clientDataJSON, authenticatorData, signature, userHandle } = key.response;
  return { response: { clientDataJSON: text(clientDataJSON), authenticatorData: text(authenticatorData), signature: text(signature), userHandle: userHandle && text(userHandle) }, key };
}
async function create(options) {
  const key = await navigator.credentials.create({ publicKey: { ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) }, excludeCredentials: ids(options.excludeCredentials) } });
  return { response: { clientDataJSON: text(key.response.clientDataJSON), attestationObject: text(key.response.attestationObject) }, key };
}

document.addEventListener("click", async event => {
  const button = event.target.closest("[data-webauthn]");
  if (!button) return;
  event.preventDefault();
  const form = button.closest("form");
  try {
    const { response, key } = await (button.dataset.webauthn === "create" ? create : get)(await challenge(button));
    const field = $("[name=credential]", form);
    field.disabled = false;
    field.value = JSON.stringify({ id: key.id, rawId: text(key.rawId), type: key.type, response, clientExtensionResults: key.getClientExtensionResults() });
    const code = $("[name=code]", form);
    if (code) code.disabled = true;
    form.requestSubmit();
  } catch (error) {
    if (error.name !== "AbortError") toast({ kind: "bad", text: document.body.dataset[error.name === "InvalidStateError" ? "saidKeyKnown" : "saidNoKey"] });
  }
});

if (usable) $$("[data-passkey], [data-others]").forEach(part => { part.hidden = false; });
