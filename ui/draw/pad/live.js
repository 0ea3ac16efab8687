// When the drawing under the moving pen may be sent: one request at a time, never in a row, and rarely where answers are
// slow, so that nobody who lifts the pen waits longer for it.

export const APART_MS = 150; // from one question to the next
const SHARE = 3; // the server rests three times as long as it took
const SLOW_MS = 400; // an answer that took so long is no live one: the server has enough to do
const REST_MS = 15_000; // then, or when the server had no time for it at all (ui/draw/live.py)

export function createGate() {
  let askedAt = null; // while a question is out
  let next = -Infinity; // when the next one may go

  return {
    get isOut() { return askedAt !== null; },
    // The pen is down: what it has drawn in a moment is worth a question.
    begin(now) {
      next = Math.max(next, now + APART_MS);
    },
    mayAsk: (now) => askedAt === null && now >= next,
    asked(now) {
      askedAt = now;
    },
    answered(now, wasRead = true) {
      if (askedAt === null) return;
      const took = now - askedAt;
      next = Math.max(askedAt + APART_MS, now + (took >= SLOW_MS || !wasRead ? REST_MS : SHARE * took));
      askedAt = null;
    },
  };
}
