// The list in the browser's own days and times; it is asked for again when something changed.

import { tellOfForms, whenChanged } from "./changes.js";
import { regroup, showLocalTimes } from "./times.js";

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
  const answer = await fetch(location.href).catch(() => null);
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
tellOfForms(document);
whenChanged(look);
