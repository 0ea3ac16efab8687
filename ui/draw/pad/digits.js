// The number that was read: large, and below it a card for each digit, of which one is open in the panel of answers.

// An answer is mostly there before this; only of a longer wait is something said.
const SAY_READING_MS = 250;
const LONG = [8, 14]; // more digits than these are written smaller

// `panel` is the section of number.html. Return { show(answer, question), blank() }.
export function openDigits(panel) {
  const part = (name) => panel.querySelector(`.number-${name}`);
  const [text, words, heard, again, cards] = ["text", "words", "heard", "again", "cards"].map(part);
  const said = new Map(); // what was said of which answer: "✓" or what it is
  let digits = [];
  let chosen = -1;
  let wanted = ""; // the answer that the person has opened
  let timer = 0;

  function setState(state) {
    panel.dataset.state = state;
    document.querySelector("#desk").toggleAttribute("data-digit", state === "answer"); // the panel of one is worth seeing
    compare();
  }

  // What is shown is not, or no longer, what is on the paper.
  function compare() {
    const { sent } = document.documentElement.dataset; // "" while the pen is down
    const isStale = panel.dataset.sent !== sent && panel.dataset.state !== "blank";
    panel.classList.toggle("is-stale", isStale);
    clearTimeout(timer);
    panel.removeAttribute("data-waiting");
    if (panel.dataset.sent !== sent && sent) timer = setTimeout(() => panel.setAttribute("data-waiting", ""), SAY_READING_MS);
  }

  function open(index) {
    chosen = index;
    Array.from(cards.children).forEach(({ firstElementChild }, at) => {
      firstElementChild.setAttribute("aria-pressed", String(at === index));
    });
    document.dispatchEvent(new CustomEvent("sketchserve-digit", { detail: digits[index] })); // to reading.js and the pad
  }

  function show(answer, { sent, isInterim }) {
    const focused = document.activeElement; // before anything goes
    panel.dataset.sent = sent;
    digits = answer.digits ?? [];
    again.hidden = !answer.canAskAgain;
    text.replaceChildren(...digits.map(asText));
    text.classList.toggle("is-long", digits.length > LONG[0]);
    text.classList.toggle("is-longer", digits.length > LONG[1]);
    words.textContent = answer.message ?? inWords(digits);
    words.classList.toggle("is-complaint", Boolean(answer.message));
    if (!isInterim) heard.textContent = answer.message ?? `Read as ${answer.text}. ${inWords(digits)}`;
    cards.replaceChildren(...digits.map(asCard));
    setState(digits.length ? "answer" : "error");
    if (answer.loads) document.dispatchEvent(new CustomEvent("sketchserve-load", { detail: answer.loads })); // to chooser.js
    if (digits.length) open(firstChoice(digits, wanted));
    catchFocus(focused);
    if (digits.length) reveal(cards.children[chosen]);
  }

  // From a card that is there no longer, or the button where that went, the focus would fall to nowhere.
  function catchFocus(focused) {
    if (focused.isConnected && !(focused === again && again.hidden)) return;
    const card = focused === again ? null : cards.children[chosen]?.firstElementChild;
    (card ?? document.querySelector(".pad-paper"))?.focus({ preventScroll: true });
  }

  // Scroll the cards alone: the page stays where it is, under the pen.
  function reveal({ offsetLeft, offsetWidth }) {
    const left = offsetLeft - cards.offsetLeft;
    cards.scrollLeft = Math.max(Math.min(cards.scrollLeft, left), left + offsetWidth - cards.clientWidth);
  }

  function asCard(digit, index) {
    const [item, button, picture] = ["li", "button", "img"].map((name) => document.createElement(name));
    button.type = "button";
    button.className = digit.is_sure ? "" : "is-unsure";
    Object.assign(picture, { src: digit.picture, alt: "" });
    button.append(picture, line("number-label", digit.label), line("number-note", digit.note));
    item.append(button);
    button.addEventListener("click", () => {
      wanted = digit.prediction;
      open(index);
    });
    mark(button, digit, index);
    return item;
  }

  function mark(button, { label, note, prediction }, index) {
    const what = said.get(prediction) ?? "";
    button.dataset.said = what;
    button.lastElementChild.textContent = what.startsWith("→") ? what : note;
    const judged = what === "✓" ? ", judged right" : what && `, really ${what.slice(2)}`;
    button.setAttribute("aria-label", `Digit ${index + 1} of ${digits.length}: ${label}, ${note}${judged}`);
  }

  // judging.js has said what a digit is, or taken that back.
  document.addEventListener("sketchserve-judged", ({ detail }) => {
    const index = digits.findIndex(({ prediction }) => prediction && prediction === detail.prediction);
    if (index < 0) return;
    said.set(detail.prediction, markOf(detail, digits[index].label));
    mark(cards.children[index].firstElementChild, digits[index], index);
  });
  document.addEventListener("sketchserve-changed", compare);
  document.addEventListener("sketchserve-restored", compare);
  again.addEventListener("click", () => {
    document.querySelector(".pad-paper")?.focus({ preventScroll: true }); // the button goes
    document.dispatchEvent(new Event("sketchserve-ask-again")); // to the pad
  });

  return {
    show,
    blank({ sent }) {
      panel.dataset.sent = sent;
      digits = [];
      const focused = document.activeElement;
      for (const one of [text, cards]) one.replaceChildren();
      words.textContent = heard.textContent = "";
      again.hidden = true;
      catchFocus(focused);
      setState("blank");
    },
  };
}

function line(name, content) {
  const span = document.createElement("span");
  span.className = name;
  span.textContent = content;
  return span;
}

function asText(digit) {
  const span = document.createElement("span");
  span.textContent = digit.label;
  if (!digit.is_sure) span.className = "is-unsure";
  return span;
}

// Return which digits are in doubt, in a line.
export function inWords(digits) {
  const unsure = digits.flatMap(({ is_sure: isSure }, index) => (isSure ? [] : [index + 1]));
  if (unsure.length === 0) return digits.length > 1 ? `Sure of all ${digits.length} digits.` : "Sure of the digit.";
  if (unsure.length === digits.length) return digits.length > 1 ? "Not sure of any digit." : "Not sure of the digit.";
  const last = unsure.at(-1);
  const listed = unsure.length > 1 ? `digits ${unsure.slice(0, -1).join(", ")} and ${last}` : `digit ${last}`;
  return `Not sure of ${listed}.`;
}

// Return which digit is open at first: the one that the person has opened, or the first in doubt, or the last.
export function firstChoice(digits, wanted) {
  const theirs = wanted ? digits.findIndex(({ prediction }) => prediction === wanted) : -1;
  const unsure = digits.findIndex(({ is_sure: isSure }) => !isSure);
  return [theirs, unsure, digits.length - 1].find((index) => index >= 0);
}

// Return what a card says of a judgement: nothing after it was taken back.
export function markOf({ kind, label }, readAs) {
  if (kind === "taken_back") return "";
  if (kind === "not_a_digit") return "→ not a digit";
  return label === readAs ? "✓" : `→ ${label}`;
}
