// The page's theme: the visitor's choice, or the system's. Gradio's dark mode is a class of the body.

export const THEMES = ["system", "light", "dark"];
const system = window.matchMedia("(prefers-color-scheme: dark)");

let chosen = "system";

export const isDark = () => document.body.classList.contains("dark");

export function applyTheme(theme) {
  chosen = theme;
  const wanted = theme === "dark" || (theme === "system" && system.matches);
  if (wanted !== isDark()) document.body.classList.toggle("dark", wanted);
  document.documentElement.style.colorScheme = theme === "system" ? "" : theme;
}

system.addEventListener("change", () => applyTheme(chosen));
