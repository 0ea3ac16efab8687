// "Is it 7?": what the drawing on the paper really is. Gradio calls this with (element, trigger, props, server,
// upload, watch). It knows the answer from reading.js, which has it in the panel above.

// Of more labels than these, one is found sooner by its name.
const MOST_BUTTONS = 12;

const panel = element.querySelector(".judge");
const question = element.querySelector(".judge-question");
const said = element.querySelector(".judge-said");
const picker = element.querySelector(".judge-picker");
const search = element.querySelector(".judge-search");
const list = element.querySelector(".judge-labels");
const nothing = element.querySelector(".judge-nothing");
const button = (say) => element.querySelector(`[data-say=${say}]`);

let answer = null; // what is judged: { prediction, drawing, label, labels }
let chosen = null; // what was pressed last: { kind, label }
let kept = null; // what the server has of it
let asked = 0; // counts what was said: only what came of the last of it is shown
let last = ""; // of which answer that was
const drawings = new Map(); // of which drawing each of it was said
const known = new Map(); // what the server has of each answer that was shown: one comes back where a number has several

// The panel's answer belongs to the drawing on the paper.
document.addEventListener("sketchserve-answered", () => {
  const reading = document.querySelector(".reading");
  const { prediction, drawing } = reading.dataset;
  const label = reading.querySelector(".reading-label").textContent;
  const labels = Array.from(reading.querySelectorAll(".bar-name"), (name) => name.textContent);
  if (prediction !== answer?.prediction) {
    answer = { prediction, drawing, label, labels };
    ({ kept, words: said.textContent } = known.get(prediction) ?? { kept: null, words: "" });
    chosen = kept;
    said.classList.remove("is-complaint");
    question.textContent = `Is it ${label}?`;
    button("not_a_digit").textContent = reading.dataset.none;
    open(false);
  }
  setState(prediction ? "open" : "none");
});

// The drawing is no longer the one that was answered. What is said now would label a picture that is not seen.
document.addEventListener("sketchserve-changed", () => {
  if (panel.dataset.state !== "none") setState("stale");
});

function setState(state) {
  panel.dataset.state = state;
  panel.setAttribute("aria-disabled", String(state !== "open"));
  show();
}

function show() {
  const isYes = chosen?.kind === "label" && chosen.label === answer.label;
  const isOther = chosen?.kind === "label" && !isYes;
  const pressed = { yes: isYes, no: isOther, not_a_digit: chosen?.kind === "not_a_digit" };
  for (const [say, is] of Object.entries(pressed)) button(say).setAttribute("aria-pressed", String(is));
  button("no").textContent = isOther ? `No, it is ${chosen.label}` : "No, it is …";
  for (const one of list.children) one.setAttribute("aria-pressed", String(isOther && one.textContent === chosen.label));
  button("taken_back").hidden = kept === null;
  question.hidden = said.textContent !== "";
}

function say(kind, label = "") {
  asked += 1;
  last = answer.prediction;
  drawings.set(asked, answer.drawing);
  chosen = kind === "taken_back" ? null : { kind, label };
  open(false);
  show();
  trigger("judge", { prediction: answer.prediction, label, kind, asked });
}

watch("value", () => {
  const { value } = props;
  const isKept = value.complaint === "";
  if (isKept && drawings.has(value.asked)) {
    const { prediction, kind, label } = value;
    const detail = { drawing: drawings.get(value.asked), prediction, kind, label };
    document.dispatchEvent(new CustomEvent("sketchserve-judged", { detail })); // for the pad
    known.set(prediction, { kept: kind === "taken_back" ? null : { kind, label }, words: value.said });
  }
  if (value.prediction !== answer?.prediction) return; // the person has drawn on
  if (isKept) kept = known.get(value.prediction)?.kept ?? null;
  if (value.asked === asked) tell(isKept ? value.said : value.complaint, isKept);
});
// It may have been kept, and its answer lost: said once more, it is the same.
document.addEventListener("sketchserve-failed", ({ detail }) => {
  if (detail === "judge" && last === answer.prediction) tell("There was no answer. Try again in a moment.", false);
});

function tell(words, isKept) {
  const hadFocus = document.activeElement === button("taken_back");
  chosen = kept;
  said.textContent = words;
  said.classList.toggle("is-complaint", !isKept);
  show();
  if (hadFocus && kept === null) button("yes").focus({ preventScroll: true });
}

// --- The labels, once they are asked for. ---

function open(isOpen) {
  picker.hidden = !isOpen;
  button("no").setAttribute("aria-expanded", String(isOpen));
  if (!isOpen) return;
  search.hidden = answer.labels.length <= MOST_BUTTONS;
  search.value = "";
  search.placeholder = `Search ${answer.labels.length} labels`;
  search.setAttribute("aria-label", search.placeholder);
  list.classList.toggle("has-words", answer.labels.some((label) => label.length > 2));
  list.replaceChildren(...answer.labels.map(labelButton));
  filter();
}

function labelButton(label) {
  const one = document.createElement("button");
  one.type = "button";
  one.textContent = label;
  one.setAttribute("aria-pressed", String(chosen?.label === label && label !== answer.label));
  return one;
}

const found = () => Array.from(list.children).filter((one) => !one.hidden);

function filter() {
  const wanted = search.value.trim().toLowerCase();
  for (const one of list.children) one.hidden = !one.textContent.toLowerCase().includes(wanted);
  nothing.textContent = found().length ? "" : "No label has that name.";
}

search.addEventListener("input", filter);
search.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  const exact = found().find((one) => one.textContent.toLowerCase() === search.value.trim().toLowerCase());
  const only = exact ?? (found().length === 1 ? found()[0] : null);
  if (only) only.click();
});

element.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || picker.hidden) return;
  event.preventDefault();
  open(false);
  button("no").focus({ preventScroll: true });
});

element.addEventListener("click", (event) => {
  const pressed = event.target.closest("button");
  if (!pressed || panel.dataset.state !== "open") return;
  const { say: what } = pressed.dataset;
  if (what === "yes") say("label", answer.label);
  else if (what === "no") {
    open(picker.hidden);
    // With the keyboard one goes on in what has opened.
    if (!picker.hidden && event.detail === 0) (search.hidden ? list.firstElementChild : search)?.focus({ preventScroll: true });
  } else if (what) say(what);
  else {
    const hadFocus = picker.contains(document.activeElement);
    say("label", pressed.textContent);
    if (hadFocus) button("no").focus({ preventScroll: true });
  }
});
