// Times in the browser's own zone and words; without scripts they stay in UTC.

const timeOfDay = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export function writtenDay(moment, now = new Date()) {
  const year = moment.getFullYear() === now.getFullYear() ? {} : { year: "numeric" };
  return moment.toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short", ...year });
}

export function showLocalTimes(root) {
  for (const time of root.querySelectorAll("time")) {
    const moment = new Date(time.dateTime);
    const clock = timeOfDay.format(moment);
    time.textContent = "full" in time.dataset ? `${writtenDay(moment)}, ${clock}` : clock;
    time.title = moment.toLocaleString();
  }
}

// The server has put rows under the days of UTC: put them under those of the browser.
export function regroup(root) {
  const sections = [...root.querySelectorAll(".day")];
  if (sections.length === 0) return;
  const rows = [...root.querySelectorAll(".day li")];
  const days = new Map();
  for (const row of rows) {
    const day = writtenDay(new Date(row.querySelector("time").dateTime));
    days.set(day, [...(days.get(day) ?? []), row]);
  }
  const made = [...days].map(([day, ofDay]) => {
    const section = sections[0].cloneNode(false);
    const heading = document.createElement("h2");
    heading.textContent = day;
    const list = document.createElement("ol");
    list.className = "rows";
    list.append(...ofDay);
    section.append(heading, list);
    return section;
  });
  root.replaceChildren(...made);
}
