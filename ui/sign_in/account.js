// Gradio calls this with (element, trigger, props, server, upload, watch).
// Who is not signed in any more is led to the form; strokes without an answer outlive that (pad/sending.js). A list with
// pictures that are not read would not: it says so by itself, and draw/reading.js does of a stroke.

const ask = window.fetch;
window.fetch = async (...request) => {
  const answer = await ask(...request);
  if (answer.status === 401) {
    if (document.querySelector(".many.is-open")) document.dispatchEvent(new Event("sketchserve-signed-out"));
    else location.reload();
  }
  return answer;
};
