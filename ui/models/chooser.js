// The model chooser. Gradio calls this with (element, trigger, props, server, upload, watch).
// The server says which model is active, in data-model; this browser tab remembers it beyond a reload.

const STORAGE_KEY = "sketchserve-model";
const READS_KEY = "sketchserve-reads"; // draw/canvas.js lays the page out by it
const MAX_PATH_CHARACTERS = 500;
let active = element.querySelector(".chooser").dataset.model; // the page's own model
let { reads } = element.querySelector(".chooser").dataset; // "photo", or "drawing"
let loading = ""; // the model that is being loaded
// Questions are counted, so that no two answers are alike: of one like the last, Gradio would say nothing.
let asked = 0;
let isWaiting = false; // one question at a time: the select is disabled meanwhile
let hadFocus = false; // whether that took the focus from the select
let wish = ""; // the model whose loading was asked for meanwhile

function remembered() {
  try {
    const path = sessionStorage.getItem(STORAGE_KEY) ?? "";
    return path.length <= MAX_PATH_CHARACTERS ? path : ""; // other pages of this host may put anything there
  } catch {
    return ""; // storage is refused: a reload begins with the page's own model
  }
}

function remember(path) {
  try {
    sessionStorage.setItem(STORAGE_KEY, path);
    sessionStorage.setItem(READS_KEY, reads);
  } catch {
    // Storage is refused.
  }
}

function choose(wanted) {
  const select = element.querySelector("select");
  asked += 1;
  hadFocus = document.activeElement === select;
  isWaiting = true;
  select.disabled = true;
  trigger("choose", { wanted, active, asked });
}

// Choose what the select shows, and say whether that is another model than the one that was chosen last.
function chooseShown() {
  const { value } = element.querySelector("select");
  if (isWaiting || value === element.querySelector(".chooser").dataset.shown) return false;
  choose(value);
  return true;
}

function show() {
  const { dataset, classList } = element.querySelector(".chooser");
  const isAnother = dataset.model !== active || dataset.reads !== reads;
  const isBack = loading === dataset.model;
  isWaiting = classList.contains("is-loading");
  loading = isWaiting ? dataset.shown : "";
  // A select that a person has used no longer follows what the HTML says.
  const select = element.querySelector("select");
  select.value = dataset.shown;
  select.disabled = isWaiting;
  // Unless the person has gone on to something else.
  if (hadFocus && !isWaiting && document.activeElement === document.body) select.focus({ preventScroll: true });
  [active, reads] = [dataset.model, dataset.reads];
  remember(dataset.shown);
  // What is on the paper is read anew by a model that was chosen or has come back.
  if (isAnother || (isBack && !loading)) document.dispatchEvent(new CustomEvent("sketchserve-model"));
  if (!isWaiting) grantWish();
}

function grantWish() {
  const wanted = wish;
  wish = "";
  if (wanted && wanted === active) choose(wanted);
}

element.addEventListener("change", (event) => {
  if (event.target.matches("select") && !isStepping) choose(event.target.value);
});

// With the keyboard a closed select takes the next value at every key. None of them is chosen before Enter is
// pressed or the focus leaves.
let isStepping = false;

function step(event) {
  if (!event.target.matches("select")) return;
  isStepping = event.key !== "Enter";
  setTimeout(() => {
    isStepping = false; // what changes later was picked in the opened list
  });
  if (event.key === "Enter" && chooseShown()) event.preventDefault();
  if (event.key === "Escape") event.target.value = element.querySelector(".chooser").dataset.shown;
}

element.addEventListener("keydown", step);
element.addEventListener("keypress", step); // a letter changes the value only now
element.addEventListener("focusout", chooseShown);

// reading.js asks for this when the active model had no worker.
document.addEventListener("sketchserve-load", ({ detail }) => {
  if (!isWaiting) choose(detail);
  else if (detail !== loading) wish = detail;
});

watch("value", show);
// The model before reads on, and another may be chosen.
document.addEventListener("sketchserve-failed", ({ detail }) => {
  if (detail !== "choose") return;
  const { dataset, classList } = element.querySelector(".chooser");
  classList.remove("is-loading");
  Object.assign(dataset, { shown: dataset.model, asked });
  loading = wish = "";
  const notice = element.querySelector(".chooser-notice");
  notice.className = "chooser-notice is-complaint";
  notice.textContent = "There was no answer. Choose again in a moment.";
  show();
});
try {
  reads = sessionStorage.getItem(READS_KEY) ?? reads;
} catch {
  // As above.
}
choose(remembered());
