// Who is signed in, what is new for them, and what this browser keeps. Start at `session`.

import { Failure, get, post } from "./api.js";
import { pause } from "./format.js";

/** @param {string} key Of what this browser keeps. */
export function load(key) {
  try {
    return JSON.parse(localStorage.getItem(`blerg:${key}`));
  } catch {
    return null;
  }
}

/** @param {string} key @returns {boolean} Whether it outlives the page. */
export function save(key, value) {
  try {
    localStorage.setItem(`blerg:${key}`, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

export const session = { name: load("name"), news: {}, changed() {}, over() {} };

let timer = 0;
let wait_ms = 0;

/** Asks what is new, ever more seldom. */
export async function watch() {
  clearTimeout(timer);
  if (session.name === null || document.hidden) {
    return;
  }
  const { name } = session;
  try {
    // The browser adds If-None-Match.
    const { data } = await get(["status"]);
    const isNews = JSON.stringify(data) !== JSON.stringify(session.news);
    wait_ms = pause(wait_ms, isNews ? "news" : "same");
    if (isNews && name === session.name) {
      session.news = data;
      session.changed();
    }
  } catch (failure) {
    wait_ms = pause(wait_ms, "failed", failure.wait_secs);
    if (failure.code === "not_logged_in" && name === session.name) {
      become(null);
      session.over(failure);
    }
  }
  clearTimeout(timer);
  timer = setTimeout(watch, wait_ms);
}

document.addEventListener("visibilitychange", watch);

function become(name) {
  save("name", name);
  Object.assign(session, { name, news: {} });
  session.changed();
  watch();
}

/** @param {string} username @param {string} password */
export async function login(username, password) {
  await post(["login"], { username, password });
  become(username);
}

export async function logout() {
  await tell(["logout"]);
  become(null);
}

/** @param {string} clear "feed" or "mentioned" */
export async function seen(clear) {
  session.news = await tell(["status"], { clear });
  session.changed();
}

/** Posts as the one who is signed in. @param {string[]} parts @param {object} fields */
export async function tell(parts, fields, options) {
  try {
    if (session.name === null) {
      throw new Failure("not_logged_in", "You are not signed in.");
    }
    return await post(parts, { username: session.name, ...fields }, options);
  } catch (failure) {
    if (failure.code === "not_logged_in" && session.name !== null) {
      become(null);
    }
    throw failure;
  }
}
