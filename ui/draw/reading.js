// What becomes of the panel while the answer is not the drawing's. Gradio calls this with (element, trigger, props,
// server, upload, watch). Each answer sets the panel's own attributes anew; what is to stay is on `element`.

// An answer is mostly there before this; only of a longer wait is something said.
const SAY_READING_MS = 250;
// The page's server gives up on TorchServe before that, unless told otherwise.
const DOUBT_MS = 8000;
const AWAY = ["No answer yet", "The server or your connection may be down."];
const SIGNED_OUT = ["You are signed out", "Sign in again in another tab, then try again."];

let ofDrawing = props.value; // the last answer to a single drawing, and to the digit that is open of a number: HTML
let ofDigit = "";
const isNumber = () => "number" in document.querySelector("#desk").dataset;
const isPhoto = () => document.documentElement.dataset.reads === "photo";

// Show what belongs to the paper that is seen.
function put() {
  const wanted = isNumber() ? ofDigit || ofDrawing : ofDrawing;
  if (props.value === wanted) {
    compare();
    return;
  }
  props.value = wanted; // of which the watch below does not hear
  queueMicrotask(compare); // Gradio's own, which was queued before it, puts the HTML in
}

let timers = []; // run while a drawing was sent and has no answer

function startWaiting() {
  if (timers.length) return;
  timers = [setTimeout(() => { element.dataset.waiting = "yes"; }, SAY_READING_MS), setTimeout(doubt, DOUBT_MS, AWAY)];
}

function stopWaiting() {
  timers.forEach(clearTimeout);
  timers = [];
  delete element.dataset.waiting;
}

// Compare the answer with the drawing on the paper, which pad/sending.js numbers. An answer to another one is stale.
function compare() {
  const panel = element.querySelector(".reading");
  const { sent } = document.documentElement.dataset; // "" while a stroke makes it one that nobody was sent
  const isStale = panel.dataset.sent !== sent;
  panel.classList.toggle("is-stale", isStale);
  showAll("all" in element.dataset);
  if (isStale && sent !== "") {
    if (isNumber()) stopWaiting(); // pad/digits.js says it
    else startWaiting();
    return;
  }
  stopWaiting();
  if (isStale) return;
  const { loads } = panel.dataset;
  if (loads) document.dispatchEvent(new CustomEvent("sketchserve-load", { detail: loads })); // to chooser.js
  try {
    // What pad/sending.js kept of this paper; the other one's answer may still be to come.
    if (!isPhoto()) sessionStorage.removeItem(`sketchserve-unanswered${isNumber() ? "-number" : ""}`);
  } catch {
    // Storage is refused: nothing was kept.
  }
  document.dispatchEvent(new Event("sketchserve-answered")); // for judging.js and explanation.js
}

watch("value", () => {
  ofDrawing = props.value; // it comes from the server
  const again = element.querySelector(".reading-again");
  // A button that is hidden loses the focus to nowhere.
  if (again.hidden && document.activeElement === again) focusPad();
  put();
});
// pad/digits.js has opened a digit, and pad/pad.js has laid out the other paper.
document.addEventListener("sketchserve-digit", ({ detail }) => {
  ofDigit = detail.panel;
  put();
});
document.addEventListener("sketchserve-paper", put);
document.addEventListener("sketchserve-changed", compare);
document.addEventListener("sketchserve-restored", compare);
// What was drawn meanwhile waits behind the one that failed, and Gradio sends it no more.
document.addEventListener("sketchserve-failed", ({ detail }) => {
  if (detail === "stroke" && timers.length) doubt(AWAY);
});
document.addEventListener("sketchserve-signed-out", () => {
  if (timers.length) doubt(SIGNED_OUT);
});

function focusPad() {
  document.querySelector(".pad-paper")?.focus({ preventScroll: true });
}

// No answer came. Gradio loads the page anew once a server that was away is back, and sign_in/account.js where a sign-in
// has ended, but for a list of pictures that is not read.
function doubt([headline, detail]) {
  stopWaiting();
  const panel = element.querySelector(".reading");
  panel.classList.remove("is-answer", "is-blank", "is-doubted", "is-stale");
  panel.classList.add("is-message");
  panel.querySelector(".reading-label").textContent = "";
  panel.querySelector(".reading-headline").textContent = headline;
  const thing = isPhoto() ? "picture" : "drawing";
  panel.querySelector(".reading-detail").textContent = `${detail} Your ${thing} is still there.`;
  panel.querySelector(".reading-again").hidden = false;
}

// Of many labels the likeliest, or all.
function showAll(isAll) {
  const more = element.querySelector(".bars-more");
  const count = element.querySelectorAll(".bar").length;
  if (isAll) element.dataset.all = "yes";
  else delete element.dataset.all;
  more.setAttribute("aria-expanded", String(isAll));
  more.textContent = isAll ? "Only the most likely" : `All ${count} labels`;
  search();
}

// Show the labels that have in their names what is searched, by their rank; without it the likeliest, or all.
function search() {
  const wanted = element.querySelector(".bars-search").value.trim().toLowerCase();
  if (wanted === "" && !("search" in element.dataset)) return;
  element.toggleAttribute("data-search", wanted !== "");
  for (const bar of element.querySelectorAll(".bar")) {
    bar.hidden = wanted !== "" && !bar.querySelector(".bar-name").textContent.toLowerCase().includes(wanted);
  }
}

element.addEventListener("input", (event) => {
  if (event.target.matches(".bars-search")) search();
});

element.addEventListener("click", (event) => {
  if (event.target.closest(".bars-more")) showAll(!("all" in element.dataset));
  // pad/pad.js sends what is on the paper.
  if (event.target.closest(".reading-again")) document.dispatchEvent(new Event("sketchserve-ask-again"));
});
