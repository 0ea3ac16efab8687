// Gradio calls this with (element, trigger, props, server, upload, watch).
// Who is not signed in any more is led to the form; strokes without an answer outlive that (pad/sending.js).

const ask = window.fetch;
window.fetch = async (...request) => {
  const answer = await ask(...request);
  if (answer.status === 401) location.reload();
  return answer;
};
