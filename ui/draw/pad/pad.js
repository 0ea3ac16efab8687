// The drawing pad: strokes by mouse, finger or pen, or a picture in their place. It sends what is drawn as the pen lifts.
// For a model that reads photographs there are pictures alone.
// Strokes are kept as points, so that undo, another theme and another screen only mean painting anew.

import { takeFiles } from "./drops.js";
import { meaning } from "./keys.js";
import { openNumber } from "./number.js";
import { openOverlay } from "./overlay.js";
import { paint } from "./painting.js";
import { openPanel } from "./panel.js";
import { carried, createPapers, layOut, readsPhotos } from "./papers.js";
import { openPen } from "./pen.js";
import { noPicture, readPicture } from "./pictures.js";
import { givesBackWhatWasPainted } from "./readout.js";
import { createSending, keepUnanswered, unanswered } from "./sending.js";
import { coloursOf, DEFAULTS, loadSettings } from "./settings.js";
import { openSheet } from "./sheet.js";
import { createTaking } from "./taking.js";
import { applyTheme, chosenTheme, isDark } from "./theme.js";
import { fileOf, NotFetched } from "./web.js";

const FALSIFIED = "This browser adds noise to what pages read from a canvas, and the model gets that. Allow canvas access here.";

// Gradio gives the element and its value in `props`; `ask.stroke` and `ask.live` send that to the page.
export function openPad({ element, props, ask }) {
  const canvas = element.querySelector("canvas");
  const hint = element.querySelector(".pad-hint");
  const complaint = element.querySelector(".pad-complaint");
  const tool = (name) => element.querySelector(`[data-tool=${name}]`);
  const tools = ["undo", "redo", "clear"].map(tool);

  let settings = loadSettings();
  const papers = createPapers(() => settings.number);
  let paper = papers.wanted();
  let wasInterim = false; // whether the stroke under the pen was sent already
  const standing = givesBackWhatWasPainted() ? "" : FALSIFIED;
  const number = openNumber(element);
  const sending = createSending({ props, ask, content, numbers: number });
  const choose = () => element.querySelector("input[type=file]").click();
  const sheet = openSheet(canvas, choose);
  const overlay = openOverlay(canvas, () => show());
  const pen = openPen(canvas, {
    isOff: () => paper.kind === "photo",
    sheet: () => paper.sheet,
    width: () => settings.width,
    begun() {
      wasInterim = false;
      sending.begin();
      show();
    },
    moved() {
      requestAnimationFrame(show);
      if (settings.live && sending.sendInterim()) wasInterim = true;
    },
    done(stroke) {
      paper.add(stroke);
      if (taking.isHolding) papers.outdated.add(paper); // but for the picture, which is sent in its place
      else if (!readsPhotos()) send();
      turn(); // if the switch was turned meanwhile, or another kind of model was chosen
      taking.release();
    },
    // If it was sent, what is there without it has to be read again.
    dropped() {
      if (wasInterim && !taking.isHolding && !readsPhotos()) sending.send();
      else sending.restore();
      turn();
      taking.release();
      show();
    },
  });

  function content() {
    const { strokes, picture, drawing, kind, sheet } = paper;
    const now = pen.stroke ? { strokes: [...strokes, pen.stroke], picture: null } : { strokes, picture };
    const colours = coloursOf(kind === "photo" ? DEFAULTS : settings, isDark());
    return { ...now, drawing, kind, sheet, colours };
  }

  function complain(words) {
    complaint.textContent = words || standing;
  }

  function show() {
    const { width, height } = paper.sheet;
    const shownWidth = Math.round(canvas.clientWidth * Math.min(window.devicePixelRatio || 1, 2));
    if (shownWidth === 0) return; // not laid out yet: the ResizeObserver comes back
    const shownHeight = Math.round((shownWidth * height) / width);
    if (canvas.width !== shownWidth || canvas.height !== shownHeight) [canvas.width, canvas.height] = [shownWidth, shownHeight];
    paint(canvas.getContext("2d"), shownWidth / width, content());
    overlay.show(shownWidth / width, number.placeOfDigit(paper), content());
    const isBlank = paper.isBlank && !pen.stroke;
    hint.hidden = !isBlank;
    sheet.show(paper.kind, isBlank);
    const isUseless = { undo: !paper.canUndo, redo: !paper.canRedo, clear: isBlank };
    for (const button of tools) {
      const isDisabled = isUseless[button.dataset.tool];
      // A button that is disabled loses the focus to nowhere.
      if (isDisabled && button === document.activeElement) canvas.focus({ preventScroll: true });
      button.disabled = isDisabled;
    }
    // The page hides an answer that no longer has a drawing, at once and without asking the server.
    document.documentElement.dataset.paper = isBlank ? "blank" : "drawn";
  }

  function send() {
    complain("");
    show();
    papers.outdated.delete(paper);
    sending.send();
    if (paper.kind !== "photo") keepUnanswered(paper.kind, paper.toText());
  }

  const actions = {
    undo: () => paper.undo() && send(),
    redo: () => paper.redo() && send(),
    clear: () => paper.clear() && send(),
    picture: choose,
  };
  for (const [name, action] of Object.entries(actions)) {
    tool(name).addEventListener("click", () => !pen.stroke && action());
  }

  // --- Keys, wherever the focus is on the page. ---

  document.addEventListener("keydown", (event) => {
    delete canvas.dataset.focus;
    const action = actions[meaning(event)];
    if (!action || pen.stroke || !element.isConnected) return;
    event.preventDefault();
    action();
  });

  // --- A picture in place of a drawing. ---

  const taking = createTaking({
    read: async (taken) => readPicture(await fileOf(taken), { isPhoto: readsPhotos() }),
    isHeld: () => pen.stroke !== null,
    put(picture) {
      paper.put(picture); // on the paper that is there now: the switch may have been turned meanwhile
      send();
    },
    refuse: (error, taken) => complain(error instanceof NotFetched ? error.message : error.why ?? noPicture(taken)),
  });

  takeFiles(element.querySelector(".pad"), element.querySelector("input[type=file]"), taking.take, complain);

  // --- What other parts of the page say. ---

  // Another model reads what is drawn, or shows its labels beside blank paper (chooser.js).
  document.addEventListener("sketchserve-model", () => {
    papers.all.forEach((one) => papers.outdated.add(one));
    if (pen.stroke) return;
    turn();
    if (papers.outdated.has(paper)) send();
  });
  // The panel's button, where a drawing had no answer.
  document.addEventListener("sketchserve-ask-again", () => !pen.stroke && send());
  document.addEventListener("sketchserve-judged", ({ detail }) => {
    for (const one of papers.all) one.judge(detail?.drawing);
  });

  // --- The pad follows the page's size, its theme and the visitor's settings. ---

  const panel = openPanel(element, settings, (chosen) => {
    settings = chosen;
    turn();
    show();
  }, complain);

  // One digit, several, or photographs: what is on the other paper stays there, and so does its answer.
  function turn() {
    const before = paper;
    if (papers.wanted() === before || pen.stroke) return;
    paper = papers.wanted();
    layOut(paper);
    if (papers.outdated.has(paper)) send(); // also blank paper, beside which the model's labels are shown
    else sending.restore();
    const file = carried(before, paper);
    if (file) taking.take(file);
    document.dispatchEvent(new Event("sketchserve-paper")); // to reading.js, which compares numbers: after these are set
    canvas.scrollIntoView({ block: "nearest" }); // on a low screen the switch is below it
  }

  if (chosenTheme() !== "system") applyTheme(); // which Gradio has chosen
  new ResizeObserver(show).observe(canvas);
  new MutationObserver(() => {
    show();
    panel.show();
  }).observe(document.body, { attributeFilter: ["class"] });
  sending.start();
  complain("");
  for (const one of papers.drawn) one.restore(unanswered(one.kind));
  for (const one of papers.drawn) if (one !== paper && !one.isBlank) papers.outdated.add(one); // it is sent when it is turned to
  layOut(paper);
  if (paper.isBlank) show();
  else send(); // the page was loaded anew before its answer came
}
