// Creating an image: the row first, then its bytes as one streamed request with a bar.
import { own, signInAgain } from "./again.js";
import { $ } from "./ui.js";

const form = $("[data-upload]"), words = form.dataset, box = $("[data-upload-error]", form), bar = $("[data-upload-bar]", form);
function fail(text) { $(".grow", box).textContent = text; box.hidden = false; bar.hidden = true; $("[data-action=submit]", form).removeAttribute("aria-disabled"); box.scrollIntoView({ block: "nearest" }); }
const said = request => { try { return JSON.parse(request.responseText).message; } catch { return null; } };

$("[data-upload-file]", form).addEventListener("change", event => {
  const file = event.target.files[0], kind = file?.name.split(".").pop().toLowerCase();
  if (!file) return;
  if (!form.elements.name.value) form.elements.name.value = file.name.replace(/\.[^.]+$/, "");
  const format = { img: "raw", raw: "raw", qcow2: "qcow2", vmdk: "vmdk", vdi: "vdi", iso: "iso" }[kind];
  if (format) form.elements.disk_format.value = format;
});
form.addEventListener("submit", async event => {
  event.preventDefault();
  const file = $("[data-upload-file]", form).files[0], button = $("[data-action=submit]", form);
  if (button.getAttribute("aria-disabled")) return;
  const address = form.elements.uri.value.trim();
  if (!file === !address) { fail(words.saidChoose); return; }
  box.hidden = true;
  try { await signInAgain(); } catch { return; }
  button.setAttribute("aria-disabled", "true");
  const answer = await fetch(form.action || location.href, { method: "POST", body: new FormData(form), headers: { ...own(), "HX-Request": "true" } }).catch(() => null);
  if (!answer || answer.status >= 500) { fail(document.body.dataset.saidFailed); return; }
  const toast = (() => { try { return JSON.parse(answer.headers.get("HX-Trigger")).toast; } catch { return null; } })();
  if (toast) { fail(toast.text); return; }
  const made = await answer.json();
  if (made.errors) {
    fail(Object.entries(made.errors).map(([name, list]) => (name ? `${name}: ` : "") + list.join(" ")).join("\n"));
    const wrong = made.fields.map(name => form.elements[name]).find(Boolean), step = wrong?.closest("[data-step]");
    if (step) $(`#step-${step.dataset.step}`, form).checked = true;
    wrong?.focus();
    return;
  }
  if (!made.upload) { location.assign(made.page); return; }
  const send = new XMLHttpRequest();
  bar.hidden = false;
  send.upload.onprogress = progress => {
    const share = 100 * progress.loaded / progress.total;
    $("rect", bar).setAttribute("width", `${share}%`);
    $("[data-upload-number]", bar).textContent = `${share.toFixed(0)} %`;
    $("[data-upload-word]", bar).textContent = share < 100 ? `${(progress.loaded / 1048576).toFixed(0)} MiB ${words.saidSent}` : words.saidChecking;
  };
  // An image whose bytes were refused holds nothing: it goes again, so that the next try is not a second one.
  const refused = text => { fetch(made.undo, { method: "POST", headers: { ...own(), "HX-Request": "true" } }).catch(() => null); fail(text); };
  send.onload = () => { if (send.status === 204) location.assign(made.page); else refused(said(send) || String(send.status)); };
  send.onerror = () => refused(document.body.dataset.saidFailed);
  send.open("PUT", made.upload);
  for (const [name, value] of Object.entries(own())) send.setRequestHeader(name, value);
  send.setRequestHeader("HX-Request", "true");
  send.setRequestHeader("Accept", "application/json");
  send.setRequestHeader("Content-Type", "application/octet-stream");
  send.send(file);
});
