// The pen on the paper, be it a mouse, a finger or a stylus: a stroke from where it comes down to where it is lifted.

import { createPointers } from "./pointers.js";

// `isOff` says whether nothing is drawn now, `sheet` and `width` give the sheet and the pen's width as they are; the others
// are called as a stroke begins, grows, is done, and turns out to be none. Return { stroke }: the one that is under the pen, or null.
export function openPen(canvas, { isOff, sheet, width, begun, moved, done, dropped }) {
  const pointers = createPointers();
  let stroke = null;

  function positions(event) {
    const box = canvas.getBoundingClientRect();
    const samples = event.getCoalescedEvents?.() ?? [];
    return (samples.length ? samples : [event]).map((sample) => [
      ((sample.clientX - box.left) / box.width) * sheet().width,
      ((sample.clientY - box.top) / box.height) * sheet().height,
    ]);
  }

  function drop() {
    stroke = null;
    dropped();
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (isOff()) return;
    const rule = pointers.down(event);
    event.preventDefault();
    if (rule === "cancel") drop();
    if (rule !== "begin") return;
    canvas.dataset.focus = "pointer"; // no ring: the pen shows where one is
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    stroke = { width: width(), points: positions(event) };
    begun();
  });

  canvas.addEventListener("pointermove", (event) => {
    if (!pointers.moves(event)) return;
    stroke.points.push(...positions(event));
    moved();
  });

  canvas.addEventListener("pointerup", (event) => {
    if (!pointers.end(event)) return;
    const drawn = stroke;
    stroke = null;
    done(drawn);
  });

  // The system took the pen away (a gesture, a call): the stroke was not finished by the person.
  canvas.addEventListener("pointercancel", (event) => {
    if (pointers.end(event)) drop();
  });

  return { get stroke() { return stroke; } };
}
