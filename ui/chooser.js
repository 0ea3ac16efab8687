// The model chooser. Gradio calls this with (element, trigger, props, server, upload, watch).
// The server says which model is active, in data-model; this browser tab remembers it beyond a reload.

const STORAGE_KEY = "sketchserve-model";
let active = element.querySelector(".chooser").dataset.model; // the page's own model
let loading = ""; // the model that is being loaded
// Questions are counted, so that no two answers are alike: of one like the last, Gradio would say nothing.
let asked = 0;
let isWaiting = false; // one question at a time: the select is disabled meanwhile

function remembered() {
  try {
    return sessionStorage.getItem(STORAGE_KEY) ?? "";
  } catch {
    return ""; // storage is refused: a reload begins with the page's own model
  }
}

function remember(path) {
  try {
    sessionStorage.setItem(STORAGE_KEY, path);
  } catch {
    // Storage is refused.
  }
}

function choose(wanted) {
  asked += 1;
  isWaiting = element.querySelector("select").disabled = true;
  trigger("choose", { wanted, active, asked });
}

function show() {
  const { dataset, classList } = element.querySelector(".chooser");
  const isAnother = dataset.model !== active;
  const isBack = loading === dataset.model;
  isWaiting = classList.contains("is-loading");
  loading = isWaiting ? dataset.shown : "";
  // A select that a person has used no longer follows what the HTML says.
  const select = element.querySelector("select");
  select.value = dataset.shown;
  select.disabled = isWaiting;
  remember(dataset.shown);
  active = dataset.model;
  // What is on the paper is read anew by a model that was chosen or has come back.
  if (isAnother || (isBack && !loading)) document.dispatchEvent(new CustomEvent("sketchserve-model"));
}

element.addEventListener("change", (event) => {
  if (event.target.matches("select")) choose(event.target.value);
});

// reading.js asks for this when the active model had no worker.
document.addEventListener("sketchserve-load", (event) => {
  if (!isWaiting) choose(event.detail);
});

watch("value", show);
choose(remembered());
