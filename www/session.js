// Who is signed in, what is new for them, and what this browser keeps. Start at `session`.

import { Failure, forget, poll, post, whoami } from "./api.js";
import { pause } from "./format.js";

const memory = new Map();

/** What is kept in this browser, or where it keeps nothing, while the page is open. */
export const store = {
  get(key) {
    try {
      return JSON.parse(localStorage.getItem(`blerg:${key}`)) ?? memory.get(key) ?? null;
    } catch {
      return memory.get(key) ?? null;
    }
  },
  /** @returns {boolean} Whether it is kept for longer. */
  set(key, value) {
    memory.set(key, value);
    try {
      if (value === null) {
        localStorage.removeItem(`blerg:${key}`);
      } else {
        localStorage.setItem(`blerg:${key}`, JSON.stringify(value));
      }
      return true;
    } catch {
      return false;
    }
  },
};

export const session = { name: store.get("name"), news: { feed_new: "0", mentioned: "0" }, changed() {}, over() {} };

let timer = 0;
let wait_ms = 15e3;

/** Asks whether there is news, again and again, ever more seldom while there is none. */
export async function watch() {
  clearTimeout(timer);
  let outcome = "failed";
  let wait_secs = 0;
  try {
    const news = await poll(["status"]);
    outcome = news === null ? "same" : "news";
    session.news = news ?? session.news;
    if (session.name === null) {
      begin(await whoami());
    } else if (news) {
      session.changed();
    }
  } catch (failure) {
    if (failure.code === "not_logged_in") {
      return session.name === null || end(failure);
    }
    wait_secs = failure.wait_secs ?? 0;
  }
  wait_ms = pause(wait_ms, outcome, wait_secs);
  clearTimeout(timer);
  if (!document.hidden) {
    timer = setTimeout(watch, wait_ms);
  }
}

document.addEventListener("visibilitychange", () => document.hidden || session.name === null || watch());
addEventListener("storage", ({ key }) => key === "blerg:name" && become(store.get("name")));

function become(name) {
  session.name = name;
  session.news = { feed_new: "0", mentioned: "0" };
  forget();
  session.changed();
}

function begin(name) {
  store.set("name", name);
  become(name);
}

function end(failure) {
  store.set("name", null);
  become(null);
  if (failure) {
    session.over(failure);
  }
}

export async function login(username, password) {
  await post(["login"], { username, password });
  forget();
  begin(await whoami());
  watch();
}

export async function logout() {
  await tell(["logout"]);
  clearTimeout(timer);
  end();
}

/** Takes all that is new for seen. @param {"feed"|"mentioned"} clear */
export async function seen(clear) {
  session.news = await tell(["status"], { clear });
  session.changed();
}

/**
 * Posts as the one who is signed in, and as nobody else.
 * @param {string[]} parts
 * @param {Record<string, string>} [fields]
 */
export async function tell(parts, fields = {}, options = {}) {
  if (session.name === null) {
    throw new Failure("not_logged_in", "You are not signed in.");
  }
  try {
    return await post(parts, { username: session.name, ...fields }, options);
  } catch (failure) {
    if (failure.code === "not_logged_in") {
      end();
    }
    throw failure;
  }
}
