// Loads the drawing pad's modules. Gradio calls this with (element, trigger, props, server, upload, watch).
// A script that Gradio makes of a text has no address, so that theirs have to be whole.

// What the pad speaks with. Gradio puts the page together in pieces: on a busy machine they come a second after the pad.
const OTHERS = [".chooser", "#desk", ".number", ".reading", ".judge", "#why"];

function whenAllAreThere() {
  return new Promise((resolve) => {
    const areThere = () => element.isConnected && OTHERS.every((one) => document.querySelector(one));
    const observer = new MutationObserver(() => {
      if (areThere()) finish();
    });
    function finish() {
      observer.disconnect();
      showForm();
      resolve();
    }
    if (areThere()) finish();
    else observer.observe(document, { childList: true, subtree: true });
  });
}

// Before anything is seen: the page has its other form at once.
function showForm() {
  let { reads } = document.querySelector(".chooser").dataset; // by the page's own model
  try {
    reads = sessionStorage.getItem("sketchserve-reads") ?? reads; // by the one that was chosen (models/chooser.js)
    const { number } = JSON.parse(localStorage.getItem("sketchserve-settings")) ?? {};
    document.querySelector("#desk").toggleAttribute("data-number", number === true && reads !== "photo");
  } catch {
    // Storage is refused, or has something else: one digit.
  }
  document.documentElement.dataset.reads = reads === "photo" ? "photo" : "drawing";
}

// The events' names have to be here for Gradio to know them.
const ask = { stroke: () => trigger("stroke"), live: () => trigger("live") };
const page = new URL(`${window.gradio_config?.root ?? ""}/`, document.baseURI);
const modules = Promise.all(@MODULES@.map((path) => import(new URL(path, page))));
Promise.all([modules, whenAllAreThere()]).then(
  ([[{ openPad }]]) => openPad({ element, props, ask }),
  (error) => {
    console.error(error);
    dispatchEvent(new Event("vite:preloadError")); // to ui/lost.js
    element.querySelector(".pad-complaint").textContent = "The pad could not be loaded. Reload the page.";
  },
);
