// Entry point of every page. Modules import each other one way only: portal › live, keys, launch, … › ui.
import "./lists.js";
import "./why.js";
import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { $, countNotices } from "./ui.js";

// What few pages need comes with the first piece that asks for it.
function later(selector, load) {
  const seen = new MutationObserver(look);
  function look() {
    if (!$(selector)) return;
    seen.disconnect();
    load();
  }
  seen.observe(document.body, { childList: true, subtree: true });
  look();
}
later("[data-lines], [data-checklist]", () => import("./lines.js"));
later("[data-webauthn]", () => import("./webauthn.js"));
later("[data-show-as], .showas", () => import("./showas.js"));
startLive();
startKeys();
if (document.body.dataset.live) countNotices();
