// Which pointer draws: one at a time, a pen before a hand, and no finger of two. Nothing here knows a canvas.

// A pen that was seen so lately is still in the hand: what touches the pad meanwhile is the hand's rest.
export const PEN_LATELY_MS = 3000;

export function createPointers() {
  let drawing = null; // { id, type } of the pointer whose stroke is under way
  let penSeenAt = -Infinity; // in ms, as events count time
  const touches = new Set(); // ids of the fingers that are down
  let isGesture = false; // a second finger came: none draws before all are up

  function see({ pointerType, timeStamp }) {
    if (pointerType === "pen") penSeenAt = timeStamp;
  }

  function begin({ pointerId, pointerType }) {
    drawing = { id: pointerId, type: pointerType };
    return "begin";
  }

  function touchDown(event) {
    if (event.isPrimary) {
      touches.clear(); // whatever was missed: this is the only finger
      isGesture = false;
    }
    touches.add(event.pointerId);
    if (drawing?.type === "touch") {
      drawing = null;
      isGesture = true;
      return "cancel";
    }
    return drawing || isGesture || event.timeStamp - penSeenAt < PEN_LATELY_MS ? "ignore" : begin(event);
  }

  // Say whether a pointer that goes up, or is taken away, had the stroke.
  function end(event) {
    see(event);
    touches.delete(event.pointerId);
    if (touches.size === 0) isGesture = false;
    const had = drawing?.id === event.pointerId;
    if (had) drawing = null;
    return had;
  }

  return {
    // "begin": this pointer's stroke begins, in place of one that is under way, if there is one (a palm's).
    // "cancel": the stroke under way is none. "ignore": this pointer does not draw.
    down(event) {
      see(event);
      if (event.pointerType === "touch") return touchDown(event);
      if (event.button !== 0 || (drawing && drawing.type !== "touch")) return "ignore";
      return !drawing || event.pointerType === "pen" ? begin(event) : "ignore";
    },
    // Say whether this pointer has the stroke; a pen that hovers is seen, too.
    moves(event) {
      see(event);
      return drawing?.id === event.pointerId;
    },
    end,
    get isDrawing() { return drawing !== null; },
  };
}
