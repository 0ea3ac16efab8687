// Times in the visitor's own zone and words. Gradio calls this with (element, trigger, props, server, upload, watch).

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

watch("value", showLocalTimes);
showLocalTimes();
