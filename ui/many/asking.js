// One picture of many: made ready in the browser as the pad's own are, and sent to the page's server.

import { asPng } from "../draw/pad/painting.js";
import { newId, SIDE } from "../draw/pad/paper.js";
import { noPicture, readPicture, SCALED_PIXELS } from "../draw/pad/pictures.js";
import { mayBeKept, THUMBNAIL_SIDE } from "../draw/pad/sending.js";

const AWAY = "The page's server cannot be reached";
const BUSY = "The server is busy";

// Return what is sent for a file, and give its row a thumbnail. Less is sent of a large picture than the API would take:
// a camera's 12 megapixels cost TorchServe three times as much, each, while others draw.
export async function prepare(row) {
  let picture;
  try {
    picture = await readPicture(row.file, SCALED_PIXELS);
  } catch {
    throw Object.assign(new Error("no picture"), { why: noPicture(row.file) });
  }
  const colours = { pen: "#000000", paper: "#ffffff" };
  const sheet = { width: SIDE, height: SIDE };
  row.thumbnail = asPng(THUMBNAIL_SIDE, { strokes: [], picture, colours, sheet });
  picture.bitmap.close();
  row.drawing ??= newId(); // asked for once more, it is the same one
  return { image: picture.image, source: "upload", thumbnail: row.thumbnail, drawing: row.drawing };
}

// Return { answer }, or { why } and, where the same may be answered later, `retryS`.
export async function ask(value) {
  // What the visitor wants, and the model that the chooser has, as they are now.
  const model = document.querySelector(".chooser")?.dataset.model ?? "";
  const body = JSON.stringify({ ...value, model, keep: mayBeKept(), visitor: visitorId() });
  let said;
  try {
    said = await fetch("pictures", { method: "POST", headers: { "Content-Type": "application/json" }, body });
  } catch {
    return { why: AWAY, retryS: 1 };
  }
  if (said.ok) return { answer: await said.json() };
  const { type = "", message = "" } = readRefusal(await said.text().catch(() => ""));
  // chooser.js has the model loaded, which only some may, or goes to another one.
  if (type === "Loading") document.dispatchEvent(new CustomEvent("sketchserve-load", { detail: model }));
  if (said.status !== 429 && said.status < 500) return { why: message || `The server answers ${said.status}` };
  return { why: message || BUSY, retryS: Number(said.headers.get("Retry-After")) || 1 };
}

// The page's routes say it in JSON, what stands before them in a line.
function readRefusal(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return text.length < 300 && !text.startsWith("<") ? { message: text } : {};
  }
}

// As visitor.js made it when the page was loaded.
function visitorId() {
  try {
    return localStorage.getItem("sketchserve-visitor");
  } catch {
    return window.sketchserveVisitor ?? null; // storage is refused
  }
}
