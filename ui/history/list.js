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

// Return what selects the row or the page's link that has the focus, also in another state of the list.
function whatIsFocused() {
  const link = document.activeElement?.closest("[data-rows] a, [data-pages] a");
  if (!link) return null;
  if (link.closest("[data-pages]")) return link.rel ? '[data-pages] [rel="next"]' : "[data-pages] a:not([rel])";
  return `[data-rows] a[href="${CSS.escape(link.getAttribute("href"))}"]`;
}

let asked = 0;

async function look() {
  asked += 1;
  const mine = asked;
  const answer = await fetch(here).catch(() => null);
  if (!answer?.ok || mine !== asked) return; // what is shown stays: the next look may do better
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const focused = whatIsFocused();
  for (const part of ["[data-rows]", "[data-counted]", "[data-pages]", "[data-more]"]) {
    const [old, fresh] = [document.querySelector(part), page.querySelector(part)];
    if (!old || !fresh) continue;
    // What somebody has opened there stays open.
    if (part === "[data-more]" && old.childElementCount === fresh.childElementCount) continue;
    old.replaceWith(document.adoptNode(fresh));
  }
  show();
  if (focused) document.querySelector(focused)?.focus({ preventScroll: true });
}

show();
openOver(look);
whenChanged(look);
