// Pictures that are taken come when they are read: what is fetched from the web takes seconds. Nothing here knows the page.

// `read(taken)` gives a picture or throws, `put(picture)` has it on the paper, and `refuse(error, taken)` says why there is
// none. While `isHeld()` none is put before `release()`, and none that was taken earlier comes over a later one.
export function createTaking({ read, isHeld, put, refuse }) {
  let count = 0; // of what was taken
  let latest = 0; // which of that is the last one that was read
  let late = null; // a picture that is held

  function release() {
    const picture = late;
    late = null;
    if (picture) put(picture);
  }

  return {
    get isHolding() { return late !== null; },
    async take(taken) {
      count += 1;
      const mine = count;
      try {
        const picture = await read(taken);
        if (mine < latest) return;
        [latest, late] = [mine, picture];
        if (!isHeld()) release();
      } catch (error) {
        if (mine > latest) refuse(error, taken);
      }
    },
    release,
  };
}
