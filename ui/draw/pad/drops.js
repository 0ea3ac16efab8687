// Pictures that are chosen, taken, pasted, or dropped anywhere on the page: a drop beside the pad would open the file in
// the page's place. The address of a picture on the web will do as well. Of several, each is read in a table of its own.

import { foldersIn, picturesIn } from "./folders.js";
import { isTypedInto } from "./keys.js";
import { picturesAmong } from "./kinds.js";
import { addressIn } from "./web.js";

const NO_LIST = "The list of pictures could not be loaded. Try again in a moment.";
const NONE_THERE = "There are no pictures in that folder.";
const NO_ADDRESS = "That is not a picture URL. Enter one that begins with https:// or http://.";

const isText = (event) => !hasFiles(event) && isTypedInto(event.target); // it goes into the field
const hasFiles = (event) => Array.from(event.dataTransfer?.types ?? []).includes("Files");
// Spreadsheets and word processors give a picture of their text, too.
const isFormatted = (data) => ["text/plain", "text/html"].every((type) => data?.types.includes(type));

const isAddress = (event) => Array.from(event.dataTransfer?.types ?? []).includes("text/uri-list");

// Call `take` with a file or address, hand several files to the list, and mark `pad` while one is dragged over the page;
// `complain(words)` shows why nothing was taken.
export function takeFiles(pad, input, take, complain) {
  const mark = (is) => pad.classList.toggle("is-dropping", is);
  const camera = cameraBeside(input);

  async function takeAll(files) {
    if (files.length < 2) {
      if (files.length) take(files[0]);
      return;
    }
    try {
      const { addPictures } = await import("../../many/list.js");
      addPictures(files);
    } catch (error) {
      console.error(error);
      complain(NO_LIST);
    }
  }

  async function takeFolders(entries) {
    const pictures = await picturesIn(entries);
    if (pictures.length === 0) complain(NONE_THERE);
    takeAll(pictures);
  }

  // For whoever has no keyboard to paste with.
  function takeAddress(field) {
    const address = addressIn(field.value);
    pad.querySelector(".pad-paper").focus({ preventScroll: true }); // which closes the settings (panel.js)
    if (!address) {
      complain(NO_ADDRESS);
      return;
    }
    field.value = "";
    complain("");
    take(address);
  }

  // One is in the settings, one beside the sheet where photographs are read.
  for (const field of pad.querySelectorAll("[data-tool=address]")) {
    field.addEventListener("keydown", ({ key, isComposing }) => {
      if (key === "Enter" && !isComposing) takeAddress(field);
    });
    field.addEventListener("input", ({ inputType }) => {
      if (inputType === "insertFromPaste" && addressIn(field.value)) takeAddress(field);
    });
  }
  pad.querySelector("[data-tool=camera]").addEventListener("click", () => camera.click());
  for (const chooser of [input, camera]) {
    chooser.addEventListener("change", () => {
      takeAll(Array.from(chooser.files));
      chooser.value = ""; // the same file may be chosen again
    });
  }
  document.addEventListener("paste", async (event) => {
    if (isFormatted(event.clipboardData) && isTypedInto(event.target)) return; // its text goes there
    const files = Array.from(event.clipboardData?.files ?? []);
    const address = isTypedInto(event.target) ? null : addressIn(event.clipboardData?.getData("text/plain") ?? "");
    const pictures = await picturesAmong(files);
    if (pictures.length) takeAll(pictures);
    else if (address) take(address);
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
    const folders = foldersIn(event.dataTransfer);
    if (folders) takeFolders(folders);
    else if (event.dataTransfer?.files.length) takeAll(Array.from(event.dataTransfer.files));
    else if (address) take(address);
  });
  document.addEventListener("dragend", () => mark(false));
}

// On phones it opens the camera itself, which asks for no permission of the page.
function cameraBeside(input) {
  const camera = input.cloneNode();
  camera.multiple = false;
  camera.setAttribute("capture", "environment");
  input.after(camera); // some versions of iOS forget what is not in the document, and what it chose
  return camera;
}
