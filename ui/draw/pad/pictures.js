// A picture from a file: as it is where the API takes it, and otherwise made smaller here.

import { inkBox, viewOf } from "./views.js";

// What the page and the API take ("How large a picture may be" in docs/api.md); a JPEG may be a progressive one.
const MOST_BYTES = 8 * 1024 * 1024;
const MOST_SIDE = 16_384;
const MOST_PIXELS = { "image/jpeg": 12_582_912 };
const MOST_OTHER_PIXELS = 9_437_184;
const TAKEN = ["png", "jpeg", "gif", "webp", "avif", "bmp", "tiff"].map((kind) => `image/${kind}`);
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

// Return { image: data URL, width, height, crop, bitmap of the crop, isTransparent }.
// Throws where the browser cannot show the file.
export async function readPicture(file, most) {
  const whole = await createImageBitmap(file);
  try {
    const looked = look(whole);
    const isTransparent = file.type !== "image/jpeg" && looked.isTransparent;
    const scale = scaleFor({ width: whole.width, height: whole.height, bytes: file.size, type: file.type }, most);
    const sent = scale === null ? file : await smaller(whole, scale, isTransparent);
    const { width, height } = sent === file ? whole : sent;
    const crop = viewOf(width, height, looked.box?.map((value) => (value * Math.max(width, height)) / looked.side));
    const bitmap = await cut(whole, crop, whole.width / width);
    return { image: await asDataUrl(sent === file ? file : sent.blob), width, height, crop, bitmap, isTransparent };
  } finally {
    whole.close();
  }
}

// Look at a small copy: where is ink, and is there anything to see through?
function look(bitmap) {
  const side = Math.min(LOOKED_AT_SIDE, Math.max(bitmap.width, bitmap.height));
  const scale = side / Math.max(bitmap.width, bitmap.height);
  const [width, height] = [bitmap.width, bitmap.height].map((value) => Math.max(1, Math.round(value * scale)));
  const { context } = painted(bitmap, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const alphas = Array.from({ length: width * height }, (_, at) => data[4 * at + 3]);
  const isTransparent = alphas.some((alpha) => alpha < 250);
  const light = (at) => 0.3 * data[at] + 0.59 * data[at + 1] + 0.11 * data[at + 2];
  const values = isTransparent ? alphas : alphas.map((_, at) => light(4 * at));
  return { side, isTransparent, box: inkBox(values, width, height) };
}

async function smaller(bitmap, first, isTransparent) {
  for (let scale = first; ; scale *= SMALLER) {
    const [width, height] = [bitmap.width, bitmap.height].map((value) => Math.max(1, Math.floor(value * scale)));
    const { canvas } = painted(bitmap, width, height);
    const type = isTransparent ? "image/png" : "image/jpeg";
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, type, 0.92));
    if (blob && blob.size <= MOST_BYTES) return { blob, width, height };
    if (width * height < 2) throw new Error("This browser makes no file of that picture.");
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
function cut(whole, { left, top, width, height }, factor) {
  const [x, y, wide, high] = [left, top, width, height].map((value) => Math.round(value * factor));
  const scale = Math.min(1, SHOWN_SIDE / Math.max(wide, high));
  const [resizeWidth, resizeHeight] = [wide, high].map((value) => Math.max(1, Math.round(value * scale)));
  const size = { resizeWidth, resizeHeight, resizeQuality: "high" };
  return createImageBitmap(whole, x, y, Math.max(1, wide), Math.max(1, high), size);
}

function asDataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
