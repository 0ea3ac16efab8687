// Chooses light or dark before anything is painted: as set on the pad's page, or as the system has it.
const system = matchMedia("(prefers-color-scheme: dark)");

function show() {
  let chosen = null;
  try {
    chosen = localStorage.getItem("sketchserve-theme");
  } catch {
    // Storage is refused: as the system has it.
  }
  const isDark = chosen === "dark" || (chosen !== "light" && system.matches);
  document.documentElement.classList.toggle("dark", isDark);
}

show();
system.addEventListener("change", show);
window.addEventListener("storage", show); // chosen in another tab
