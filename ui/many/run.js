// Has many pictures read, a few at a time, and waits where the server says so. Nothing here knows the page.

// One is made ready while the other's answer is awaited. More would only wait elsewhere: TorchServe has two workers, and
// who draws meanwhile wants them, too.
export const AT_ONCE = 2;
// So often is a picture asked for that gets no answer, which takes some three minutes; the others go on.
export const TRIES = 9;
const LONGEST_S = 30;

// A row is { file, name, isNumber, state, why, answer }: "waits", "reads", then "read", "refused", or "unanswered", which can be
// asked for again. `prepare(row)` gives what is sent, or throws an error with `why`; `ask(value)` gives { answer }, or
// { why } and, where the same may be answered later, `retryS` (0 or more), or `stops` where no other would be answered;
// `changed(row)` shows a row, or all is said.
export function createRun(rows, { prepare, ask, changed, pause = pauseFor }) {
  let isRunning = false;
  let isStopped = false;
  let whyStopped = "";
  let waking = new AbortController();
  let ready = Promise.resolve();

  // One picture is decoded at a time, however many are awaited: a phone's takes 50 MB meanwhile.
  function oneByOne(work) {
    const mine = ready.then(work);
    ready = mine.catch(() => {});
    return mine;
  }

  function set(row, state, why = "", answer = null) {
    Object.assign(row, { state, why, answer });
    if (state === "read" || state === "refused") row.file = null;
    changed(row);
  }

  function stop(why = "") {
    isStopped = true;
    whyStopped ||= why;
    waking.abort();
  }

  async function read(row) {
    set(row, "reads");
    let value;
    try {
      value = await oneByOne(() => prepare(row));
    } catch (error) {
      set(row, "refused", error.why ?? String(error));
      return;
    }
    for (let tries = 1; ; tries += 1) {
      const { answer, why, retryS, stops } = await ask(value);
      if (stops) stop(why);
      else if (answer) set(row, "read", "", answer);
      else if (retryS === undefined) set(row, "refused", why);
      else if (tries === TRIES) set(row, "unanswered", why);
      else if (!isStopped) {
        set(row, "reads", why);
        await pause(Math.min(LONGEST_S, Math.max(retryS, 2 ** (tries - 1))), waking.signal);
      }
      if (row.state !== "reads") return;
      if (isStopped) {
        set(row, "waits");
        return;
      }
    }
  }

  async function work() {
    for (;;) {
      const row = isStopped ? undefined : rows.find(({ state }) => state === "waits");
      if (!row) return;
      await read(row);
    }
  }

  return {
    get isRunning() { return isRunning; },
    // Read what waits; resolves once nothing does, or it was stopped and what was under way has ended, with why it stopped.
    async start() {
      if (isRunning) return;
      isRunning = true;
      isStopped = false;
      whyStopped = "";
      waking = new AbortController();
      for (const row of rows) if (row.state === "unanswered") row.state = "waits";
      try {
        // Pictures may be added while the last ones end.
        while (!isStopped && rows.some(({ state }) => state === "waits")) {
          await Promise.all(Array.from({ length: AT_ONCE }, work));
        }
      } finally {
        isRunning = false;
      }
      return whyStopped;
    },
    // Begin no more; what the server has is still answered.
    stop: () => stop(),
  };
}

function pauseFor(seconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

// How far it is: "12 of 40 read, 2 refused".
export function progress(rows) {
  const count = (state) => rows.filter((row) => row.state === state).length;
  const parts = [`${count("read")} of ${rows.length} read`];
  if (count("refused")) parts.push(`${count("refused")} refused`);
  if (count("unanswered")) parts.push(`${count("unanswered")} without an answer`);
  return parts.join(", ");
}
