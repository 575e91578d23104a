// Entry point of every page. Modules import each other one way only: portal › live, keys, launch, … › ui.
import "./lines.js";
import "./lists.js";
import "./showas.js";
import "./why.js";
import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { $, countNotices } from "./ui.js";

// What security keys need comes with the first button that asks for one.
const buttons = new MutationObserver(keys);
function keys() {
  if (!$("[data-webauthn]")) return;
  buttons.disconnect();
  import("./webauthn.js");
}
buttons.observe(document.body, { childList: true, subtree: true });
keys();
startLive();
startKeys();
if (document.body.dataset.live) countNotices();
