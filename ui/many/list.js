// The table of many pictures below the pad: how far it is, a row for each picture, Stop, and the file for a spreadsheet.

import { ask, prepare } from "./asking.js";
import { csvOf } from "./csv.js";
import { createRun, progress } from "./run.js";
import { createRow, showRow } from "./row.js";

const MOST = 1000;
const DONE = "Done. Select a label to open its picture in the history, where you can judge it.";
const UNANSWERED = "Some had no answer. Choose Continue to try them again.";
const FRAME = `
  <header class="many-head">
    <h2 id="many-title" tabindex="-1">Pictures</h2>
    <p class="many-progress"></p>
    <div class="many-buttons">
      <button type="button" data-do="stop">Stop</button>
      <button type="button" data-do="go" hidden>Continue</button>
      <button type="button" data-do="csv">CSV</button>
      <button type="button" data-do="close" hidden>Close</button>
    </div>
  </header>
  <progress aria-label="Pictures done" value="0"></progress>
  <p class="many-note" role="status"></p>
  <div class="many-rows" tabindex="0" role="region" aria-label="Results">
    <table>
      <thead><tr><th scope="col"><span class="only-heard">Picture</span></th><th scope="col">File</th><th scope="col">Read as</th><th scope="col">How sure</th></tr></thead>
      <tbody></tbody>
    </table>
  </div>`;

let list = null; // while there is one

// Have these files read, in the list that is there or a new one.
export function addPictures(files) {
  list ??= openList();
  list.add(files);
}

function openList() {
  const section = document.createElement("section");
  section.className = "many";
  section.setAttribute("aria-labelledby", "many-title");
  section.innerHTML = FRAME;
  const part = (name) => section.querySelector(name);
  const button = (name) => part(`[data-do=${name}]`);
  const box = part(".many-rows");
  const rows = [];
  const shown = new Map();
  let leftOut = ""; // what is said of those that are too many
  let follows = true; // the list scrolls with what is read, until somebody scrolls it
  const run = createRun(rows, { prepare, ask, changed });

  function changed(row) {
    const element = shown.get(row);
    showRow(element, row);
    showProgress();
    if (row.state === "reads" && follows) box.scrollTop = element.offsetTop - box.clientHeight / 2;
  }

  function showProgress() {
    part(".many-progress").textContent = progress(rows);
    const bar = part("progress");
    bar.max = rows.length;
    bar.value = rows.filter(({ state }) => state !== "waits" && state !== "reads").length;
  }

  function showButtons() {
    const isOpen = rows.some(({ state }) => state === "waits" || state === "unanswered");
    const isAtStake = run.isRunning || isOpen; // what is not read is lost with the page
    section.classList.toggle("is-open", isAtStake); // for sign_in/account.js
    (isAtStake ? addEventListener : removeEventListener)("beforeunload", askBeforeLeaving);
    const wanted = { stop: run.isRunning, go: !run.isRunning && isOpen, close: !run.isRunning };
    const had = section.contains(document.activeElement) && document.activeElement.dataset.do in wanted;
    for (const [name, is] of Object.entries(wanted)) button(name).hidden = !is;
    // A button that is hidden loses the focus to nowhere.
    if (had && document.activeElement.hidden) part("h2").focus({ preventScroll: true });
  }

  function say(words) {
    part(".many-note").textContent = words;
  }

  async function start() {
    if (run.isRunning) return;
    let why = "";
    try {
      const ended = run.start();
      showButtons();
      why = await ended;
    } finally {
      showButtons();
    }
    const has = (wanted) => rows.some(({ state }) => state === wanted);
    say((has("waits") ? why || "Stopped." : has("unanswered") ? UNANSWERED : DONE) + leftOut);
    const channel = new BroadcastChannel("sketchserve-history"); // of the strip below, and of other tabs
    channel.postMessage("changed");
    channel.close();
  }

  function add(files) {
    const taken = files.slice(0, MOST - rows.length);
    const isNumber = "number" in document.querySelector("#desk").dataset; // as the switch is now
    for (const file of taken) {
      const row = { file, name: file.name, isNumber, state: "waits", why: "", answer: null };
      const element = createRow(row);
      shown.set(row, element);
      rows.push(row);
      part("tbody").append(element);
    }
    const left = files.length - taken.length;
    leftOut = left ? ` A list holds at most ${MOST.toLocaleString("en")} pictures: ${left} left out. Close it, then choose the rest.` : "";
    if (taken.length === 0) {
      say(leftOut.trim());
      return;
    }
    say(`${taken.length === 1 ? "1 picture is" : `${taken.length} pictures are`} being read.${leftOut}`);
    showProgress();
    follows = true;
    start();
  }

  const actions = {
    stop: () => {
      run.stop();
      say("Stopping …");
    },
    go: start,
    csv: () => save(csvOf(rows)),
    close: () => {
      section.remove();
      removeEventListener("beforeunload", askBeforeLeaving);
      list = null;
      document.querySelector(".pad-paper")?.focus({ preventScroll: true });
    },
  };
  section.addEventListener("click", ({ target }) => actions[target.closest("[data-do]")?.dataset.do]?.());
  for (const event of ["wheel", "touchmove", "keydown", "pointerdown"]) {
    box.addEventListener(event, () => { follows = false; }, { passive: true });
  }
  section.addEventListener("keydown", (event) => event.stopPropagation()); // Escape would clear the pad
  document.querySelector("#desk").after(section);
  withStyles().then(() => {
    section.scrollIntoView({ block: "nearest" });
    part("h2").focus({ preventScroll: true });
  });
  return { add };
}

// Gradio, too, loads the page anew: once a server that was away is back.
function askBeforeLeaving(event) {
  event.preventDefault();
}

function withStyles() {
  if (document.querySelector("link[data-many]")) return Promise.resolve();
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL("many.css", import.meta.url);
  link.dataset.many = "";
  document.head.append(link);
  return new Promise((resolve) => {
    link.addEventListener("load", resolve);
    link.addEventListener("error", resolve);
  });
}

function save(text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = "pictures.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
