// Talks to the API; the only file that does. It answers at one of these places, however the site was installed.

import { path } from "./format.js";

const PLACES = ["./", "blerg.cgi/", "cgi-bin/blerg.cgi/"];
const WAIT_MS_MAX = 60e3;

let finding = null;
const tagged = new Map();

/** A request that was not carried out, or whose outcome is not known (`code` is "offline"). */
export class Failure extends Error {
  constructor(code, reason, wait_secs = 0) {
    super(reason);
    this.code = code;
    this.wait_secs = wait_secs;
  }
}

/** Where the API answers; looked for once. @returns {Promise<string>} */
export function place() {
  finding ??= find().catch((failure) => {
    finding = null;
    throw failure;
  });
  return finding;
}

async function find() {
  for (const candidate of PLACES) {
    const response = await ask(candidate + "status");
    if (isJson(response)) {
      return candidate;
    }
  }
  throw new Failure("offline", "There is no Blërg program at this address.");
}

const isJson = (response) => (response.headers.get("Content-Type") ?? "").startsWith("application/json");

async function ask(address, options = {}) {
  const late = AbortSignal.timeout(WAIT_MS_MAX);
  const signal = options.signal ? AbortSignal.any([options.signal, late]) : late;
  try {
    return await fetch(address, { ...options, signal });
  } catch (error) {
    if (options.signal?.aborted) {
      throw new Failure("aborted", "");
    }
    throw new Failure("offline", late.aborted ? "The site takes too long to answer."
      : globalThis.navigator?.onLine === false ? "You are offline." : "The site can't be reached.");
  }
}

async function read(response) {
  const wait_secs = Number(response.headers.get("Retry-After")) || 0;
  const body = await response.json().catch(() => null);
  if (body === null || !isJson(response)) {
    throw new Failure("offline", `The site answers ${response.status}, and nothing of use.`, wait_secs);
  }
  if (!response.ok || body.status === "failure") {
    throw new Failure(body.code, body.reason ?? `The site answers ${response.status}.`, wait_secs);
  }
  return body;
}

/**
 * Gets a route's answer.
 * @param {string[]} parts Path segments of the route.
 * @param {Record<string, string>} [query]
 * @param {AbortSignal} [signal]
 * @returns {Promise<{data: any, next: string|null}>} `next`: the `before` that leads on.
 */
export async function get(parts, query, signal) {
  const response = await ask((await place()) + path(parts, query), { signal });
  const data = await read(response);
  const link = /<([^>]*)>;\s*rel="next"/.exec(response.headers.get("Link") ?? "");
  return { data, next: link && new URL(link[1], "http://x").searchParams.get("before") };
}

/**
 * Gets a route's answer if it is another than last time.
 * @param {string[]} parts
 * @returns {Promise<any>} `null`: nothing has changed.
 */
export async function poll(parts) {
  const address = (await place()) + path(parts);
  const headers = tagged.has(address) ? { "If-None-Match": tagged.get(address) } : {};
  const response = await ask(address, { headers, cache: "no-store" });
  if (response.status === 304) {
    return null;
  }
  const body = await read(response);
  tagged.set(address, response.headers.get("ETag"));
  return body;
}

/** Forgets what was polled: somebody else is asking now. */
export const forget = () => tagged.clear();

/**
 * Posts a form.
 * @param {string[]} parts
 * @param {Record<string, string>} fields
 * @param {{keepalive?: boolean}} [options] For a page that is being left.
 */
export async function post(parts, fields, options = {}) {
  return read(await ask((await place()) + path(parts), { method: "POST", body: new URLSearchParams(fields), ...options }));
}

/** Who the cookie's owner is: the first line of what is theirs, and no more of it. @returns {Promise<string>} */
export async function whoami() {
  const leave = new AbortController();
  const response = await ask((await place()) + "export", { signal: leave.signal });
  if (isJson(response)) {
    await read(response);
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let part; !text.includes("\n") && !(part = await reader.read()).done;) {
    text += part.value;
  }
  leave.abort();
  return JSON.parse(text.split("\n")[0]).author;
}
