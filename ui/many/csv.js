// The table as a file (RFC 4180).

const COLUMNS = ["name", "label", "confidence", "set", "is_digit", "model", "prediction", "error"];
// Spreadsheets take a cell that begins so for a formula (OWASP, CSV injection); history/export.py does the same.
const FORMULA = /^[=+\-@\t\r]/;

function cell(value) {
  const text = value === null || value === undefined ? "" : String(value);
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

// Labels with blanks between them; one that has a blank of its own is quoted, as CSV does it (in_a_cell in history/export.py).
function inACell(labels) {
  return labels.map((label) => (/[" ]|^$/.test(label) ? `"${label.replaceAll('"', '""')}"` : label)).join(" ");
}

function valuesOf({ name, answer, why, state }) {
  if (!answer) return { name, error: why || (state === "waits" ? "not read" : "") };
  const { label, confidence, set, is_digit, model, version, prediction } = answer;
  return { name, label, confidence, set: inACell(set), is_digit, model: [model, version].filter(Boolean).join(" "), prediction };
}

export function csvOf(rows) {
  const lines = rows.map((row) => {
    const values = valuesOf(row);
    return COLUMNS.map((column) => cell(values[column])).join(",");
  });
  return [COLUMNS.join(","), ...lines, ""].join("\r\n");
}
