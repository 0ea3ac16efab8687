// A row of the table of pictures.

// One transparent pixel, until there is a thumbnail.
const NONE = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";

export function createRow(row) {
  const element = document.createElement("tr");
  const picture = document.createElement("img");
  picture.className = "thumbnail";
  picture.alt = "";
  [picture.width, picture.height, picture.src] = [40, 40, NONE];
  const cell = document.createElement("td");
  cell.append(picture);
  const name = document.createElement("th");
  name.scope = "row";
  name.textContent = row.name;
  element.append(cell, name);
  showRow(element, row);
  return element;
}

export function showRow(element, row) {
  element.className = `is-${row.state}`;
  const thumbnail = row.thumbnail || row.answer?.frame;
  if (thumbnail) element.querySelector("img").src = thumbnail;
  for (const cell of [...element.children].slice(2)) cell.remove();
  if (row.answer) element.append(...answered(row.answer));
  else element.append(said(row));
}

function answered({ label, set, is_digit, headline, detail, prediction, is_private }) {
  const name = document.createElement("td");
  // What is kept can be judged there; the list stays open here.
  const shown = document.createElement(prediction ? "a" : "span");
  shown.className = "many-label";
  shown.textContent = is_digit === false ? `${label}?` : label;
  if (prediction) {
    shown.href = new URL(`history/${prediction.split(" ")[0]}`, document.baseURI);
    shown.target = "_blank";
    shown.rel = "noopener";
    shown.title = "Open in the history, in a new tab"; // of a number, its first digit
  }
  name.append(shown);
  const sure = document.createElement("td");
  const more = document.createElement("span");
  more.className = "many-detail";
  const kept = prediction ? "" : is_private ? "not stored, as you chose" : "not in the history";
  // Of what is clear, no more is said.
  more.textContent = [set.length > 1 || is_digit === false ? detail : "", kept].filter(Boolean).join(" · ");
  sure.append(headline, more);
  return [name, sure];
}

const WORDS = { waits: "not read yet", reads: "being read …" };

function said({ state, why }) {
  const cell = document.createElement("td");
  cell.colSpan = 2;
  cell.textContent = state === "reads" && why ? `${why.replace(/\.$/, "")}. Waiting to try again.` : why || WORDS[state];
  return cell;
}
