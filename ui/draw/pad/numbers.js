// A number on the paper is asked for as a whole: never more than one request at a time, and the newest wins.

import { refusalOf } from "./refusals.js";
import { visitorId } from "./sending.js";
import { bodyOf } from "./written.js";

// The page's server gives up before that (PAD_WITHIN_S in ui/number.py).
const AWAY_MS = 20_000;
const MOST_PAPERS = 20; // whose digits are remembered
const AWAY = "The page's server or the connection may be away. Your drawing is still there.";

// `post(question, before)` gives { digits, text, ... } or { message, canAskAgain, loads }; `show(answer, question)` has it
// seen. A question is { strokes, picture, drawing, sent, model, keep }; `before` are the digits that were last found on the
// same paper: by them the server knows which rows of the history are still the same digit.
export function createNumbers({ post, show }) {
  const found = new Map(); // digits, by the paper's id
  let isOut = false;
  let waits = null; // the newest question of those that came meanwhile
  let latest = null;

  function remember({ drawing }, digits) {
    found.delete(drawing);
    found.set(drawing, digits.filter(({ prediction }) => prediction).map(({ prediction, box }) => [prediction, ...box]));
    if (found.size > MOST_PAPERS) found.delete(found.keys().next().value);
  }

  async function run(question) {
    isOut = true;
    const answer = await post(question, found.get(question.drawing) ?? []);
    isOut = false;
    // What a newer question made needless is in the history nevertheless; what was not to be stored changed nothing there.
    if (answer.digits && question.keep) remember(question, answer.digits);
    if (question === latest) show(answer, question);
    const next = waits;
    waits = null;
    if (next) run(next);
  }

  return {
    ask(question) {
      latest = question;
      if (isOut) waits = question;
      else run(question);
    },
    // The paper is blank, or another one: no answer that is still to come is wanted.
    forget() {
      latest = waits = null;
    },
  };
}

// Ask the page's server; the answer's messages are for the person.
export async function postNumber(question, before) {
  const { drawing, sent, model, keep, picture } = question;
  const said = { visitor: visitorId(), keep, sent, source: picture ? "upload" : "sketchpad", paper: drawing, before };
  let response;
  try {
    response = await fetch(`read?model=${encodeURIComponent(model)}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Sketchserve-Pad": JSON.stringify(said) },
      body: JSON.stringify(bodyOf(question)),
      signal: AbortSignal.timeout(AWAY_MS),
    });
    if (response.ok) return { drawing, ...(await response.json()) };
  } catch {
    return { message: AWAY, canAskAgain: true };
  }
  return refusalOf(response.status, await response.text().catch(() => ""));
}
