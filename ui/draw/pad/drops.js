// Pictures that are chosen, pasted, or dropped anywhere on the page: a drop beside the pad would open the file in the
// page's place.

const isField = (target) => target.closest?.("input, textarea, [contenteditable]:not([contenteditable=false])");
const isText = (event) => !hasFiles(event) && isField(event.target); // it goes into the field
const hasFiles = (event) => Array.from(event.dataTransfer?.types ?? []).includes("Files");

// Call `take` with each file, and mark `pad` while one is dragged over the page.
export function takeFiles(pad, input, take) {
  const mark = (is) => pad.classList.toggle("is-dropping", is);

  input.addEventListener("change", () => {
    if (input.files.length) take(input.files[0]);
    input.value = ""; // the same file may be chosen again
  });
  document.addEventListener("paste", (event) => {
    const files = Array.from(event.clipboardData?.files ?? []);
    const picture = files.find(({ type }) => type.startsWith("image/"));
    if (picture) take(picture);
  });
  document.addEventListener("dragover", (event) => {
    if (isText(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = hasFiles(event) ? "copy" : "none";
    mark(hasFiles(event));
  });
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (relatedTarget === null) mark(false); // it left the window
  });
  document.addEventListener("drop", (event) => {
    mark(false);
    if (isText(event)) return;
    event.preventDefault();
    if (event.dataTransfer?.files.length) take(event.dataTransfer.files[0]);
  });
  document.addEventListener("dragend", () => mark(false));
}
