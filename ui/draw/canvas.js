// The drawing pad's modules, loaded at once. Gradio calls this with (element, trigger, props, server, upload, watch).
// A script that Gradio makes of a text has no address, so theirs is said in full.

// The events' names have to be here for Gradio to know them.
const ask = { stroke: () => trigger("stroke"), live: () => trigger("live") };
const folder = new URL(`${window.gradio_config?.root ?? ""}/pad/@VERSION@/`, document.baseURI);
Promise.all(@MODULES@.map((name) => import(new URL(name, folder)))).then(
  ([{ openPad }]) => openPad({ element, props, ask }),
  (error) => {
    console.error(error);
    element.querySelector(".pad-complaint").textContent = "The pad could not be loaded. Load the page again.";
  },
);
