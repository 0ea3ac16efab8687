// One picture of many: made ready in the browser as the pad's own are, and sent to the page's server.

import { inWords } from "../draw/pad/digits.js";
import { newId, SHEETS } from "../draw/pad/paper.js";
import { readsPhotos } from "../draw/pad/papers.js";
import { noPicture, readPicture, SCALED_PIXELS } from "../draw/pad/pictures.js";
import { refusalOf } from "../draw/pad/refusals.js";
import { mayBeKept, thumbnailOf, visitorId } from "../draw/pad/sending.js";

// The page's server takes a body for 30 s, and then has an answer within 20.
const AWAY_MS = 60_000;
const AWAY = "The server cannot be reached";
const SIGNED_OUT = "You are signed out. Sign in again in another tab, then choose Continue to read the rest.";

// Return what is sent for a file, and give its row a thumbnail. Less is sent of a large picture than the API would take:
// a camera's 12 megapixels cost TorchServe three times as much, each, while others draw.
export async function prepare(row) {
  let picture;
  try {
    picture = await readPicture(row.file, { most: SCALED_PIXELS, isPhoto: readsPhotos() });
  } catch (error) {
    throw Object.assign(new Error("no picture"), { why: error.why ?? noPicture(row.file) });
  }
  const colours = { pen: "#000000", paper: "#ffffff" };
  // Of what is not seen here, the answer brings one.
  row.thumbnail = thumbnailOf({ strokes: [], picture, colours, sheet: SHEETS.digit });
  picture.bitmap.close?.();
  row.drawing ??= newId(); // asked for once more, it is the same one
  return { image: picture.image, source: "upload", thumbnail: row.thumbnail, drawing: row.drawing, isNumber: row.isNumber };
}

// Return { answer }, or { why } and, where the same may be answered later, `retryS`, or `stops` where nothing is before
// somebody has done something.
export function ask({ isNumber, ...value }) {
  // What the visitor wants, and the model that the chooser has, as they are now.
  const model = document.querySelector(".chooser")?.dataset.model ?? "";
  const [visitor, keep] = [visitorId(), mayBeKept()];
  if (!isNumber) {
    const asDigit = (said) => (Array.isArray(said?.set) ? said : null);
    return post("pictures", {}, { ...value, model, keep, visitor }, asDigit);
  }
  // As the pad does (postNumber in draw/pad/numbers.js), for a paper that has had no digits: asked for once more, they are
  // the same rows.
  const pad = { visitor, keep, sent: 0, source: value.source, paper: value.drawing, before: [], isListed: true };
  const headers = { "X-Sketchserve-Pad": JSON.stringify(pad) };
  return post(`read?model=${encodeURIComponent(model)}`, headers, { image: value.image }, (said) => asRow(said, keep));
}

// Return a number's answer in the form of a single digit's; null where it is none.
export function asRow(said, keep) {
  if (!Array.isArray(said?.digits)) return null;
  const { text, digits, model, version } = said;
  return {
    label: text,
    confidence: Math.min(...digits.map(({ confidence }) => confidence)),
    set: digits.map(({ set }) => set.join("/")),
    is_digit: null,
    model,
    version,
    prediction: digits.map(({ prediction }) => prediction).filter(Boolean).join(" "),
    headline: inWords(digits),
    frame: digits[0]?.picture ?? "",
    detail: "",
    is_private: !keep,
  };
}

// `read` gives the answer in what was said, or null where that is somebody else's.
async function post(path, headers, value, read) {
  const init = { method: "POST", headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(value) };
  let said;
  try {
    said = await fetch(path, { ...init, signal: AbortSignal.timeout(AWAY_MS) });
    if (said.ok) {
      const answer = read(await said.json());
      return answer ? { answer } : { why: AWAY, retryS: 1 };
    }
  } catch {
    return { why: AWAY, retryS: 1 };
  }
  if (said.status === 401) return { why: SIGNED_OUT, stops: true };
  const { message, canAskAgain, loads } = refusalOf(said.status, await said.text().catch(() => ""));
  // chooser.js has the model loaded, which only some may, or goes to another one.
  if (loads) document.dispatchEvent(new CustomEvent("sketchserve-load", { detail: loads }));
  if (!canAskAgain && !loads) return { why: message };
  return { why: message, retryS: Number(said.headers.get("Retry-After")) || 1 };
}
