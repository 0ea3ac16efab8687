// What Draw's head says of the page, and what an installed one needs of it. Gradio's names a manifest at the host's root,
// asks for it without the cookie of a sign-in, and keeps one colour. Gradio calls this with (element, trigger, props,
// server, upload, watch).

// Gradio says that the page is in the browser's language: screen readers would pronounce its English by other rules.
document.documentElement.lang = "en";

const link = document.querySelector("link[rel=manifest]");
if (link) {
  link.crossOrigin = "use-credentials";
  link.href = new URL("manifest.json", document.baseURI);
}

// Of the frame around the page: the theme's, also where it is not the system's.
const colour = document.createElement("meta");
colour.name = "theme-color";
document.head.append(colour);

function show() {
  colour.content = getComputedStyle(document.body).getPropertyValue("--page").trim();
}

new MutationObserver(show).observe(document.body, { attributeFilter: ["class"] });
show();
