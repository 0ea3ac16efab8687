// One drawing over the list: what its own page shows, at the same address. A row leads to that page in a new tab, and
// where no script runs.

import { tell } from "./changes.js";
import { prepare } from "./one.js";

const AWAY = "The server is not responding. Try again in a moment.";
const SIGNED_OUT = "You are signed out. Sign in again, then repeat this.";
const ENDS = { "-1": "This is the first one on this page.", 1: "This is the last one on this page." };
const dialog = document.querySelector("dialog.drawer");
const shown = dialog.querySelector("[data-shown]");
const said = dialog.querySelector("[role=status]");
const listTitle = document.title;
const isDrawing = (link) => /\/history\/[0-9a-f-]{36}$/.test(link.pathname);
const isPlain = (event) => event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
const rows = () => [...document.querySelectorAll("[data-rows] a")];

let at = ""; // the path of the row that is open
let aim = ""; // that of the row that was asked for last
let place = -1; // where it was in the list: there may be no such row any more
let asked = 0; // counts questions: an answer to an older one is not shown
let saying = Promise.resolve(); // what is said of a drawing is answered before another one is asked for
let lookAgain = () => {};

// Have rows open here; `look` asks for the list again.
export function openOver(look) {
  lookAgain = look;
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-rows] a");
    if (!link || !isPlain(event)) return;
    event.preventDefault();
    open(link);
  });
}

async function open(link) {
  const page = await ask(link.href);
  if (!page) return;
  if (!page.part) {
    location.assign(link.href);
    return;
  }
  history.pushState({ drawing: true }, "", link.href);
  put(page, link.pathname);
  dialog.showModal();
}

// Return { part, title, isList, isSignedOut }: what a page shows of a drawing, or why it shows none, and null where it has
// neither; or return null if something else was asked for meanwhile.
async function ask(address, options) {
  asked += 1;
  const mine = asked;
  let answered = { part: null };
  dialog.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(address, options);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const part = page.querySelector("[data-drawing]") ?? (answer.ok ? null : page.querySelector("main"));
    const isList = page.querySelector("[data-rows]") !== null;
    answered = { part, title: page.title, isList, isSignedOut: answer.status === 401 };
  } catch {
    // The page is away.
  }
  if (mine !== asked) return null;
  dialog.removeAttribute("aria-busy");
  return answered;
}

// Show a drawing in the place of another one; or without `path` another state of the same.
function put({ part, title }, path = at) {
  const before = statuses();
  const focused = shown.contains(document.activeElement) ? document.activeElement : null;
  const group = focused?.closest("form, nav, ol")?.className;
  const heading = part.querySelector("h1");
  heading.id = "drawing-title";
  shown.replaceChildren(...(part.matches("main") ? part.children : [part]));
  prepare(shown);
  document.title = title;
  if (focused) {
    const same = [...shown.querySelectorAll(focused.localName)].find((one) => one.textContent === focused.textContent);
    const beside = group ? shown.querySelector(`.${group} :is(a, button)`) : null;
    (same ?? beside ?? dialog.querySelector("[data-close]")).focus({ preventScroll: true });
  }
  const news = path === at ? statuses().filter((text) => !before.includes(text)) : [];
  at = aim = path;
  const all = rows();
  const found = all.findIndex((row) => row.pathname === at);
  if (found >= 0) place = found;
  const heard = document.createElement("span");
  heard.className = "only-heard";
  heard.textContent = `${news.join(" ") || heading.textContent} `;
  said.replaceChildren(heard, found >= 0 ? `${found + 1} of ${all.length}` : "");
}

const statuses = () => [...shown.querySelectorAll("[role=status]")].map((one) => one.textContent.trim());

// Show what an address has, in the place of what is shown.
async function go(address, path) {
  const page = await ask(address);
  if (!page || !history.state?.drawing) return; // by the way back to the list meanwhile
  if (!page.part) {
    location.assign(address);
    return;
  }
  history.replaceState({ drawing: true }, "", address);
  put(page, path);
  if (path) dialog.scrollTop = 0;
}

async function step(by) {
  await saying;
  if (!dialog.open) return;
  const all = rows();
  const found = all.findIndex((row) => row.pathname === aim);
  const next = all[found >= 0 ? found + by : place + Math.min(by, 0)];
  if (!next) {
    said.textContent = ENDS[by];
    return;
  }
  aim = next.pathname;
  go(next.href, next.pathname);
}

async function send(form, submitter) {
  const asking = ask(form.action, { method: "POST", body: new URLSearchParams(new FormData(form, submitter)) });
  saying = asking;
  const page = await asking;
  tell();
  if (!page) {
    // The drawer was closed meanwhile.
  } else if (page.part) put(page);
  else if (page.isList) {
    at = ""; // deleted
    dialog.close();
  } else said.textContent = page.isSignedOut ? SIGNED_OUT : AWAY;
  lookAgain();
}

shown.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  event.preventDefault();
  if (form.method === "post") send(form, submitter);
  else go(`${form.action}?${new URLSearchParams(new FormData(form, submitter))}`);
});

dialog.addEventListener("click", (event) => {
  const link = event.target.closest("[data-shown] a");
  if (link && isDrawing(link) && isPlain(event)) {
    event.preventDefault();
    go(link.href);
  }
  const by = event.target.closest("[data-step]")?.dataset.step;
  if (by) step(Number(by));
  // What is beside the drawer belongs to it, too.
  if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
});

dialog.addEventListener("keydown", (event) => {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!by || event.altKey || event.ctrlKey || event.metaKey || event.target.closest("select, input")) return;
  event.preventDefault();
  step(by);
});

// By Escape, a button, a click beside it, or the way back.
dialog.addEventListener("close", () => {
  asked += 1; // what is still asked for is not shown any more
  if (history.state?.drawing) history.back();
  document.title = listTitle;
  shown.replaceChildren();
  (rows().find((row) => row.pathname === at) ?? document.querySelector("#content")).focus();
  at = aim = "";
});

window.addEventListener("popstate", async () => {
  if (!history.state?.drawing) {
    dialog.close();
    return;
  }
  await go(location.href, location.pathname);
  if (shown.children.length && !dialog.open) dialog.showModal();
});
