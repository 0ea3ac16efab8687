// How the paper looks, on the screen and in what is sent: strokes, pictures, and the maps of an explanation.

import { SIDE } from "./paper.js";
import { placeOf } from "./views.js";

const CHECKS = ["#83838d", "#8f8f99"]; // black and white are both seen on them
const CHECK = SIDE / 20;
const WHITE = "#ffffff"; // below what is transparent of a photograph: so its model sees it

// Paint the whole sheet into a context that is `scale` px per unit.
export function paint(context, scale, { strokes, picture, colours, sheet }) {
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.imageSmoothingQuality = "high";
  context.fillStyle = colours.paper;
  context.fillRect(0, 0, sheet.width, sheet.height);
  if (picture) paintPicture(context, picture, sheet);
  context.strokeStyle = context.fillStyle = colours.pen;
  for (const stroke of strokes) paintStroke(context, stroke);
}

function paintPicture(context, picture, sheet) {
  const { left, top, scale } = placeOf(picture, sheet);
  const { crop } = picture;
  const box = [left + crop.left * scale, top + crop.top * scale, crop.width * scale, crop.height * scale];
  if (picture.isTransparent && picture.isPhoto) {
    context.fillStyle = WHITE;
    context.fillRect(...box);
  } else if (picture.isTransparent) {
    paintChecks(context, box, sheet);
  }
  context.drawImage(picture.bitmap, ...box);
}

function paintChecks(context, [left, top, width, height], sheet) {
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  for (let row = 0; row < sheet.height / CHECK; row += 1) {
    for (let column = 0; column < sheet.width / CHECK; column += 1) {
      context.fillStyle = CHECKS[(row + column) % 2];
      context.fillRect(column * CHECK, row * CHECK, CHECK, CHECK);
    }
  }
  context.restore();
}

// A quadratic curve through the midpoints of neighbouring points has no corners.
export function paintStroke(context, { width, points }) {
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = width;
  context.beginPath();
  const [first, last] = [points[0], points[points.length - 1]];
  if (points.every(([x, y]) => x === first[0] && y === first[1])) {
    context.arc(...first, width / 2, 0, 2 * Math.PI); // of a line of no length, canvases paint nothing
    context.fill();
    return;
  }
  context.moveTo(...first);
  for (let i = 1; i < points.length - 1; i += 1) {
    const [x, y] = points[i];
    const [nextX, nextY] = points[i + 1];
    context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
  }
  context.lineTo(...last);
  context.stroke();
}

// Return a PNG of what is on the paper, as a data URL.
export function asPng(side, content) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  paint(canvas.getContext("2d"), side / SIDE, content);
  return canvas.toDataURL("image/png");
}

// Return a PNG of a photograph in its own shape, as a data URL; its longer side has `side` px.
export function photoAsPng(side, { bitmap }) {
  const canvas = document.createElement("canvas");
  const scale = side / Math.max(bitmap.width, bitmap.height);
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height].map((value) => Math.max(1, Math.round(value * scale)));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.fillStyle = WHITE;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/png");
}

// Lay an explanation, { box: [left, top, side], onInk, onPaper: canvases }, over the drawing. What lies on ink takes
// the shape of the strokes; a picture has none, so that there it lies on everything. Of a digit of a number, `place` is
// where the picture of it alone lies: left, top, and units or px to one of its px.
export function paintMaps(overlay, shownScale, maps, place, { strokes, picture, sheet }) {
  [overlay.width, overlay.height] = [sheet.width, sheet.height].map((value) => Math.round(value * shownScale)); // wiped, too
  const context = overlay.getContext("2d");
  if (picture?.isUnseen) return; // nobody knows where on it
  const { left, top, scale } = picture ? placeOf(picture, sheet) : { left: 0, top: 0, scale: 1 };
  const [cropLeft, cropTop, per] = place;
  const [boxLeft, boxTop, side] = maps.box.map((value) => value * per);
  const at = [left + (cropLeft + boxLeft) * scale, top + (cropTop + boxTop) * scale, side * scale, side * scale];
  const draw = (map) => context.drawImage(map, ...at);
  context.setTransform(shownScale, 0, 0, shownScale, 0, 0);
  context.imageSmoothingQuality = "high";
  if (picture?.isPhoto) {
    // A letterboxed frame reaches beyond its picture.
    const { crop } = picture;
    context.beginPath();
    context.rect(left + crop.left * scale, top + crop.top * scale, crop.width * scale, crop.height * scale);
    context.clip();
  }
  if (!picture) {
    for (const stroke of strokes) paintStroke(context, stroke);
    context.globalCompositeOperation = "source-in";
  }
  maps.onInk.forEach(draw);
  context.globalCompositeOperation = "source-over";
  maps.onPaper.forEach(draw);
}
