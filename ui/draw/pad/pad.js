// The drawing pad: strokes by mouse, finger or pen, or a picture in their place. It sends what is drawn as the pen lifts.
// Strokes are kept as points, so that undo, another theme and another screen only mean painting anew.

import { takeFiles } from "./drops.js";
import { meaning } from "./keys.js";
import { paint, paintMaps } from "./painting.js";
import { openPanel } from "./panel.js";
import { createPaper, SIDE } from "./paper.js";
import { noPicture, readPicture } from "./pictures.js";
import { createPointers } from "./pointers.js";
import { givesBackWhatWasPainted } from "./readout.js";
import { createSending, keepUnanswered, unanswered } from "./sending.js";
import { coloursOf, loadSettings } from "./settings.js";
import { applyTheme, chosenTheme, isDark } from "./theme.js";
import { fileOf, NotFetched } from "./web.js";

const FALSIFIED = "This browser falsifies what it reads of canvases: the model is sent noise. Allow it for this page.";

// Gradio gives the element and its value in `props`; `ask.stroke` and `ask.live` send that to the page.
export function openPad({ element, props, ask }) {
  const canvas = element.querySelector("canvas");
  const overlay = document.createElement("canvas"); // lies over the drawing while there are maps
  overlay.className = "pad-maps";
  overlay.ariaHidden = "true";
  const hint = element.querySelector(".pad-hint");
  const complaint = element.querySelector(".pad-complaint");
  const tool = (name) => element.querySelector(`[data-tool=${name}]`);
  const tools = ["undo", "redo", "clear"].map(tool);

  const paper = createPaper();
  const pointers = createPointers();
  let settings = loadSettings();
  let pending = null; // the stroke under the pen
  let wasInterim = false; // whether that was sent already
  let maps = null; // an explanation that lies over the drawing
  const standing = givesBackWhatWasPainted() ? "" : FALSIFIED;
  const sending = createSending({ props, ask, content });

  function content() {
    const strokes = pending ? [...paper.strokes, pending] : paper.strokes;
    const picture = pending ? null : paper.picture;
    return { strokes, picture, drawing: paper.drawing, colours: coloursOf(settings, isDark()) };
  }

  function complain(words) {
    complaint.textContent = words || standing;
  }

  function show() {
    const shownSide = Math.round(canvas.clientWidth * Math.min(window.devicePixelRatio || 1, 2));
    if (shownSide === 0) return; // not laid out yet: the ResizeObserver comes back
    if (canvas.width !== shownSide) canvas.width = canvas.height = shownSide;
    paint(canvas.getContext("2d"), shownSide / SIDE, content());
    if (maps) {
      canvas.after(overlay);
      paintMaps(overlay, shownSide, maps, content());
    } else {
      overlay.remove();
    }
    const isBlank = paper.isBlank && !pending;
    hint.hidden = !isBlank;
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
    sending.send();
    keepUnanswered(paper.toText());
  }

  const actions = {
    undo: () => paper.undo() && send(),
    redo: () => paper.redo() && send(),
    clear: () => paper.clear() && send(),
    picture: () => element.querySelector("input[type=file]").click(),
  };
  for (const [name, action] of Object.entries(actions)) {
    tool(name).addEventListener("click", () => !pending && action());
  }

  // --- Pen: mouse, finger or stylus. ---

  function positions(event) {
    const box = canvas.getBoundingClientRect();
    const samples = event.getCoalescedEvents?.() ?? [];
    return (samples.length ? samples : [event]).map((sample) => [
      ((sample.clientX - box.left) / box.width) * SIDE,
      ((sample.clientY - box.top) / box.height) * SIDE,
    ]);
  }

  // What is under the pen is no stroke after all. If it was sent, what is there without it has to be read again.
  function dropPending() {
    pending = null;
    if (wasInterim) sending.send();
    else sending.restore();
    show();
  }

  canvas.addEventListener("pointerdown", (event) => {
    const rule = pointers.down(event);
    event.preventDefault();
    if (rule === "cancel") dropPending();
    if (rule !== "begin") return;
    canvas.dataset.focus = "pointer"; // no ring: the pen shows where one is
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    pending = { width: settings.width, points: positions(event) };
    wasInterim = false;
    sending.begin();
    show();
  });

  canvas.addEventListener("pointermove", (event) => {
    if (!pointers.moves(event)) return;
    pending.points.push(...positions(event));
    requestAnimationFrame(show);
    if (settings.live && sending.sendInterim()) wasInterim = true;
  });

  canvas.addEventListener("pointerup", (event) => {
    if (!pointers.end(event)) return;
    paper.add(pending);
    pending = null;
    send();
  });

  // The system took the pen away (a gesture, a call): the stroke was not finished by the person.
  canvas.addEventListener("pointercancel", (event) => {
    if (pointers.end(event)) dropPending();
  });

  // --- Keys, wherever the focus is on the page. ---

  document.addEventListener("keydown", (event) => {
    delete canvas.dataset.focus;
    const action = actions[meaning(event)];
    if (!action || pending || !element.isConnected) return;
    event.preventDefault();
    action();
  });

  // --- A picture in place of a drawing. ---

  takeFiles(element.querySelector(".pad"), element.querySelector("input[type=file]"), async (taken) => {
    try {
      paper.put(await readPicture(await fileOf(taken)));
      send();
    } catch (error) {
      complain(error instanceof NotFetched ? error.message : noPicture(taken));
    }
  });

  // --- What other parts of the page say. ---

  // Another model reads what is drawn, or shows its labels beside blank paper (chooser.js).
  document.addEventListener("sketchserve-model", () => !pending && send());
  // The panel's button, where a drawing had no answer.
  document.addEventListener("sketchserve-ask-again", () => !pending && send());
  document.addEventListener("sketchserve-judged", ({ detail }) => paper.judge(detail?.drawing));
  // An explanation comes and goes (explanation.js).
  document.addEventListener("sketchserve-maps", ({ detail }) => {
    if (maps === detail) return;
    maps = detail;
    show();
  });

  // --- The pad follows the page's size, its theme and the visitor's settings. ---

  const panel = openPanel(element, settings, (chosen) => {
    settings = chosen;
    show();
  }, complain);
  if (chosenTheme() !== "system") applyTheme(); // which Gradio has chosen
  new ResizeObserver(show).observe(canvas);
  new MutationObserver(() => {
    show();
    panel.show();
  }).observe(document.body, { attributeFilter: ["class"] });
  sending.start();
  complain("");
  paper.restore(unanswered());
  if (paper.isBlank) show();
  else send(); // the page was loaded anew before its answer came
}
