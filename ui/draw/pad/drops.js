// Pictures that are chosen, pasted, or dropped anywhere on the page: a drop beside the pad would open the file in the
// page's place. The address of a picture on the web will do as well.

import { addressIn } from "./web.js";

const isField = (target) => target.closest?.("input, textarea, [contenteditable]:not([contenteditable=false])");
const isText = (event) => !hasFiles(event) && isField(event.target); // it goes into the field
const hasFiles = (event) => Array.from(event.dataTransfer?.types ?? []).includes("Files");

const isAddress = (event) => Array.from(event.dataTransfer?.types ?? []).includes("text/uri-list");

// Call `take` with each file or address, and mark `pad` while one is dragged over the page.
export function takeFiles(pad, input, take) {
  const mark = (is) => pad.classList.toggle("is-dropping", is);

  input.addEventListener("change", () => {
    if (input.files.length) take(input.files[0]);
    input.value = ""; // the same file may be chosen again
  });
  document.addEventListener("paste", (event) => {
    const files = Array.from(event.clipboardData?.files ?? []);
    const picture = files.find(({ type }) => type.startsWith("image/"));
    const address = isField(event.target) ? null : addressIn(event.clipboardData?.getData("text/plain") ?? "");
    if (picture ?? address) take(picture ?? address);
  });
  document.addEventListener("dragover", (event) => {
    if (isText(event)) return;
    event.preventDefault();
    const isTaken = hasFiles(event) || isAddress(event);
    event.dataTransfer.dropEffect = isTaken ? "copy" : "none";
    mark(isTaken);
  });
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (relatedTarget === null) mark(false); // it left the window
  });
  document.addEventListener("drop", (event) => {
    mark(false);
    if (isText(event)) return;
    event.preventDefault();
    const address = addressIn(event.dataTransfer?.getData("text/uri-list") ?? "");
    if (event.dataTransfer?.files.length) take(event.dataTransfer.files[0]);
    else if (address) take(address);
  });
  document.addEventListener("dragend", () => mark(false));
}
