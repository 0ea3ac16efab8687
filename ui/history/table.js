// Times in the visitor's own zone and words, and the deletion of a row. Gradio calls this with (element, trigger, props, server, upload, watch).

const timeOfDay = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const dayAndTime = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

function showLocalTimes() {
  const today = new Date().toDateString();
  for (const time of element.querySelectorAll("time")) {
    const moment = new Date(time.dateTime);
    time.textContent = (moment.toDateString() === today ? timeOfDay : dayAndTime).format(moment);
    time.title = moment.toLocaleString();
  }
}

element.addEventListener("click", (event) => {
  const row = event.target.closest(".history-delete")?.closest("tr");
  if (!row || !confirm("Delete this drawing, and what you said it was? This cannot be undone.")) return;
  element.querySelector(".history-scroll").focus({ preventScroll: true }); // the button goes with its row
  trigger("forget", { prediction: row.dataset.prediction });
});

watch("value", showLocalTimes);
showLocalTimes();
