// The answer's buttons. Gradio calls this with (element, trigger, props, server, upload, watch).

watch("value", () => {
  const { loads } = element.querySelector(".reading").dataset;
  if (loads) document.dispatchEvent(new CustomEvent("sketchserve-load", { detail: loads })); // to chooser.js
  try {
    sessionStorage.removeItem("sketchserve-unanswered"); // what canvas.js kept
  } catch {
    // Storage is refused: nothing was kept.
  }
  document.dispatchEvent(new Event("sketchserve-answered")); // for explanation.js
});

element.addEventListener("click", (event) => {
  const chosen = event.target.closest(".judge button");
  if (!chosen || chosen.disabled) return;
  // Shown at once: the button belongs to this answer, and the next answer brings fresh buttons.
  for (const button of element.querySelectorAll(".judge button")) {
    button.setAttribute("aria-pressed", String(button === chosen));
  }
  const prediction = element.querySelector(".reading").dataset.prediction;
  trigger("judge", { prediction, label: chosen.dataset.label });
});
