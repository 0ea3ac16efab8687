// What the sheet is to somebody who cannot see it: drawing pad, a button that chooses pictures, or a picture.

const OF_PHOTOS = "Choose pictures. You can also drop or paste them.";

// `choose` opens the browser's choice of files. Return { show(kind, isBlank) }.
export function openSheet(canvas, choose) {
  const names = ["role", "aria-roledescription", "aria-label"];
  const ofPad = names.map((name) => canvas.getAttribute(name));
  const isButton = () => canvas.getAttribute("role") === "button";
  let shown = "";

  canvas.addEventListener("click", () => {
    if (isButton()) choose();
  });
  canvas.addEventListener("keydown", (event) => {
    if (!isButton() || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault(); // a space would scroll
    choose();
  });

  return {
    show(kind, isBlank) {
      const now = kind !== "photo" ? "pad" : isBlank ? "button" : "picture";
      if (now === shown) return;
      shown = now;
      const said = { pad: ofPad, button: ["button", null, OF_PHOTOS], picture: ["img", null, "The picture"] }[now];
      names.forEach((name, at) => {
        if (said[at] === null) canvas.removeAttribute(name);
        else canvas.setAttribute(name, said[at]);
      });
    },
  };
}
