// Which part of a picture is shown: the API gets it whole, but what is written on a long scan would be a speck.

import { SHEETS } from "./paper.js";

const LEAST_CONTRAST = 40; // of 255, from the paper: less is no ink
const INK_SHARE = 0.35; // of the strongest contrast that a pixel needs to count as ink
const MARGIN = 1.6; // the side of what is shown, in sides of the ink
const WORTH_IT = 0.6; // more than this share of the picture is shown whole

// Return the box [left, top, right, bottom] of the ink in values 0..255 (row by row), or null where there is none.
// The paper is what most of the border is.
export function inkBox(values, width, height) {
  const border = [];
  for (let at = 0; at < values.length; at += 1) {
    const [x, y] = [at % width, Math.floor(at / width)];
    if (x === 0 || y === 0 || x === width - 1 || y === height - 1) border.push(values[at]);
  }
  const paper = border.sort((a, b) => a - b)[Math.floor(border.length / 2)];
  const strongest = values.reduce((most, value) => Math.max(most, Math.abs(value - paper)), 0);
  if (strongest < LEAST_CONTRAST) return null;
  const box = [width, height, 0, 0];
  values.forEach((value, at) => {
    if (Math.abs(value - paper) < INK_SHARE * strongest) return;
    const [x, y] = [at % width, Math.floor(at / width)];
    box[0] = Math.min(box[0], x);
    box[1] = Math.min(box[1], y);
    box[2] = Math.max(box[2], x + 1);
    box[3] = Math.max(box[3], y + 1);
  });
  return box;
}

// Return the part of a picture to show, { left, top, width, height }, for the box of its ink in the same px.
export function viewOf(width, height, box) {
  const whole = { left: 0, top: 0, width, height };
  if (!box) return whole;
  const [left, top, right, bottom] = box;
  const side = MARGIN * Math.max(right - left, bottom - top);
  if (side > WORTH_IT * Math.max(width, height)) return whole;
  const [wide, high] = [Math.min(side, width), Math.min(side, height)];
  return {
    left: between(0, (left + right - wide) / 2, width - wide),
    top: between(0, (top + bottom - high) / 2, height - high),
    width: wide,
    height: high,
  };
}

// Return where the whole picture's corner is on the paper, and units per px, so that the part shown fills the paper.
export function placeOf({ crop }, sheet = SHEETS.digit) {
  const scale = Math.min(sheet.width / crop.width, sheet.height / crop.height);
  return {
    left: sheet.width / 2 - (crop.left + crop.width / 2) * scale,
    top: sheet.height / 2 - (crop.top + crop.height / 2) * scale,
    scale,
  };
}

function between(low, value, high) {
  return Math.max(low, Math.min(value, high));
}
