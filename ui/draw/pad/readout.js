// Whether this browser gives back the pixels that were painted. Some falsify them against fingerprinting (Firefox with
// resistFingerprinting, Brave); the model would then be sent noise.

const BLOCK = 8;
const COLOURS = [[255, 255, 255], [28, 27, 34], [200, 30, 60], [20, 120, 220], [127, 128, 129], [0, 0, 0]];
// The lowest bit is what Brave flips, and what nobody's eyes or model can tell.
const MOST_DIFFERENCE = 1;

export function givesBackWhatWasPainted() {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [BLOCK * COLOURS.length, BLOCK];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  COLOURS.forEach((colour, index) => {
    context.fillStyle = `rgb(${colour.join(" ")})`;
    context.fillRect(index * BLOCK, 0, BLOCK, BLOCK);
  });
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  return data.every((value, at) => {
    const channel = at % 4;
    const colour = COLOURS[Math.floor((Math.floor(at / 4) % canvas.width) / BLOCK)];
    return Math.abs(value - (channel === 3 ? 255 : colour[channel])) <= MOST_DIFFERENCE;
  });
}
