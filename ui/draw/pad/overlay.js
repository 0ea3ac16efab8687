// The maps of an explanation, which come and go over what is on the sheet (explanation.js).

import { paintMaps } from "./painting.js";

// `changed()` is called as maps come or go. Return { show(scale, place, content) }, as `paintMaps` takes them.
export function openOverlay(canvas, changed) {
  const overlay = document.createElement("canvas");
  overlay.className = "pad-maps";
  overlay.ariaHidden = "true";
  let maps = null;

  document.addEventListener("sketchserve-maps", ({ detail }) => {
    if (maps === detail) return;
    maps = detail;
    changed();
  });

  return {
    show(scale, place, content) {
      if (maps) {
        canvas.after(overlay);
        paintMaps(overlay, scale, maps, place, content);
      } else {
        overlay.remove();
      }
    },
  };
}
