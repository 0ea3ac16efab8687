// Judges one drawing after the other without a page in between. The next ones are on the page already, hidden,
// so that their pictures are here when they are shown.

import { latin } from "../draw/pad/keys.js";
import { tell } from "./changes.js";

const DONE = "sketchserve-judged-count"; // how many in this tab, over all pages
const pieces = [...document.querySelectorAll("[data-piece]")];
const status = document.querySelector("[data-status]");
const done = document.querySelector("[data-done]");
const takeBack = document.querySelector("[data-take-back]");
const said = []; // [{ at, what }], the last one last: what "take back" undoes
let at = 0; // which one is shown; none of them while the next page is awaited
const unsent = []; // [{ piece, what }], in their order
let waiting = Promise.resolve(); // until all of that has an answer
const lost = new Set(); // pieces of which what was said last could not be kept
let words = ""; // of the status
let isLeft = false; // then what is on its way arrives, but nobody hears its answer

let judged = 0;
try {
  judged = Number(sessionStorage.getItem(DONE) ?? 0);
} catch {
  // Storage is refused: each page counts anew.
}

function count(change) {
  const now = judged = Math.max(0, judged + change);
  try {
    sessionStorage.setItem(DONE, String(now));
  } catch {
    // As above.
  }
  done.textContent = `${now} judged ·`;
  done.hidden = now === 0;
}

function show(next) {
  at = Math.min(Math.max(0, next), pieces.length);
  pieces.forEach((piece, index) => { piece.hidden = index !== at; });
  takeBack.disabled = said.length === 0;
  // All that was sent has to be there before the next page is asked for.
  if (at === pieces.length) waiting.then(goOn);
}

function goOn() {
  if (at !== pieces.length) return; // somebody has gone back meanwhile
  const [first] = lost;
  if (first) {
    lost.delete(first); // whoever passes it over is not shown it again
    show(pieces.indexOf(first));
    say("Your judgement of this one could not be saved. Judge it again.");
    return;
  }
  const { next: address } = document.querySelector(".pieces").dataset;
  location.assign(address || location.pathname + location.search);
}

// That something could not be kept stays there beside what is said next.
function say(next = words) {
  words = next;
  const again = lost.size ? `Not saved: ${lost.size}. What was not saved will be shown again after the last one.` : "";
  status.textContent = `${words} ${again}`.trim();
}

function post({ piece, what }) {
  const body = new URLSearchParams(what);
  const address = piece.querySelector("form").action;
  // Kept alive, it arrives even if the page is left meanwhile.
  return fetch(address, { method: "POST", body, redirect: "manual", keepalive: true }).catch(() => null);
}

function send(piece, what) {
  unsent.push({ piece, what });
  waiting = waiting.then(async () => {
    const first = unsent.shift();
    const answer = first && await post(first);
    if (!first) return tell();
    if (answer?.type === "opaqueredirect") {
      lost.delete(first.piece);
      return tell();
    }
    if (isLeft) return;
    lost.add(first.piece);
    say();
    count(first.what.kind === "taken_back" ? 1 : -1);
  });
}

function judge(what, named) {
  send(pieces[at], what);
  said.push(at);
  count(1);
  say(`That was ${named}.`);
  show(at + 1);
}

function press(button) {
  judge({ [button.name]: button.value }, button.textContent.trim().replace("Right: ", ""));
}

// Of many labels one is named: as it is written, or else the one that is written so but for capitals.
function name(input) {
  const labels = Array.from(input.list.options, (option) => option.value);
  const wanted = input.value.trim();
  const label = labels.find((one) => one === wanted) ?? labels.find((one) => one.toLowerCase() === wanted.toLowerCase());
  if (label === undefined) say("No label has that name.");
  else judge({ label }, label);
}

function undo() {
  const last = said.pop();
  if (last === undefined) return;
  send(pieces[last], { kind: "taken_back" });
  count(-1);
  say("Taken back.");
  show(last);
}

function button(selector) {
  return pieces[at]?.querySelector(selector) ?? null;
}

document.addEventListener("submit", (event) => {
  const input = event.target.querySelector("input[list]");
  if (!input && !event.submitter?.name) return; // none of those that judge
  event.preventDefault();
  if (input) name(input);
  else press(event.submitter);
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || !pieces.length) return;
  if (event.target.closest?.("input")) return; // what is written there is a label's name
  const key = latin(event);
  const isOnControl = event.target.closest?.("a, button, select");
  if (key === "enter" && isOnControl) return; // it presses that
  const meant = key === "enter" ? button("[data-right]")
    : /^[0-9]$/.test(key) ? button(`[name=label][value="${key}"]:not([data-right])`)
    : key === "x" ? button("[name=kind][value=not_a_digit]")
    : key === "s" ? button("[name=kind][value=skip]")
    : null;
  if (meant) press(meant);
  else if (key === "u" || key === "backspace") undo();
  else if (key === "arrowright") show(at + 1);
  else if (key === "arrowleft") show(at - 1);
  else return;
  event.preventDefault();
});

// What still waits when the page is left goes at once; of one drawing, what was said last.
window.addEventListener("pageshow", () => { isLeft = false; });
window.addEventListener("pagehide", () => {
  isLeft = true;
  new Map(unsent.splice(0).map((one) => [one.piece, one])).forEach(post);
});
takeBack.addEventListener("click", undo);
document.querySelector("[data-skip]").addEventListener("click", () => show(at + 1));
document.querySelector("[data-back]").addEventListener("click", () => show(at - 1));
document.querySelector("[data-steps]").hidden = pieces.length === 0;
count(0);
