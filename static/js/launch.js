// The right column of the launch page: the sum, the quota after it; flavors too small for an image.
import { $, $$ } from "./ui.js";
import "./userdata.js";

const form = $("[data-launch]"), sum = $("[data-summary]"), words = sum.dataset;
const human = mib => mib >= 1024 * 1024 ? `${+(mib / 1048576).toPrecision(3)} TiB` : mib >= 1024 ? `${+(mib / 1024).toPrecision(3)} GiB` : `${mib} MiB`;
const chosen = name => $(`input[name=${name}]:checked`, form);
const several = name => $$(`input[name=${name}]:checked`, form).map(box => box.dataset.name);

// What `count` of a flavor make of the project's memory and vCPUs: the reason why it cannot be, or the memory after it.
function after(radio, count) {
  const [cpus, most] = words.cores.split(" ").map(Number), [used, limit] = words.ram.split(" ").map(Number);
  const cores = cpus + count * radio.dataset.cores, ram = used + count * radio.dataset.ram;
  if (most >= 0 && cores > most) return { why: `${words.saidOver}: ${cores} vCPU ${words.saidOf} ${most}` };
  if (limit >= 0 && ram > limit) return { why: `${words.saidOver}: ${human(ram)} ${words.saidOf} ${human(limit)}` };
  const share = limit > 0 ? Math.min(100 - 100 * used / limit, 100 * (ram - used) / limit) : 0;
  return { why: "", share, text: limit > 0 ? `${human(ram)} / ${human(limit)}` : human(ram) };
}
// Whether the root disk is a new volume: asked for with an image, and always with a snapshot.
function onVolume() {
  const image = chosen("image"), box = $("input[name=on_volume]", form);
  const isKept = "kept" in (image?.dataset || {}), isNew = isKept ? image.dataset.kept === "copy" : box.checked;
  $$("[data-of-image]", form).forEach(part => part.hidden = isKept);
  $$("[data-new-volume]", form).forEach(part => part.hidden = !isNew);
  const size = $("#vs");
  if (isNew && !isKept && !size.value && image) size.value = Math.max(1, +image.dataset.need);
  return isKept || isNew;
}
function fits(count) {
  const image = chosen("image"), need = onVolume() ? 0 : +(image?.dataset.need || 0), ram = +(image?.dataset.ram || 0);
  for (const row of $$("[data-flavor]", form)) {
    const radio = $("input", row), small = +radio.dataset.disk < need || +radio.dataset.ram < ram, then = after(radio, count);
    const note = $("[data-small]", row), bar = $("[data-after]", row), plus = $(".plus", bar);
    const why = small ? `${image.dataset.name} ${words.saidNeeds} ${+radio.dataset.disk < need ? `${need} GiB` : human(ram)}` : then.why;
    radio.disabled = Boolean(why);
    row.setAttribute("aria-disabled", Boolean(why));
    note.hidden = !why;
    bar.hidden = Boolean(why);
    note.textContent = why;
    if (why) row.dataset.why = why; else delete row.dataset.why;
    if (!why) { $("[data-after-words]", bar).textContent = then.text; plus?.setAttribute("width", `${then.share}%`); }
    if (small && radio.checked) { radio.checked = false; const next = $$("[data-flavor] input:not(:disabled)", form).find(other => +other.dataset.disk >= need); if (next) next.checked = true; }
  }
  $$("[data-flavor]", form).forEach(row => row.classList.toggle("sel", $("input", row).checked));
}
function bar(name, plus, show = String) {
  const [used, limit] = words[name].split(" ").map(Number), svg = $(`[data-bar=${name}]`, sum), place = $(`[data-of=${name}]`, sum);
  const share = limit > 0 ? Math.min(100, 100 * used / limit) : 0, more = limit > 0 ? Math.min(100 - share, 100 * plus / limit) : 0;
  const over = limit >= 0 && used + plus > limit;
  svg.innerHTML = `<rect class="off" width="${share}%" height="100%"/><rect class="${over ? "bad" : "plus"}" x="${share}%" width="${more}%" height="100%"/>`;
  place.textContent = limit >= 0 ? `${show(used + plus)} ${words.saidOf} ${show(limit)}` : show(used + plus);
  place.classList.toggle("bad", over);
  svg.setAttribute("aria-label", place.textContent);
}
// A floating IP leads only to networks that a router joins to its own.
function reaches() {
  const ticked = $$("input[name=networks]:checked", form).map(box => box.value), select = $("#fi");
  for (const option of select.options) {
    if (option.value) option.disabled = !option.dataset.where.split(" ").some(id => ticked.includes(id));
  }
  if (select.selectedOptions[0]?.disabled) select.value = "";
}
// A fixed IP is asked for where its network is ticked.
function addresses() {
  const ticked = $$("input[name=networks]:checked", form).map(box => box.value);
  for (const line of $$("[data-fixed]", form)) line.hidden = !ticked.includes(line.dataset.fixed);
}
function show() {
  const data = new FormData(form), name = data.get("name").trim(), count = Math.max(1, +data.get("count") || 1);
  fits(count);
  reaches();
  addresses();
  const image = chosen("image"), flavor = chosen("flavor"), networks = [...several("networks"), ...several("ports")], key = data.get("key_name");
  const floating = data.get("floating"), floatingText = $("#fi").selectedOptions[0].textContent;
  const put = (what, text) => { $(`[data-sum=${what}]`, sum).textContent = text || "–"; };
  put("name", count > 1 ? `${name} × ${count}` : name);
  put("image", image?.dataset.name);
  put("flavor", flavor && `${flavor.dataset.name}, ${flavor.dataset.cores} vCPU, ${human(+flavor.dataset.ram)}`);
  put("network", [...networks, floating && floatingText].filter(Boolean).join(", "));
  put("key", key);
  bar("instances", count);
  bar("cores", count * +(flavor?.dataset.cores || 0));
  bar("ram", count * +(flavor?.dataset.ram || 0), human);
  bar("floating", floating.startsWith("new:") ? count : 0);
  $("[data-launch-word]").textContent = `${words.saidLaunch} ${name || ""}`.trim();
}
form.addEventListener("input", show);
form.addEventListener("change", show);
$$("[data-flavor]", form).forEach(row => row.addEventListener("click", event => { const radio = $("input", row); if (!radio.disabled && event.target !== radio) { radio.checked = true; show(); } }));
$("[data-known]")?.addEventListener("change", event => {
  const area = $("textarea[name=metadata]", form), had = area.value.trimEnd();
  if (event.target.value) area.value = `${had ? `${had}\n` : ""}${event.target.value}`;
  event.target.value = "";
  show();
  area.focus();
});
$("[data-errors]")?.focus();
show();
