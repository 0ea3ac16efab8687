// The drawing pad. Gradio calls this with (element, trigger, props, server, upload, watch).
// Strokes are kept as points, so that undo, another theme and another screen only mean painting anew.

// What is sent is always 280 x 280 px, whatever the screen: strokes are in these units.
const SIDE = 280;
// For the history, which so never has to decode what somebody sent.
const THUMBNAIL_SIDE = 56;
const MAX_PICTURE_BYTES = 8 * 1024 * 1024;
const MAX_KEPT_CHARACTERS = 1024 * 1024; // of strokes as JSON: an hour of drawing
const COLOURS = {
  light: { pen: "#1c1b22", paper: "#ffffff" },
  dark: { pen: "#f4f2ee", paper: "#17181d" },
};

const canvas = element.querySelector("canvas");
const overlay = document.createElement("canvas"); // lies over the drawing while there are maps
const brush = element.querySelector("input[type=range]");
const file = element.querySelector("input[type=file]");
const hint = element.querySelector(".pad-hint");
const complaint = element.querySelector(".pad-complaint");
const tool = (name) => element.querySelector(`[data-tool=${name}]`);

let strokes = unansweredStrokes(); // of { width, points: [[x, y], ...] }
let pending = null; // the stroke under the pen: { pointer, stroke }
let picture = null; // an uploaded picture, shown in place of strokes: { bitmap, image: data URL }
let maps = null; // an explanation laid over the drawing: { box: [left, top, side], onInk, onPaper: canvases }
let replaced = null; // the picture in whose place the strokes came: undoing all of them brings it back
let sent = 0; // counts drawings: an answer carries the number of the one that it answers

const colours = () => COLOURS[document.body.classList.contains("dark") ? "dark" : "light"];

// Gradio loads the page anew after its server was away. Strokes that have no answer yet outlive that;
// reading.js takes them from the storage when the answer comes. Other pages of this host and port may have put
// anything there, and what is no drawing is none.
function unansweredStrokes() {
  try {
    const kept = sessionStorage.getItem("sketchserve-unanswered");
    const read = kept && kept.length <= MAX_KEPT_CHARACTERS ? JSON.parse(kept) : [];
    return Array.isArray(read) && read.every(isStroke) ? read : [];
  } catch {
    return []; // storage is refused, or this is no JSON
  }
}

function isStroke(stroke) {
  const isPoint = (point) => Array.isArray(point) && point.length === 2 && point.every(Number.isFinite);
  return stroke?.width > 0 && stroke.width <= SIDE && stroke.points?.length > 0 && stroke.points.every?.(isPoint);
}

function keepUnanswered() {
  try {
    sessionStorage.setItem("sketchserve-unanswered", JSON.stringify(strokes));
  } catch {
    // Storage is refused: a reload begins with blank paper.
  }
}

// Paint everything, SIDE units wide, into a context that is `scale` px per unit.
function paint(context, scale) {
  const { pen, paper } = colours();
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.fillStyle = paper;
  context.fillRect(0, 0, SIDE, SIDE);
  context.strokeStyle = context.fillStyle = pen;
  context.lineCap = context.lineJoin = "round";
  if (picture && !pending) {
    const { left, top, scale } = picturePlace(picture.bitmap);
    context.drawImage(picture.bitmap, left, top, picture.bitmap.width * scale, picture.bitmap.height * scale);
  }
  for (const stroke of pending ? [...strokes, pending.stroke] : strokes) paintStroke(context, stroke);
}

function picturePlace({ width, height }) {
  const scale = SIDE / Math.max(width, height);
  return { left: (SIDE - width * scale) / 2, top: (SIDE - height * scale) / 2, scale };
}

// A quadratic curve through the midpoints of neighbouring points has no corners.
function paintStroke(context, { width, points }) {
  context.lineWidth = width;
  context.beginPath();
  const [first, last] = [points[0], points[points.length - 1]];
  context.moveTo(...first);
  for (let i = 1; i < points.length - 1; i += 1) {
    const [x, y] = points[i];
    const [nextX, nextY] = points[i + 1];
    context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
  }
  // A line of no length still shows as a round dot.
  context.lineTo(...last);
  context.stroke();
}

function show() {
  const shownSide = Math.round(canvas.clientWidth * Math.min(window.devicePixelRatio || 1, 2));
  if (shownSide === 0) return; // not laid out yet: the ResizeObserver comes back
  if (canvas.width !== shownSide) canvas.width = canvas.height = shownSide;
  paint(canvas.getContext("2d"), shownSide / SIDE);
  paintMaps(shownSide);
  const isBlank = strokes.length === 0 && !pending && !picture;
  hint.hidden = !isBlank;
  const tools = [tool("undo"), tool("clear")];
  // A button that is disabled loses the focus to nowhere.
  if (isBlank && tools.includes(document.activeElement)) canvas.focus({ preventScroll: true });
  for (const button of tools) button.disabled = isBlank;
  // The page hides an answer that no longer has a drawing, at once and without asking the server.
  document.documentElement.dataset.paper = isBlank ? "blank" : "drawn";
}

// What lies on ink takes the shape of the strokes; a picture has none, so that there it lies on everything.
function paintMaps(shownSide) {
  if (!maps) return overlay.remove();
  canvas.after(overlay);
  overlay.className = "pad-maps";
  overlay.ariaHidden = "true";
  overlay.width = overlay.height = shownSide; // which also wipes it
  const context = overlay.getContext("2d");
  const { left, top, scale } = picture ? picturePlace(picture.bitmap) : { left: 0, top: 0, scale: 1 };
  const [boxLeft, boxTop, side] = maps.box.map((value) => value * scale);
  const draw = (map) => context.drawImage(map, left + boxLeft, top + boxTop, side, side);
  context.setTransform(shownSide / SIDE, 0, 0, shownSide / SIDE, 0, 0);
  context.imageSmoothingQuality = "high";
  if (!picture) {
    context.lineCap = context.lineJoin = "round";
    for (const stroke of strokes) paintStroke(context, stroke);
    context.globalCompositeOperation = "source-in";
  }
  maps.onInk.forEach(draw);
  context.globalCompositeOperation = "source-over";
  maps.onPaper.forEach(draw);
}

// Other parts of the page hear at once that what was answered is no longer what is drawn.
function tell(event) {
  document.dispatchEvent(new Event(event));
}

function asPng(side) {
  const sent = document.createElement("canvas");
  sent.width = sent.height = side;
  const context = sent.getContext("2d");
  context.imageSmoothingQuality = "high";
  paint(context, side / SIDE);
  return sent.toDataURL("image/png");
}

// Whether what is drawn may be stored: the visitor's choice, which privacy.js keeps.
function mayBeKept() {
  try {
    return localStorage.getItem("sketchserve-keep-nothing") !== "yes";
  } catch {
    return document.documentElement.dataset.keepNothing !== "yes"; // storage is refused
  }
}

// The number of the drawing on the paper, for reading.js; "" while a stroke makes it one that nobody was sent.
function setNumber(number) {
  document.documentElement.dataset.sent = number;
}

function send() {
  complaint.textContent = "";
  sent += 1;
  setNumber(sent);
  tell("sketchserve-changed");
  keepUnanswered();
  // The model that the chooser shows as active; none before it has appeared.
  const model = document.querySelector(".chooser")?.dataset.model ?? "";
  const about = { keep: mayBeKept(), thumbnail: asPng(THUMBNAIL_SIDE), model, sent };
  if (picture) props.value = { image: picture.image, source: "upload", ...about };
  else if (strokes.length === 0) props.value = { image: "", model, sent };
  else props.value = { image: asPng(SIDE), source: "sketchpad", ...colours(), ...about };
  trigger("stroke");
}

function undo() {
  if (picture) return clear();
  if (strokes.length === 0) return;
  strokes.pop();
  if (strokes.length === 0) [picture, replaced] = [replaced, null];
  show();
  send();
}

function clear() {
  if (strokes.length === 0 && !picture) return;
  strokes = [];
  picture = replaced = null;
  show();
  send();
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

canvas.addEventListener("pointerdown", (event) => {
  if (pending || event.button !== 0) return;
  event.preventDefault();
  canvas.focus({ preventScroll: true });
  canvas.setPointerCapture(event.pointerId);
  pending = { pointer: event.pointerId, stroke: { width: Number(brush.value), points: positions(event) } };
  setNumber("");
  tell("sketchserve-changed");
  show();
});

canvas.addEventListener("pointermove", (event) => {
  if (event.pointerId !== pending?.pointer) return;
  pending.stroke.points.push(...positions(event));
  requestAnimationFrame(show);
});

canvas.addEventListener("pointerup", (event) => {
  if (event.pointerId !== pending?.pointer) return;
  strokes.push(pending.stroke);
  [picture, replaced] = [null, picture ?? replaced];
  pending = null;
  show();
  send();
});

// The system took the pen away (a gesture, a call): the stroke was not finished by the person.
canvas.addEventListener("pointercancel", (event) => {
  if (event.pointerId !== pending?.pointer) return;
  pending = null;
  setNumber(sent);
  tell("sketchserve-restored"); // the answer that is there fits again, if it is the last drawing's
  show();
});

// --- Buttons and keys. ---

tool("undo").addEventListener("click", undo);
tool("clear").addEventListener("click", clear);
tool("picture").addEventListener("click", () => file.click());

// Ctrl+Z counts wherever the focus is in the pad; single keys may mean something else to its buttons.
element.addEventListener("keydown", (event) => {
  const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z";
  const keys = event.target === canvas ? { Escape: clear, Delete: clear, Backspace: undo } : {};
  const action = isUndo ? undo : keys[event.key];
  if (!action || pending) return;
  event.preventDefault();
  action();
});

// --- A picture in place of a drawing: chosen, pasted or dropped. ---

async function readPicture(chosen) {
  if (!chosen) return;
  if (chosen.size > MAX_PICTURE_BYTES) {
    complaint.textContent = "That picture is larger than 8 MB. Choose a smaller one.";
    return;
  }
  try {
    picture = { bitmap: await createImageBitmap(chosen), image: await asDataUrl(chosen) };
  } catch {
    complaint.textContent = "This browser cannot show that file as a picture. Choose a PNG or JPEG.";
    return;
  }
  strokes = [];
  replaced = null;
  show();
  send();
}

function asDataUrl(chosen) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(chosen);
  });
}

file.addEventListener("change", () => {
  readPicture(file.files[0]);
  file.value = ""; // the same file may be chosen again
});
document.addEventListener("paste", (event) => {
  const files = Array.from(event.clipboardData?.files ?? []);
  readPicture(files.find(({ type }) => type.startsWith("image/")));
});
element.addEventListener("dragover", (event) => event.preventDefault());
element.addEventListener("drop", (event) => {
  event.preventDefault();
  readPicture(event.dataTransfer?.files[0]);
});

// --- Another model reads what is drawn, or shows its labels beside blank paper (see chooser.js). ---

document.addEventListener("sketchserve-model", () => {
  if (!pending) send();
});

// The panel's button, where a drawing had no answer.
document.addEventListener("sketchserve-ask-again", () => {
  if (!pending) send();
});

// --- An explanation comes and goes (explanation.js). ---

document.addEventListener("sketchserve-maps", (event) => {
  if (maps === event.detail) return;
  maps = event.detail;
  show();
});

// --- The pad follows the page's size and theme. ---

new ResizeObserver(show).observe(canvas);
new MutationObserver(show).observe(document.body, { attributeFilter: ["class"] });
setNumber(sent);
show();
