// What the pad sends, and when: each drawing has a number, by which reading.js knows whose answer came.

import { createGate } from "./live.js";
import { asPng, photoAsPng } from "./painting.js";
import { SIDE } from "./paper.js";

// For the history, which so never has to decode what somebody sent.
export const THUMBNAIL_SIDE = 56;
const PHOTO_SIDE = 64; // the longer one: in colour, no PNG of it is larger than the 16 kB that are kept
// By the paper's kind; reading.js takes the papers' away when the answer comes, and numbers.js its own.
const UNANSWERED = {
  digit: "sketchserve-unanswered",
  number: "sketchserve-unanswered-number",
  before: "sketchserve-unanswered-before", // what numbers.js knows of the number
};
// Whose they are, by the cookie that ui/sign_in/cookie.py sets; "" where nobody signs in.
const WHOSE = "sketchserve-unanswered-whose";
forgetOthers();

// `content()` gives { kind, strokes, picture, colours, drawing, sheet } as they are now; `numbers` reads those of a number.
export function createSending({ props, ask, content, numbers }) {
  const gate = createGate();
  let live = 0; // the number of the last one that was sent before
  let sent = 0; // counts drawings: an answer carries the number of the one that it answers
  const awaited = { digit: 0, number: 0, photo: 0 }; // the numbers of the last ones that were sent as the pen lifted
  let held = null; // a value that waits for the answer to an interim one, which else could come after its own

  function valueWith(more) {
    const { strokes, picture, colours, drawing } = content();
    const about = { drawing, model: model(), sent };
    if (picture) return { image: picture.image, source: "upload", ...about, ...more };
    if (strokes.length === 0) return { image: "", ...about };
    return { image: asPng(SIDE, content()), source: "sketchpad", ...colours, ...about, ...more };
  }

  function put(value) {
    props.value = value;
    ask.stroke();
  }

  function number() {
    sent += 1;
    setNumber(sent);
  }

  // Its detail is the number of the drawing that was read. Where others went before, nobody waits for this one.
  document.addEventListener("sketchserve-live-done", ({ detail }) => {
    const wasRead = detail === live;
    gate.answered(performance.now(), wasRead);
    if (!wasRead && document.documentElement.dataset.sent === String(live)) begun();
    if (held) put(held);
    held = null;
  });

  return {
    // Send what is on the paper, to be stored where the visitor allows it.
    send() {
      number();
      awaited[content().kind] = sent;
      tell("sketchserve-changed");
      if (content().kind === "number") {
        numbers.ask({ ...content(), sent, model: model(), keep: mayBeKept() });
        return;
      }
      const value = valueWith({ keep: mayBeKept(), thumbnail: thumbnailOf(content()) });
      if (gate.isOut) held = value;
      else put(value);
    },
    // Send what is under the pen, if it may go now; say whether it did. Before the answer to the last drawing is there
    // it may not: that one could come later, in the place of this one's.
    sendInterim() {
      const { kind } = content();
      const panel = document.querySelector(kind === "number" ? ".number" : ".reading");
      const isAwaited = held || numbers.isOut || Number(panel?.dataset.sent ?? 0) < awaited[kind];
      if (isAwaited || !gate.mayAsk(performance.now())) return false;
      gate.asked(performance.now());
      number();
      live = sent;
      if (kind === "number") {
        numbers.ask({ ...content(), sent, model: model(), keep: false, isInterim: true });
      } else {
        props.value = valueWith({ keep: false, interim: true });
        ask.live();
      }
      return true;
    },
    // A stroke begins: what is on the paper is a drawing that nobody was sent.
    begin() {
      gate.begin(performance.now());
      begun();
    },
    // It was none, or the other sheet is back: the answer that is there fits again, if it is the last drawing's.
    restore() {
      setNumber(awaited[content().kind]);
      tell("sketchserve-restored");
    },
    start: () => setNumber(sent),
  };
}

// Return the small PNG of what is on the paper; "" of a picture that the browser cannot show: the page's server keeps what
// the network saw. A photograph keeps its shape.
export function thumbnailOf(content) {
  const { picture } = content;
  if (picture?.isUnseen) return "";
  return picture?.isPhoto ? photoAsPng(PHOTO_SIDE, picture) : asPng(THUMBNAIL_SIDE, content);
}

// The model that the chooser shows as active; none before it has appeared.
const model = () => document.querySelector(".chooser")?.dataset.model ?? "";

// The number of the drawing on the paper, for reading.js; "" while a stroke makes it one that nobody was sent.
function setNumber(number) {
  document.documentElement.dataset.sent = number;
}

function begun() {
  setNumber("");
  tell("sketchserve-changed");
}

// Other parts of the page hear at once that what was answered is no longer what is drawn.
function tell(event) {
  document.dispatchEvent(new Event(event));
}

// Whether what is drawn may be stored: the visitor's choice, which privacy.js keeps.
export function mayBeKept() {
  try {
    return localStorage.getItem("sketchserve-keep-nothing") !== "yes";
  } catch {
    return document.documentElement.dataset.keepNothing !== "yes"; // storage is refused
  }
}

// Return the id that visitor.js has made for this browser as the page appeared.
export function visitorId() {
  try {
    return localStorage.getItem("sketchserve-visitor") ?? window.sketchserveVisitor ?? "";
  } catch {
    return window.sketchserveVisitor ?? ""; // storage is refused
  }
}

// Whoever signs in next in this tab neither sees nor stores what the one before drew as their sign-in ended.
function forgetOthers() {
  const whose = /(?:^|; )(?:__Host-)?sketchserve-user=(\d+)/.exec(document.cookie)?.[1] ?? "";
  try {
    if ((sessionStorage.getItem(WHOSE) ?? whose) !== whose) {
      for (const key of Object.values(UNANSWERED)) sessionStorage.removeItem(key);
    }
    sessionStorage.setItem(WHOSE, whose);
  } catch {
    // Storage is refused: nothing was kept.
  }
}

// Gradio loads the page anew after its server was away. Strokes that have no answer yet outlive that.
export function unanswered(kind) {
  try {
    return sessionStorage.getItem(UNANSWERED[kind]) ?? "";
  } catch {
    return ""; // storage is refused
  }
}

export function keepUnanswered(kind, text) {
  try {
    if (text) sessionStorage.setItem(UNANSWERED[kind], text);
    else sessionStorage.removeItem(UNANSWERED[kind]);
  } catch {
    // Storage is refused: a reload begins with blank paper.
  }
}
