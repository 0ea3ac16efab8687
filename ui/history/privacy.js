// Whether drawings are stored, and their deletion. Gradio calls this with (element, trigger, props, server, upload, watch).

const STORAGE_KEY = "sketchserve-keep-nothing"; // pad/sending.js reads it, too
const keepNothing = element.querySelector("[data-keep-nothing]");
const said = element.querySelector("[role=status]");

function show() {
  try {
    keepNothing.checked = localStorage.getItem(STORAGE_KEY) === "yes";
  } catch {
    // Storage is refused: the choice lasts as long as this page.
  }
  document.documentElement.dataset.keepNothing = keepNothing.checked ? "yes" : "no";
}

keepNothing.addEventListener("change", () => {
  try {
    localStorage.setItem(STORAGE_KEY, keepNothing.checked ? "yes" : "no");
  } catch {
    // As above.
  }
  show();
  said.textContent = keepNothing.checked
    ? "From now on your drawings are read and then forgotten. Those in the history stay until you delete them."
    : "From now on your drawings are stored again.";
});
window.addEventListener("storage", show); // chosen in another tab

element.querySelector("[data-forget]").addEventListener("click", () => {
  const what = "Delete all your drawings and your judgements of them? This cannot be undone.";
  if (confirm(`${what} Existing backups keep them until newer backups replace those.`)) {
    trigger("forget", { prediction: "" });
  }
});

watch("value", () => { said.textContent = props.value?.said ?? ""; });
document.addEventListener("sketchserve-failed", ({ detail }) => {
  if (detail === "forget") said.textContent = "There was no answer: your drawings may still be there. Try again in a moment.";
});
document.addEventListener("sketchserve-changed", () => { said.textContent = ""; });
show();
