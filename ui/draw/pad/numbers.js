// A number on the paper is asked for as a whole: never more than one request at a time, and the newest wins.

import { newId } from "./paper.js";
import { refusalOf } from "./refusals.js";
import { keepUnanswered, unanswered, visitorId } from "./sending.js";
import { bodyOf } from "./written.js";

// The page's server gives up before that (PAD_WITHIN_S in ui/number.py).
const AWAY_MS = 20_000;
const MOST_PAPERS = 20; // whose digits are remembered
const MOST_TRIES = 5; // of what was lost; then the next one is asked for without it
const AWAY = "The server or your connection may be down. Your drawing is still there.";

// `post(question, before)` gives { digits, text, ... } or { message, canAskAgain, loads, isLost }: where an answer was lost
// on the way, its digits may be stored. `show(answer, question)` has it seen. A question is { strokes, picture, drawing,
// sent, model, keep, isInterim }; `before` are the digits that were last found on the same paper: by them the server knows
// which rows of the history are still the same digit.
export function createNumbers({ post, show }) {
  const found = new Map(); // digits, by the paper's id
  const lost = new Map(); // and by that the question whose answer was lost: { question, before, tries }
  let isOut = false;
  let waits = null; // the newest question of those that came meanwhile
  let latest = null;

  function put(map, paper, value) {
    map.delete(paper);
    map.set(paper, value);
    if (map.size > MOST_PAPERS) map.delete(map.keys().next().value);
  }

  function remember({ drawing }, digits) {
    put(found, drawing, digits.filter(({ prediction }) => prediction).map(({ prediction, box }) => [prediction, ...box]));
  }

  // Learn which digits are stored of a question whose answer was lost: asked once more they are the same rows, and without
  // them, rows of a digit that is gone since would go on counting. Return why there is no answer yet, or null.
  async function catchUp(missed, { drawing, model }) {
    missed.tries += 1;
    const answer = await post({ ...missed.question, model, isPast: true }, missed.before);
    if (answer.canAskAgain && missed.tries < MOST_TRIES) return answer;
    lost.delete(drawing);
    if (answer.digits) remember(missed.question, answer.digits);
    return null;
  }

  async function answerTo(asked, missed) {
    const { drawing, picture, keep } = asked;
    const before = found.get(drawing) ?? [];
    if (!keep) return post(asked, before); // it changes nothing that is stored
    // What was undone and is there again is other rows, and only a question whose answer was lost the same ones. A picture
    // is a paper of its own, and always the same question.
    const turn = picture ? "" : missed?.question.turn ?? newId();
    const question = { ...asked, turn };
    const kept = picture ? null : question;
    keepUnanswered("before", JSON.stringify([drawing, before, kept]));
    const answer = await post(question, before);
    // A refusal says nothing of the one before, whose answer was lost.
    const isLost = Boolean(kept && (answer.isLost || (missed && !answer.digits)));
    if (isLost) put(lost, drawing, { question, before, tries: 0 });
    else lost.delete(drawing);
    // What a newer question made needless is in the history nevertheless.
    if (answer.digits) remember(question, answer.digits);
    keepUnanswered("before", answer.digits ? "" : JSON.stringify([drawing, before, isLost ? kept : null]));
    return answer;
  }

  // The page was loaded anew while a number had no answer.
  function restore() {
    try {
      const [drawing, before, question] = JSON.parse(unanswered("before"));
      if (!/^[0-9a-f]{32}$/.test(drawing) || !Array.isArray(before)) return;
      put(found, drawing, before);
      if (question?.strokes?.length) put(lost, drawing, { question, before, tries: 0 });
    } catch {
      // There was none, or it is not ours.
    }
  }

  async function run(question) {
    isOut = true;
    const missed = question.keep ? lost.get(question.drawing) : undefined;
    const isOther = missed && missed.question.strokes !== question.strokes; // the same one finds them by itself
    const refusal = isOther ? await catchUp(missed, question) : null;
    const answer = refusal ?? (await answerTo(question, isOther ? undefined : missed));
    isOut = false;
    if (question === latest) show(answer, question);
    const next = waits;
    waits = null;
    if (next) run(next);
  }

  restore();
  return {
    get isOut() { return isOut; },
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
  const { drawing, sent, model, keep, picture, isInterim, turn } = question;
  const about = { keep, interim: Boolean(isInterim), sent, source: picture ? "upload" : "sketchpad" };
  const said = { visitor: visitorId(), ...about, paper: drawing, before, turn };
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
    return { message: AWAY, canAskAgain: true, isLost: true };
  }
  const isLost = response.status === 502 || response.status === 504; // a proxy's words for it
  return { ...refusalOf(response.status, await response.text().catch(() => "")), isLost };
}
