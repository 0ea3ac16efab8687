// One drawing, on its page or over the list: its time in the browser's zone; a frame that cannot be had takes no room.

import { tellOfForms } from "./changes.js";
import { showLocalTimes } from "./times.js";

export function prepare(root) {
  showLocalTimes(root);
  const frame = root.querySelector("[data-frame] img");
  if (!frame) return;
  const hide = () => frame.closest("[data-frame]").setAttribute("hidden", "");
  frame.addEventListener("error", hide);
  if (frame.complete && frame.naturalWidth === 0) hide();
}

prepare(document);
tellOfForms(document);

// A drawing that was opened over the list and loaded anew: going back is to the list, which this document does not have.
const { pathname } = location;
if (!document.querySelector("dialog.drawer")) {
  addEventListener("popstate", () => location.pathname === pathname || location.reload());
}
