// Entry point of every page. Modules import each other one way only: portal › live, keys, launch, … › ui.
import "./lines.js";
import "./lists.js";
import "./showas.js";
import "./why.js";
import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { countNotices } from "./ui.js";
import "./webauthn.js";

startLive();
startKeys();
if (document.body.dataset.live) countNotices();
