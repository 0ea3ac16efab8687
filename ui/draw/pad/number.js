// The number on the pad's wide paper: asked for, shown, and the digit that is open marked on the paper.

import { openDigits } from "./digits.js";
import { createNumbers, postNumber } from "./numbers.js";
import { placeOf } from "./views.js";

const WHOLE = [0, 0, 1]; // where the picture of a single digit lies: it is what is on the paper

export function openNumber(element) {
  const history = new BroadcastChannel("sketchserve-history"); // history/changes.js and history/strip.js hear it
  const digits = openDigits(document.querySelector(".number"));
  const frame = document.createElement("span");
  frame.className = "pad-digit";
  frame.hidden = true;
  element.querySelector(".pad-sheet").append(frame);
  let open = null; // the digit that is open, and the question that it belongs to
  let asked = null;

  const numbers = createNumbers({
    post: async (question, before) => {
      const answer = await postNumber(question, before);
      // Of what is caught up with, the next answer tells.
      if (answer.digits && question.keep && !question.isPast) history.postMessage("changed");
      if (question.isInterim) {
        const detail = answer.canAskAgain ? 0 : question.sent; // of sending.js, which hears it
        document.dispatchEvent(new CustomEvent("sketchserve-live-done", { detail }));
      }
      return answer;
    },
    show(answer, question) {
      if (question.isInterim && !answer.digits) return; // no complaint comes under the pen
      asked = question;
      open = null;
      frame.hidden = true;
      digits.show(answer, question);
    },
  });

  document.addEventListener("sketchserve-digit", ({ detail }) => {
    open = detail;
    const { sheet, picture } = asked;
    const { left, top, scale } = picture ? placeOf(picture, sheet) : { left: 0, top: 0, scale: 1 };
    const [x, y, width, height] = detail.box;
    const share = (value, whole) => `${(100 * value) / whole}%`;
    Object.assign(frame.style, {
      left: share(left + x * scale, sheet.width),
      top: share(top + y * scale, sheet.height),
      width: share(width * scale, sheet.width),
      height: share(height * scale, sheet.height),
    });
    frame.hidden = Boolean(asked.isInterim || picture?.isUnseen); // it would move about, or nobody knows where
  });
  document.addEventListener("sketchserve-changed", () => {
    frame.hidden = true;
  });
  document.addEventListener("sketchserve-restored", () => {
    frame.hidden = !open || Boolean(asked.picture?.isUnseen);
  });

  return {
    get isOut() { return numbers.isOut; },
    // Have what is on the paper read; a blank one has nothing to read.
    ask(question) {
      if (question.strokes.length || question.picture) {
        numbers.ask(question);
        return;
      }
      numbers.forget();
      open = null;
      digits.blank(question);
    },
    // Where the picture that was explained lies on the paper, as painting.js takes it.
    placeOfDigit: ({ kind }) => (kind === "number" && open ? open.place : WHOLE),
  };
}
