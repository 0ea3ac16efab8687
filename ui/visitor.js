// Puts the visitor's id in the place of an event's last input. Gradio calls it before it sends the event.
// The id is random and kept in this browser alone: who does not have it cannot ask for its history.
(...inputs) => {
  const STORAGE_KEY = "sketchserve-visitor";

  function newId() {
    // crypto.randomUUID() is absent where the page comes over plain HTTP from another machine.
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function storedId() {
    try {
      const known = localStorage.getItem(STORAGE_KEY);
      if (/^[0-9a-f]{32}$/.test(known)) return known;
      const made = newId();
      localStorage.setItem(STORAGE_KEY, made);
      return made;
    } catch {
      // Storage is refused (some private windows): the history lasts as long as this page.
      return (window.sketchserveVisitor ??= newId());
    }
  }

  const id = storedId();
  // The other views are asked for by links, which cannot carry it: 400 days are as long as browsers keep a cookie.
  const path = new URL(".", document.baseURI).pathname;
  // Only the history needs it, and other ports of this host get what the path lets through.
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${STORAGE_KEY}=${id}; path=${path}history; max-age=34560000; samesite=strict${secure}`;
  return [...inputs.slice(0, -1), id];
}
