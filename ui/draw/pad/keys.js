// What a key means to the pad, wherever the focus is on its page.

const TYPED = "textarea, select, [contenteditable]:not([contenteditable=false])";
// Of inputs, these take no text.
const UNTYPED = ["button", "checkbox", "color", "file", "radio", "range", "reset", "submit"];
// Here single keys mean something else: closing it, deleting a row.
const OTHERS = "dialog, [popover], [role=dialog], [role=listbox], details, table";

// Return "undo", "redo", "clear", or "" for a key that is not the pad's.
export function meaning(event) {
  const { target } = event;
  if (event.defaultPrevented || event.altKey || event.isComposing || isTypedInto(target)) return "";
  const key = latin(event);
  if (event.ctrlKey || event.metaKey) {
    if (key === "z") return event.shiftKey ? "redo" : "undo";
    return key === "y" && !event.shiftKey ? "redo" : "";
  }
  if (event.shiftKey || target.closest?.(OTHERS)) return "";
  if (target.localName === "input" && key !== "escape") return ""; // its value is meant
  return { escape: "clear", delete: "clear", backspace: "undo" }[key] ?? "";
}

// Return whether what has the focus takes text.
export function isTypedInto(target) {
  if (target.closest?.(TYPED)) return true;
  return target.localName === "input" && !UNTYPED.includes(target.type);
}

// Return a key in lower case; of one with another script's letter or digit, what English keyboards have in its place:
// with a Russian one Ctrl+Z is Ctrl+Я.
export function latin({ key, code = "" }) {
  const isOther = key.length === 1 && key > "~";
  const [, there] = (isOther && /^(?:Key|Digit|Numpad)(\w)$/.exec(code)) || [];
  return (there ?? key).toLowerCase();
}
