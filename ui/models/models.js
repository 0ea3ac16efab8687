// The view of the models: confirmations in a dialog instead of a page, and what is under way looked at again.
// Without this script the links lead to the page that the dialog shows, and the page loads itself again.

const AGAIN_MS = 1500;
const dialog = document.querySelector("dialog#confirm");

async function page(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

// Show what a link or form leads to; where that fails, go there.
async function confirm(address, goThere) {
  let asked = null;
  try {
    asked = (await page(address)).querySelector("#confirmation");
  } catch {
    // The page itself says what is wrong.
  }
  if (!asked) {
    goThere();
    return;
  }
  dialog.replaceChildren(asked);
  dialog.showModal();
}

if (dialog) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-confirm], dialog [data-close]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    if (link.hasAttribute("data-close")) dialog.close();
    else confirm(link.href, () => location.assign(link.href));
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-confirm]")) return;
    event.preventDefault();
    const address = `${form.action}?${new URLSearchParams(new FormData(form))}`;
    confirm(address, () => location.assign(address));
  });
}

// Put what is there now in the place of what was there, unless somebody is typing into it.
async function lookAgain() {
  const live = document.querySelector("#live");
  if (!live?.hasAttribute("data-again")) return;
  const { activeElement } = document;
  if (!activeElement?.matches("#live input") && !dialog?.open && !document.hidden) {
    try {
      const now = (await page(location.href)).querySelector("#live");
      const hasFocus = live.contains(document.activeElement) ? document.activeElement.id : "";
      if (now && now.outerHTML !== live.outerHTML) {
        live.replaceWith(now);
        if (hasFocus) document.getElementById(hasFocus)?.focus({ preventScroll: true });
      }
    } catch {
      // The page is away for a moment.
    }
  }
  setTimeout(lookAgain, AGAIN_MS);
}

setTimeout(lookAgain, AGAIN_MS);
