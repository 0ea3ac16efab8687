// A picture from a file: as it is where the API takes it, and otherwise made smaller here.

import { headOf, isDeepGrey, kindOf } from "./kinds.js";
import { SIDE } from "./paper.js";
import { inkBox, viewOf } from "./views.js";

// What the page and the API take ("How large a picture may be" in docs/api.md); a JPEG may be a progressive one.
const MOST_BYTES = 8 * 1024 * 1024;
const MOST_SIDE = 16_384;
const MOST_PIXELS = { "image/jpeg": 12_582_912 };
const MOST_OTHER_PIXELS = 9_437_184;
const TAKEN = ["png", "jpeg", "gif", "webp", "avif", "bmp", "tiff", "x-portable-anymap"].map((kind) => `image/${kind}`);
export const SCALED_PIXELS = 4_194_304; // of what is made smaller
const SMALLER = 0.7; // each further try, while the file is still too large
const SHOWN_SIDE = 1024; // of what is kept for the screen
const LOOKED_AT_SIDE = 256; // of what is searched for ink and transparency

// Return the factor by which a picture is made smaller; null where it is sent as it is. `most` px may be less than the
// API takes.
export function scaleFor({ width, height, bytes, type }, most = Infinity) {
  const mostPixels = Math.min(most, MOST_PIXELS[type] ?? MOST_OTHER_PIXELS);
  const longest = Math.max(width, height);
  const isTaken = bytes <= MOST_BYTES && longest <= MOST_SIDE && width * height <= mostPixels;
  if (isTaken && TAKEN.includes(type)) return null;
  return Math.min(1, MOST_SIDE / longest, Math.sqrt(SCALED_PIXELS / (width * height)));
}

// Why a file cannot be read here, for its person.
export function noPicture({ name = "", type = "" }) {
  if (/hei[cf]/i.test(type) || /\.hei[cf]$/i.test(name)) {
    return "This browser cannot open HEIC pictures. Save it as JPEG or PNG, or have the phone take JPEGs.";
  }
  return "This browser cannot show that file as a picture. Choose a PNG or JPEG.";
}

// Return { image: data URL, width, height, crop, bitmap of the crop, isTransparent, isUnseen, isPhoto, file }. What the API
// takes and the browser cannot show is unseen: a sheet that says so is in its place. Throws an error with `why` where
// neither does. A photograph is shown whole; `most` px are sent of it, as `scaleFor` has it.
export async function readPicture(file, { most, isPhoto = false } = {}) {
  const head = await headOf(file);
  const type = kindOf(head) || file.type;
  let whole;
  try {
    whole = await createImageBitmap(file);
  } catch (error) {
    if (!TAKEN.includes(kindOf(head)) || file.size > MOST_BYTES) {
      throw Object.assign(error, { why: noPicture({ name: file.name, type }) });
    }
    const bitmap = sheetFor(type);
    const crop = { left: 0, top: 0, width: SIDE, height: SIDE };
    const image = await asDataUrl(file, type);
    return { image, width: SIDE, height: SIDE, crop, bitmap, isTransparent: false, isUnseen: true, isPhoto, file };
  }
  try {
    const looked = look(whole, isDeepGrey(head));
    const isTransparent = type !== "image/jpeg" && looked.isTransparent;
    const scale = scaleFor({ width: whole.width, height: whole.height, bytes: file.size, type }, most);
    const sent = scale === null ? file : await smaller(whole, scale, isTransparent, looked.levels);
    const { width, height } = sent === file ? whole : sent;
    const ink = isPhoto ? null : looked.box?.map((value) => (value * Math.max(width, height)) / looked.side);
    const crop = viewOf(width, height, ink);
    const bitmap = await cut(whole, crop, whole.width / width, looked.levels);
    const image = await (sent === file ? asDataUrl(file, type) : asDataUrl(sent.blob, sent.blob.type));
    return { image, width, height, crop, bitmap, isTransparent, isUnseen: false, isPhoto, file };
  } finally {
    whole.close();
  }
}

// Look at a small copy: where is ink, is there anything to see through, and, of deep grey, the darkest and lightest levels.
function look(bitmap, isDeep) {
  const side = Math.min(LOOKED_AT_SIDE, Math.max(bitmap.width, bitmap.height));
  const scale = side / Math.max(bitmap.width, bitmap.height);
  const [width, height] = [bitmap.width, bitmap.height].map((value) => Math.max(1, Math.round(value * scale)));
  const { context } = painted(bitmap, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const alphas = Array.from({ length: width * height }, (_, at) => data[4 * at + 3]);
  const isTransparent = alphas.some((alpha) => alpha < 250);
  const light = (at) => 0.3 * data[at] + 0.59 * data[at + 1] + 0.11 * data[at + 2];
  let values = isTransparent ? alphas : alphas.map((_, at) => light(4 * at));
  let levels = null;
  if (isDeep && !isTransparent) {
    const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
    if (low < high) levels = { low, factor: 255 / (high - low) };
    if (levels) values = values.map((value) => (value - levels.low) * levels.factor);
  }
  return { side, isTransparent, levels, box: inkBox(values, width, height) };
}

// Spread the levels of what was painted over all that a screen shows.
function spread(context, { low, factor }) {
  const { width, height } = context.canvas;
  const shown = context.getImageData(0, 0, width, height);
  shown.data.forEach((value, at) => {
    if (at % 4 < 3) shown.data[at] = (value - low) * factor;
  });
  context.putImageData(shown, 0, 0);
}

// What lies on the paper in place of a picture that the browser cannot show.
function sheetFor(type) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [SIDE, SIDE];
  const context = canvas.getContext("2d");
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, SIDE, SIDE);
  context.fillStyle = "#55555f";
  context.textAlign = "center";
  context.font = "bold 28px sans-serif";
  context.fillText({ "image/tiff": "TIFF", "image/x-portable-anymap": "PNM" }[type] ?? "A picture", SIDE / 2, SIDE / 2 - 10);
  context.font = "15px sans-serif";
  context.fillText("browsers cannot show it", SIDE / 2, SIDE / 2 + 18);
  return canvas;
}

async function smaller(bitmap, first, isTransparent, levels) {
  for (let scale = first; ; scale *= SMALLER) {
    const [width, height] = [bitmap.width, bitmap.height].map((value) => Math.max(1, Math.floor(value * scale)));
    const { canvas, context } = painted(bitmap, width, height);
    if (levels) spread(context, levels);
    const type = isTransparent ? "image/png" : "image/jpeg";
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, type, 0.92));
    if (blob && blob.size <= MOST_BYTES) return { blob, width, height };
    if (width * height < 2) throw new Error("This browser cannot make a file of that picture.");
  }
}

function painted(bitmap, width, height) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  return { canvas, context };
}

// Return the part of the whole picture that is shown; `factor` is how many of its px one px of the crop is.
async function cut(whole, { left, top, width, height }, factor, levels) {
  const [x, y, wide, high] = [left, top, width, height].map((value) => Math.round(value * factor));
  const scale = Math.min(1, SHOWN_SIDE / Math.max(wide, high));
  const [resizeWidth, resizeHeight] = [wide, high].map((value) => Math.max(1, Math.round(value * scale)));
  const size = { resizeWidth, resizeHeight, resizeQuality: "high" };
  const part = await createImageBitmap(whole, x, y, Math.max(1, wide), Math.max(1, high), size);
  if (!levels) return part;
  const { canvas, context } = painted(part, resizeWidth, resizeHeight);
  part.close();
  spread(context, levels);
  return createImageBitmap(canvas);
}

// Return a file as a data URL of this type, whatever its name made of it.
function asDataUrl(blob, type) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(new Blob([blob], { type }));
  });
}
