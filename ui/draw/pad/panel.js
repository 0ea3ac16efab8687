// The settings' disclosure beside the pad's tools.

import { areLegible, coloursOf, DEFAULTS, keepSettings } from "./settings.js";
import { chooseTheme, chosenTheme, isDark } from "./theme.js";

// Show the settings in the panel, and call `changed` with new ones as they are chosen; `complain` with why not.
export function openPanel(element, settings, changed, complain) {
  const details = element.querySelector(".pad-settings");
  const field = (name) => element.querySelector(`[data-setting=${name}]`);
  let now = settings;

  function show() {
    const colours = coloursOf(now, isDark());
    field("theme").value = chosenTheme();
    field("pen").value = colours.pen;
    field("paper").value = colours.paper;
    field("width").value = now.width;
    field("live").checked = now.live;
    field("number").checked = now.number;
    field("usual").disabled = !now.pen && !now.paper;
  }

  function choose(chosen) {
    const next = { ...now, ...chosen };
    if (areLegible(coloursOf(next, isDark()))) {
      complain("");
      now = next;
      keepSettings(chosen);
      changed(now);
    } else {
      complain("That pen is hard to see on that paper. Choose colours that differ more.");
    }
    show();
  }

  field("theme").addEventListener("change", () => chooseTheme(field("theme").value));
  for (const name of ["pen", "paper"]) {
    field(name).addEventListener("change", () => choose({ [name]: field(name).value }));
  }
  field("width").addEventListener("input", () => choose({ width: Number(field("width").value) }));
  field("live").addEventListener("change", () => choose({ live: field("live").checked }));
  field("number").addEventListener("change", () => choose({ number: field("number").checked }));
  field("usual").addEventListener("click", () => {
    choose({ pen: DEFAULTS.pen, paper: DEFAULTS.paper });
    field("pen").focus(); // the button is disabled now
  });

  // It lies over the page, so it closes as menus do.
  document.addEventListener("pointerdown", ({ target }) => {
    if (!details.contains(target)) details.open = false;
  });
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !details.open) return;
    event.preventDefault();
    details.open = false;
    details.querySelector("summary").focus();
  });
  details.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget && !details.contains(relatedTarget)) details.open = false;
  });
  show();
  return { show };
}
