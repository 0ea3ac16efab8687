// What the page's server, or what stands before it, says where there is no answer.

// Return what to say of a refusal: the page's own are JSON, and those of what stands before it plain text.
export function refusalOf(status, text) {
  let said = {};
  try {
    said = JSON.parse(text) ?? {};
  } catch {
    said = { message: /^[^<]{1,300}$/s.test(text) ? text : `There was no answer (status ${status}).` };
  }
  const canAskAgain = status >= 500 || status === 408 || status === 429;
  return { message: said.message ?? `There was no answer (status ${status}).`, canAskAgain, loads: said.loads ?? "" };
}
