// Alone talks to the API, which is at one of these places.

import { path } from "./format.js";

const PLACES = ["./", "blerg.cgi/", "cgi-bin/blerg.cgi/"];
const WAIT_MS_MAX = 60e3;

let finding = null;

/** A request that was not carried out; with the code "offline" that is not known. */
export class Failure extends Error {
  constructor(code, reason, wait_secs = 0) {
    super(reason);
    Object.assign(this, { code, wait_secs });
  }
}

/** @returns {Promise<string>} */
export function place() {
  finding ??= find().catch((failure) => {
    finding = null;
    throw failure;
  });
  return finding;
}

async function find() {
  for (const candidate of PLACES) {
    if (isJson(await ask(candidate + "status", { method: "HEAD" }))) {
      return candidate;
    }
  }
  throw new Failure("offline", "There is no Blërg program here.");
}

const isJson = (response) => response.headers.get("Content-Type")?.startsWith("application/json");

async function ask(address, options = {}) {
  const late = AbortSignal.timeout(WAIT_MS_MAX);
  const signal = AbortSignal.any([late, options.signal ?? late]);
  try {
    return await fetch(address, { ...options, signal });
  } catch {
    throw options.signal?.aborted ? new Failure("aborted", "")
      : new Failure("offline", late.aborted ? "The site takes too long to answer."
        : globalThis.navigator?.onLine === false ? "You are offline." : "The site can't be reached.");
  }
}

async function read(response) {
  const body = isJson(response) ? await response.json().catch(() => null) : null;
  const failed = !response.ok || body?.status === "failure";
  if (body === null || failed) {
    throw new Failure(body?.code ?? "offline", body?.reason ?? `The site answers ${response.status}, and nothing of use.`,
      Number(response.headers.get("Retry-After")));
  }
  return body;
}

/** An answer, and the `before` that leads on. @param {string[]} parts @param {object} query @param {AbortSignal} signal */
export async function get(parts, query, signal) {
  const response = await ask((await place()) + path(parts, query), { signal });
  const data = await read(response);
  const link = /<([^>]*)>;\s*rel="next"/.exec(response.headers.get("Link"));
  return { data, next: link && new URL(link[1], "http://x").searchParams.get("before") };
}

/** @param {string[]} parts @param {object} fields @param {object} options */
export const post = async (parts, fields, options) =>
  read(await ask((await place()) + path(parts), { method: "POST", body: new URLSearchParams(fields), ...options }));
