// Gradio's page names a manifest at the host's root, and asks for it without the cookie of a sign-in.

const link = document.querySelector("link[rel=manifest]");
if (link) {
  link.crossOrigin = "use-credentials";
  link.href = new URL("manifest.json", document.baseURI);
}
