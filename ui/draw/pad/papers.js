// The papers: of a single digit, of a number, and of photographs, which nobody draws on. Each has its own way back: whoever
// returns to one finds what was there.

import { createPaper, newId } from "./paper.js";

const KINDS = ["digit", "number", "photo"];

// Whether the chosen model reads photographs, as chooser.py says it. Before the chooser has its answer, what was read in
// this tab last counts (canvas.js).
export function readsPhotos() {
  const { asked, reads } = document.querySelector(".chooser")?.dataset ?? { asked: "0" };
  return (asked === "0" ? document.documentElement.dataset.reads : reads) === "photo";
}

// `isNumber()` says whether a number is written.
export function createPapers(isNumber) {
  const papers = Object.fromEntries(KINDS.map((kind) => [kind, createPaper(newId, kind)]));
  const all = Object.values(papers);
  const outdated = new Set(); // those that have to be read, by another model or at all

  return {
    all,
    outdated,
    // Those that may be left with strokes that have no answer.
    drawn: all.filter(({ kind }) => kind !== "photo"),
    wanted: () => papers[readsPhotos() ? "photo" : isNumber() ? "number" : "digit"],
  };
}

// Lay the page out for a paper: what belongs to another one is not seen.
export function layOut({ kind }) {
  document.querySelector("#desk").toggleAttribute("data-number", kind === "number");
  document.documentElement.dataset.reads = kind === "photo" ? "photo" : "drawing";
}

// Return the file of the picture on one paper that belongs on another, which is blank: a model that reads the other kind
// was chosen for it. Null where nothing does.
export function carried(from, to) {
  const isOtherKind = (from.kind === "photo") !== (to.kind === "photo");
  return isOtherKind && to.isBlank ? from.picture?.file ?? null : null;
}
