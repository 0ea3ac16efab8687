// The page's theme: the visitor's choice, or the system's. Gradio's dark mode is a class of the body; the views beside
// the pad have a theme.js of their own, which reads the same choice.

const STORAGE_KEY = "sketchserve-theme";
const THEMES = ["system", "light", "dark"];
const system = window.matchMedia("(prefers-color-scheme: dark)");

let refused = "system"; // the choice where storage is refused

export const isDark = () => document.body.classList.contains("dark");

export function chosenTheme() {
  try {
    const kept = localStorage.getItem(STORAGE_KEY);
    return THEMES.includes(kept) ? kept : "system"; // other pages of this host may put anything there
  } catch {
    return refused;
  }
}

export function chooseTheme(theme) {
  try {
    localStorage.setItem(STORAGE_KEY, theme);
  } catch {
    refused = theme;
  }
  applyTheme();
}

export function applyTheme() {
  const theme = chosenTheme();
  const wanted = theme === "dark" || (theme === "system" && system.matches);
  if (wanted !== isDark()) document.body.classList.toggle("dark", wanted);
  document.documentElement.style.colorScheme = theme === "system" ? "" : theme; // of boxes and sliders
}

system.addEventListener("change", applyTheme);
window.addEventListener("storage", applyTheme); // chosen in another tab
