// One picture of many: made ready in the browser as the pad's own are, and sent to the page's server.

import { asPng } from "../draw/pad/painting.js";
import { newId, SIDE } from "../draw/pad/paper.js";
import { noPicture, readPicture, SCALED_PIXELS } from "../draw/pad/pictures.js";
import { refusalOf } from "../draw/pad/refusals.js";
import { mayBeKept, THUMBNAIL_SIDE, visitorId } from "../draw/pad/sending.js";

// The page's server takes a body for 30 s, and then has an answer within 20.
const AWAY_MS = 60_000;
const AWAY = "The page's server cannot be reached";
const SIGNED_OUT = "You are signed out: sign in again in another tab, then Go on reads the rest.";

// Return what is sent for a file, and give its row a thumbnail. Less is sent of a large picture than the API would take:
// a camera's 12 megapixels cost TorchServe three times as much, each, while others draw.
export async function prepare(row) {
  let picture;
  try {
    picture = await readPicture(row.file, SCALED_PIXELS);
  } catch (error) {
    throw Object.assign(new Error("no picture"), { why: error.why ?? noPicture(row.file) });
  }
  const colours = { pen: "#000000", paper: "#ffffff" };
  const sheet = { width: SIDE, height: SIDE };
  // Of what is not seen here, the answer brings one.
  row.thumbnail = picture.isUnseen ? "" : asPng(THUMBNAIL_SIDE, { strokes: [], picture, colours, sheet });
  picture.bitmap.close?.();
  row.drawing ??= newId(); // asked for once more, it is the same one
  return { image: picture.image, source: "upload", thumbnail: row.thumbnail, drawing: row.drawing };
}

// Return { answer }, or { why } and, where the same may be answered later, `retryS`, or `stops` where nothing is before
// somebody has done something.
export async function ask(value) {
  // What the visitor wants, and the model that the chooser has, as they are now.
  const model = document.querySelector(".chooser")?.dataset.model ?? "";
  const body = JSON.stringify({ ...value, model, keep: mayBeKept(), visitor: visitorId() });
  const headers = { "Content-Type": "application/json" };
  let said;
  try {
    said = await fetch("pictures", { method: "POST", headers, body, signal: AbortSignal.timeout(AWAY_MS) });
    if (said.ok) {
      const answer = await said.json();
      if (!Array.isArray(answer.set)) throw new TypeError("That is somebody else's answer");
      return { answer };
    }
  } catch {
    return { why: AWAY, retryS: 1 };
  }
  if (said.status === 401) return { why: SIGNED_OUT, stops: true };
  const { message, canAskAgain, loads } = refusalOf(said.status, await said.text().catch(() => ""));
  // chooser.js has the model loaded, which only some may, or goes to another one.
  if (loads) document.dispatchEvent(new CustomEvent("sketchserve-load", { detail: loads }));
  if (!canAskAgain) return { why: message };
  return { why: message, retryS: Number(said.headers.get("Retry-After")) || 1 };
}
