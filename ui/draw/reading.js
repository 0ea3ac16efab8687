// The answer's buttons. Gradio calls this with (element, trigger, props, server, upload, watch).

// Compare the answer with the drawing on the paper, which canvas.js numbers. An answer to another one is stale:
// its buttons would label a picture that is no longer seen.
function compare() {
  const panel = element.querySelector(".reading");
  const isStale = panel.dataset.sent !== document.documentElement.dataset.sent;
  panel.classList.toggle("is-stale", isStale);
  panel.querySelector(".judge").setAttribute("aria-disabled", String(isStale));
  if (isStale) return;
  const { loads } = panel.dataset;
  if (loads) document.dispatchEvent(new CustomEvent("sketchserve-load", { detail: loads })); // to chooser.js
  try {
    sessionStorage.removeItem("sketchserve-unanswered"); // what canvas.js kept
  } catch {
    // Storage is refused: nothing was kept.
  }
  document.dispatchEvent(new Event("sketchserve-answered")); // for explanation.js
}

watch("value", compare);
document.addEventListener("sketchserve-changed", compare);
document.addEventListener("sketchserve-restored", compare);

element.addEventListener("click", (event) => {
  const chosen = event.target.closest(".judge button");
  if (!chosen || chosen.disabled || chosen.closest(".is-stale")) return;
  // Shown at once: the button belongs to this answer, and the next answer brings fresh buttons.
  for (const button of element.querySelectorAll(".judge button")) {
    button.setAttribute("aria-pressed", String(button === chosen));
  }
  const prediction = element.querySelector(".reading").dataset.prediction;
  trigger("judge", { prediction, label: chosen.dataset.label });
});
