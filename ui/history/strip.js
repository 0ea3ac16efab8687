// The last drawings, as they are in all tabs of this browser. Gradio calls this with (element, trigger, props, server, upload, watch).

const channel = new BroadcastChannel("sketchserve-history"); // changes.js has the other end
let isAnswer = true; // to the page's own load, or to what another tab said: nothing new for that one

channel.addEventListener("message", () => {
  isAnswer = true;
  trigger("look", {});
});
watch("value", () => {
  if (!isAnswer) channel.postMessage("changed");
  isAnswer = false;
});
