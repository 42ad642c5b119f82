// Talks to the API. It answers at one of these places, whatever way the site was installed; the first that does is kept.

const PLACES = ["./", "blerg.cgi/", "cgi-bin/blerg.cgi/"];

let place = null;

/**
 * Gets a route's JSON from the API.
 * @param {string} route Such as "latest".
 * @returns {Promise<unknown>} What the API answered.
 */
export async function get(route) {
  const tried = place === null ? PLACES : [place];
  let reason = "the site does not answer";
  for (const candidate of tried) {
    const response = await fetch(candidate + route, { headers: { Accept: "application/json" } });
    const type = response.headers.get("Content-Type") ?? "";
    if (!type.startsWith("application/json")) {
      continue;
    }
    const body = await response.json();
    if (response.ok && body.status !== "failure") {
      place = candidate;
      return body;
    }
    reason = body.reason ?? `the site answers ${response.status}`;
  }
  throw new Error(reason);
}

/**
 * The address of a user's posts.
 * @param {string} author The user's name.
 * @returns {string} A relative link.
 */
export function userLink(author) {
  return `${place ?? "./"}get/${encodeURIComponent(author)}`;
}
