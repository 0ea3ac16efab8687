// What is on the paper and what was on it: strokes or a picture, the drawing's id, undo and redo. Nothing here paints.

// What is sent is always so many px a side, whatever the screen: strokes are in these units.
export const SIDE = 280;
// A single digit has a square sheet, and so have photographs; several digits have a wide one.
const SQUARE = { width: SIDE, height: SIDE };
export const SHEETS = { digit: SQUARE, number: { width: 3 * SIDE, height: SIDE }, photo: SQUARE };
const MOST_STEPS = 1000; // that can be undone
const MOST_PICTURES = 4; // among them: each holds megabytes
const MOST_KEPT_CHARACTERS = 1024 * 1024; // of strokes as JSON: an hour of drawing

// Return an id for a drawing: 32 lower-case hexadecimal characters. crypto.randomUUID() is absent where the page
// comes over plain HTTP from another machine.
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function createPaper(makeId = newId, kind = "digit") {
  let now = { strokes: [], picture: null, drawing: makeId() };
  let past = []; // oldest first
  let future = []; // what redo brings, the next one last
  const judged = new Set(); // ids of drawings that were judged: what changes after that is another drawing

  const isBlank = () => now.strokes.length === 0 && !now.picture;

  function change(next) {
    past.push(now);
    past = past.slice(-MOST_STEPS);
    const pictures = [...new Set(past.map(({ picture }) => picture).filter(Boolean))];
    if (pictures.length > MOST_PICTURES) {
      const oldest = pictures.at(-MOST_PICTURES);
      past = past.slice(past.findIndex(({ picture }) => picture === oldest));
    }
    future = [];
    now = next;
  }

  // Undo and redo keep the id, unless the drawing was judged as it stood: then all its states get a new one.
  function step(from, to) {
    if (from.length === 0) return false;
    to.push(now);
    now = from.pop();
    if (judged.has(now.drawing) && !isBlank()) {
      const [old, renewed] = [now.drawing, makeId()];
      const rename = (state) => (state.drawing === old ? { ...state, drawing: renewed } : state);
      [past, future, now] = [past.map(rename), future.map(rename), rename(now)];
      judged.delete(old);
    }
    return true;
  }

  return {
    kind,
    sheet: SHEETS[kind],
    get strokes() { return now.strokes; },
    get picture() { return now.picture; },
    get drawing() { return now.drawing; },
    get isBlank() { return isBlank(); },
    get canUndo() { return past.length > 0; },
    get canRedo() { return future.length > 0; },

    // Add a stroke, { width, points: [[x, y], ...] }; it takes a picture's place.
    add(stroke) {
      const isNew = now.strokes.length === 0 || judged.has(now.drawing);
      const strokes = [...now.strokes, stroke];
      change({ strokes, picture: null, drawing: isNew ? makeId() : now.drawing });
    },
    put(picture) {
      change({ strokes: [], picture, drawing: makeId() });
    },
    clear() {
      if (isBlank()) return false;
      change({ strokes: [], picture: null, drawing: makeId() });
      return true;
    },
    undo: () => step(past, future),
    redo: () => step(future, past),
    judge: (drawing) => judged.add(drawing),

    // What outlives a reload of the page: text, "" for blank paper and for pictures.
    toText: () => (now.strokes.length ? JSON.stringify({ drawing: now.drawing, strokes: now.strokes, kind }) : ""),
    // Take up what `toText` gave. Other pages of this host and port may have put anything in the same storage, and
    // what is no drawing is none.
    restore(text) {
      const { drawing, strokes } = readKept(text, kind);
      const id = drawing ?? makeId();
      strokes.forEach((_, count) => change({ strokes: strokes.slice(0, count + 1), picture: null, drawing: id }));
    },
  };
}

function readKept(text, kind) {
  try {
    const kept = text && text.length <= MOST_KEPT_CHARACTERS ? JSON.parse(text) : null;
    const strokes = Array.isArray(kept) ? kept : kept?.strokes; // versions before ids kept the strokes alone
    if ((kept?.kind ?? "digit") !== kind) return { strokes: [] }; // of the other sheet
    if (!Array.isArray(strokes) || strokes.length > MOST_STEPS || !strokes.every(isStroke)) return { strokes: [] };
    return { strokes, drawing: /^[0-9a-f]{32}$/.test(kept.drawing) ? kept.drawing : undefined };
  } catch {
    return { strokes: [] }; // no JSON
  }
}

function isStroke(stroke) {
  const isPoint = (point) => Array.isArray(point) && point.length === 2 && point.every(Number.isFinite);
  return stroke?.width > 0 && stroke.width <= SIDE && stroke.points?.length > 0 && stroke.points.every?.(isPoint);
}
