// What a visitor chose for the pad, kept in this browser.

const STORAGE_KEY = "sketchserve-settings";
const MOST_CHARACTERS = 1000;
export const WIDTHS = { least: 8, most: 36 }; // in units of the pad
// A broad pen fills the loops of small digits; a thin one costs large digits nothing.
export const DEFAULTS = { pen: "", paper: "", width: 10, live: false, number: false };
const COLOURS = {
  light: { pen: "#1c1b22", paper: "#ffffff" },
  dark: { pen: "#f4f2ee", paper: "#17181d" },
};
const LEAST_CONTRAST = 2; // a ratio, as WCAG 2.2 defines it: with less, little of the pen is seen

// Return settings from what is in the storage, where other pages of this host and port may have put anything.
export function readSettings(text) {
  let kept = {};
  try {
    if (text && text.length <= MOST_CHARACTERS) kept = JSON.parse(text) ?? {};
  } catch {
    // No JSON.
  }
  const isColour = (value) => typeof value === "string" && /^#[0-9a-f]{6}$/.test(value);
  const isWidth = (value) => Number.isInteger(value) && value >= WIDTHS.least && value <= WIDTHS.most;
  const read = {
    pen: isColour(kept.pen) ? kept.pen : "",
    paper: isColour(kept.paper) ? kept.paper : "",
    width: isWidth(kept.width) ? kept.width : DEFAULTS.width,
    live: typeof kept.live === "boolean" ? kept.live : DEFAULTS.live,
    number: typeof kept.number === "boolean" ? kept.number : DEFAULTS.number,
  };
  return areLegible(coloursOf(read, false)) && areLegible(coloursOf(read, true)) ? read : { ...read, pen: "", paper: "" };
}

export function loadSettings() {
  try {
    return readSettings(localStorage.getItem(STORAGE_KEY));
  } catch {
    return { ...DEFAULTS }; // storage is refused
  }
}

// Keep what was chosen beside the rest, some of which another tab may have kept meanwhile.
export function keepSettings(chosen) {
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify({ ...loadSettings(), ...chosen }));
  } catch {
    // Storage is refused: they last as long as this page.
  }
}

// Return { pen, paper } as #rrggbb: the visitor's own where they chose, and else the theme's. Who chose one of them
// gets the light theme's other one in both themes, so that a drawing that is seen in one is seen in the other.
export function coloursOf({ pen, paper }, isDark) {
  const theirs = pen || paper;
  const { pen: usualPen, paper: usualPaper } = COLOURS[isDark && !theirs ? "dark" : "light"];
  return { pen: pen || usualPen, paper: paper || usualPaper };
}

// Return whether a pen is seen well enough on a paper.
export function areLegible({ pen, paper }) {
  const [dark, light] = [luminance(pen), luminance(paper)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05) >= LEAST_CONTRAST;
}

function luminance(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
