// Visitors who draw at once, for bench/live.py: each asks the page as the pad does, at the pace of the pad's own gate.
//
//     node bench/live_pads.js PAGE PADS WATCHED SECONDS yes|no < pictures, one data URL a line
//
// PADS of them read while the pen moves, where that is "yes"; WATCHED others never do, and only their waits are told.
// It prints one line of JSON.

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const { createGate } = await import(new URL("../ui/draw/pad/live.js", import.meta.url));

const [page, pads, watched, seconds, isLive] = process.argv.slice(2);
const pictures = readFileSync(0, "utf8").trim().split("\n");
const MOVE_MS = 16; // pointers move as often as screens are painted
const STROKE_MS = [500, 1100]; // how long a stroke takes
const PAUSE_MS = [400, 1200]; // until the next one begins
const between = ([least, most]) => least + Math.random() * (most - least);

const { dependencies } = await (await fetch(`${page}/config`)).json();
const numbered = (event) => dependencies.findIndex(({ targets }) => targets.some(([, name]) => name === event));
const STROKE = numbered("stroke");
const LIVE = numbered("live");

const until = performance.now() + 1000 * Number(seconds);
const waits_ms = [];
const told = { live: 0, dropped: 0, strokes: 0, failures: 0, live_ms: [] };

async function run(fn_index, data, session_hash) {
  const response = await fetch(`${page}/gradio_api/run/predict`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ data, fn_index, session_hash, event_data: null }),
  });
  if (!response.ok) told.failures += 1;
  return (await response.json()).data?.[0] ?? "";
}

async function draw(number, asksLive, isWatched) {
  const gate = createGate();
  const visitor = `pad-${String(number).padStart(8, "0")}-${process.pid}`;
  const about = { source: "sketchpad", pen: "#1c1b22", paper: "#ffffff", keep: false, model: "" };
  let sent = 0;
  await sleep(Math.random() * 1000);
  while (performance.now() < until) {
    const image = pictures[Math.floor(Math.random() * pictures.length)];
    const drawing = crypto.randomUUID().replaceAll("-", "");
    let out = null;
    const lifts = performance.now() + between(STROKE_MS);
    gate.begin(performance.now());
    while (performance.now() < lifts) {
      await sleep(MOVE_MS);
      if (!asksLive || !gate.mayAsk(performance.now())) continue;
      gate.asked(performance.now());
      sent += 1;
      const [now, asked] = [sent, performance.now()];
      const value = { image, ...about, drawing, sent, interim: true };
      out = run(LIVE, [value, visitor], visitor).then((panel) => {
        told.live += 1;
        told.live_ms.push(performance.now() - asked);
        const wasRead = String(panel).includes(`data-sent="${now}"`);
        if (!wasRead) told.dropped += 1;
        gate.answered(performance.now(), wasRead);
      });
    }
    const lifted = performance.now();
    await out;
    sent += 1;
    await run(STROKE, [{ image, ...about, drawing, sent }, visitor], visitor);
    told.strokes += 1;
    if (isWatched) waits_ms.push(performance.now() - lifted);
    else await run(STROKE + 1, [visitor], visitor); // the history
    await sleep(between(PAUSE_MS));
  }
}

const everybody = [];
for (let number = 0; number < Number(pads) + Number(watched); number += 1) {
  const isWatched = number >= Number(pads);
  everybody.push(draw(number, isLive === "yes" && !isWatched, isWatched));
}
await Promise.all(everybody);
console.log(JSON.stringify({ ...told, waits_ms }));
