// Selecting rows raises the bar; each verb says to how many of the selected it applies.
import { $, $$, csrf, fragment, openDialog } from "./ui.js";

const table = () => $("[data-bulk]"), bar = () => $(".bulk");
const chosen = () => $$("tbody tr[data-id]", table()).filter(row => $("input[type=checkbox]", row)?.checked);

function show() {
  if (!table() || !bar()) return;
  const rows = chosen(), all = $$("tbody tr[data-id]", table());
  all.forEach(row => row.classList.toggle("sel", $("input[type=checkbox]", row).checked));
  bar().hidden = !rows.length;
  $("[data-selected]", bar()).textContent = rows.length;
  const box = $("[data-all]", table());
  box.checked = rows.length > 0 && rows.length === all.length;
  box.indeterminate = rows.length > 0 && rows.length < all.length;
  for (const button of $$("[data-bulk-post]", bar())) {
    const fit = fitting(button).length;
    $("[data-n]", button).textContent = fit || "";
    button.setAttribute("aria-disabled", fit ? "false" : "true");
    if (fit) delete button.dataset.why; else button.dataset.why = button.dataset.whyNone;
  }
}
function fitting(button) {
  const from = button.dataset.from.split(" ");
  return chosen().filter(row => from.includes(row.dataset.status) && !$(".st.busy", row)).map(row => row.dataset.id);
}
document.addEventListener("change", event => {
  if (event.target.matches("[data-all]")) $$("tbody input[type=checkbox]", table()).forEach(box => { box.checked = event.target.checked; });
  if (event.target.closest("[data-bulk]")) show();
});
document.addEventListener("click", async event => {
  const hit = event.target.closest("[data-bulk-post], [data-bulk-dialog], [data-clear-selection]");
  if (!hit || hit.getAttribute("aria-disabled") === "true") return;
  if (hit.dataset.bulkPost) {
    const body = new URLSearchParams();
    fitting(hit).forEach(id => body.append("ids", id));
    await fragment(hit.dataset.bulkPost, { method: "POST", body, headers: { "X-CSRFToken": csrf() } }).catch(() => {});
  } else if (hit.dataset.bulkDialog) {
    await openDialog(hit.dataset.bulkDialog + chosen().map(row => row.dataset.id).join(",")).catch(() => {});
    return;
  }
  $$("input[type=checkbox]", table()).forEach(box => { box.checked = false; });
  show();
});
document.addEventListener("livechange", show);
document.addEventListener("pagechange", show);
show();
