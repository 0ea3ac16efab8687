// The list in the browser's own days and times; it is asked for again when something changed.

import { whenChanged } from "./changes.js";
import { openOver } from "./drawer.js"; // which brings one.js, and that tells of forms
import { regroup, showLocalTimes } from "./times.js";

const here = location.href; // a drawing that is open has an address of its own

function show() {
  const rows = document.querySelector("[data-rows]");
  regroup(rows);
  showLocalTimes(rows);
  const zone = document.querySelector(".filters [name=zone]");
  if (zone) zone.value = String(-new Date().getTimezoneOffset());
}

let asked = 0;

async function look() {
  asked += 1;
  const mine = asked;
  const answer = await fetch(here).catch(() => null);
  if (!answer?.ok || mine !== asked) return; // what is shown stays: the next look may do better
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const focused = document.activeElement?.closest("[data-rows] a")?.getAttribute("href");
  for (const part of ["[data-rows]", "[data-counted]"]) {
    const fresh = page.querySelector(part);
    if (fresh) document.querySelector(part)?.replaceWith(document.adoptNode(fresh));
  }
  show();
  if (focused) document.querySelector(`[data-rows] a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

show();
openOver(look);
whenChanged(look);
