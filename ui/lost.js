// Loads the page again where a part of it was lost on the way, as when a laptop moves to another network: Gradio and
// the pad load their scripts one by one, and without one of them the page stays as it was at that moment.
// It stands in the page itself, so that it is not lost, too.
(() => {
  const KEY = "sketchserve-lost";
  const PAUSES_MS = [500, 1_000, 3_000]; // after so many it is not the way to the page

  function loadAgain() {
    // Whoever draws already needs nothing of what is lost at once, and keeps the drawing.
    if (document.documentElement.dataset.paper) return;
    try {
      const [times, at] = JSON.parse(sessionStorage.getItem(KEY)) ?? [0, 0];
      const before = Date.now() - at < 600_000 ? times : 0;
      if (before === PAUSES_MS.length) return;
      sessionStorage.setItem(KEY, JSON.stringify([before + 1, Date.now()]));
      setTimeout(() => {
        if (document.documentElement.dataset.paper !== "drawn") location.reload();
      }, PAUSES_MS[before]);
    } catch {
      // Storage is refused: there is no knowing how often it was tried.
    }
    removeEventListener("vite:preloadError", loadAgain);
    removeEventListener("error", ofElement, true);
  }

  function ofElement({ target }) {
    if (target instanceof HTMLScriptElement || target instanceof HTMLLinkElement) loadAgain();
  }

  addEventListener("vite:preloadError", loadAgain); // Gradio's, and the pad's in draw/canvas.js
  addEventListener("error", ofElement, true);
})();
