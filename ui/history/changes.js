// Tells other tabs of this browser that drawings came, were judged or deleted, and hears of it from them.

const channel = new BroadcastChannel("sketchserve-history");

export function tellOfForms(root) {
  // What a form does is done when the next page is here.
  root.addEventListener("submit", (event) => {
    // What the drawer sends, it tells of itself.
    if (event.target.method === "post" && !event.defaultPrevented) sessionStorage.setItem("sketchserve-told", "no");
  });
  try {
    if (sessionStorage.getItem("sketchserve-told") === null) return;
    sessionStorage.removeItem("sketchserve-told");
    channel.postMessage("changed");
  } catch {
    // Storage is refused: other tabs look when they are seen again.
  }
}

export function tell() {
  channel.postMessage("changed");
}

export function whenChanged(look) {
  channel.addEventListener("message", look);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());
}
