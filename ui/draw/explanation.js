// "Why?": asks for an explanation and has the pad lay it over the drawing. Gradio calls this with
// (element, trigger, props, server, upload, watch).

// Below this share of a map's strongest value nothing is coloured: what is everywhere shows nothing.
const FAINTEST = 0.1;

const panel = element.querySelector(".why");
const words = element.querySelector(".why-words");
const ask = element.querySelector("[data-ask]");
const views = Array.from(element.querySelectorAll("[data-view]"));

let asked = 0; // counts questions: an answer to an older one is not shown
let explanation = null; // of the drawing as it is now, once it came
let view = "importance"; // which of its maps was chosen last

function setState(state) {
  panel.dataset.state = state;
  const isOpen = state === "shown";
  ask.setAttribute("aria-pressed", String(isOpen || state === "asking"));
  for (const button of views) {
    button.hidden = !isOpen;
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
  }
  if (!isOpen) lay(null);
}

function lay(maps) {
  document.dispatchEvent(new CustomEvent("sketchserve-maps", { detail: maps }));
}

// Forget what was explained; the button stays where there is an answer to explain, and its drawing was kept.
function forget() {
  asked += 1;
  explanation = null;
  words.replaceChildren();
  const hasAnswer = document.querySelector('.reading.is-answer:not([data-prediction=""])') !== null;
  setState(hasAnswer ? "offered" : "none");
}

// The drawing is no longer the one that was answered: nothing to explain until the next answer.
document.addEventListener("sketchserve-changed", () => {
  forget();
  setState("none");
});
document.addEventListener("sketchserve-answered", forget);

ask.addEventListener("click", () => {
  if (panel.dataset.state === "shown") {
    words.replaceChildren();
    setState("offered");
  } else if (explanation) {
    show();
  } else if (panel.dataset.state !== "asking") {
    asked += 1;
    setState("asking");
    words.replaceChildren("Asking the model …");
    trigger("ask", { asked, prediction: document.querySelector(".reading").dataset.prediction });
  }
});

for (const button of views) {
  button.addEventListener("click", () => {
    view = button.dataset.view;
    show();
  });
}

watch("value", () => {
  if (props.value?.asked !== asked || panel.dataset.state !== "asking") return;
  if (props.value.complaint) {
    complain(props.value.complaint);
    const { loads } = props.value;
    if (loads) document.dispatchEvent(new CustomEvent("sketchserve-load", { detail: loads })); // to chooser.js
    return;
  }
  explanation = props.value;
  views[1].textContent = `Towards ${explanation.runner_up}`;
  view = "importance";
  show();
});

document.addEventListener("sketchserve-failed", ({ detail }) => {
  if (detail === "ask" && panel.dataset.state === "asking") complain("There was no answer. Try again in a moment.");
});

function complain(why) {
  words.replaceChildren(why);
  setState("offered");
}

function show() {
  const { label, runner_up: runnerUp, box, is_photo: isPhoto } = explanation;
  const values = explanation[view].flat();
  const peak = Math.max(...values.map(Math.abs), 1e-9);
  if (view === "importance") {
    const marks = [tinted(values, peak, "mattered", 1)];
    const what = isPhoto ? "what" : "ink that";
    legend("", [["mattered", `${what} pointed to ${label}`]], explanation.importance_note);
    lay({ box, onInk: marks, onPaper: [] });
  } else {
    const [erased, added] = [tinted(values, peak, "erase", -1), tinted(values, peak, "add", 1)];
    // Nothing is added to a photograph.
    const changes = isPhoto ? [["erase", "hidden"]] : [["add", "ink added"], ["erase", "ink erased"]];
    legend(`What would tip it to ${runnerUp}:`, changes, explanation.tip_note);
    lay({ box, onInk: [erased], onPaper: [added] });
  }
  setState("shown");
}

function legend(beginning, items, note) {
  words.replaceChildren(beginning);
  for (const [role, text] of items) {
    const item = document.createElement("span");
    item.className = `why-item is-${role}`;
    item.textContent = text;
    words.append(" ", item);
  }
  words.append(" ", note);
}

// A canvas of one pixel a value, in the colour of a role, the more opaque the stronger the value.
function tinted(values, peak, role, sign) {
  const side = Math.sqrt(values.length);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  context.fillStyle = getComputedStyle(element).getPropertyValue(`--${role}`).trim();
  values.forEach((value, index) => {
    const strength = ((sign * value) / peak - FAINTEST) / (1 - FAINTEST);
    if (strength <= 0) return;
    context.globalAlpha = strength ** 0.7; // what is a third as strong is still seen
    context.fillRect(index % side, Math.floor(index / side), 1, 1);
  });
  return canvas;
}

forget();
