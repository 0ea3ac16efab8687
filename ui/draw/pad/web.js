// A picture that is given by its address: the page's server fetches it, since browsers read nothing of other sites.

export class NotFetched extends Error {}

// Return the address in a text that is nothing else; null otherwise.
export function addressIn(text) {
  const trimmed = text.trim();
  return /^https?:\/\/\S+$/i.test(trimmed) ? trimmed : null;
}

// Return the file of what was taken: itself, or what is at its address.
// Throws NotFetched with what to say where there is none.
export async function fileOf(taken) {
  if (typeof taken !== "string") return taken;
  let answer;
  try {
    answer = await fetch("fetch", { method: "POST", body: taken });
  } catch {
    throw new NotFetched("The server cannot be reached. Try again in a moment.");
  }
  if (answer.ok) return answer.blob();
  const said = await answer.json().catch(() => ({}));
  throw new NotFetched(said.message ?? "The picture could not be fetched.");
}
