// Wires views to addresses, keys and clicks. Start at `open`.

import { route } from "./format.js";
import { about, account, join, signIn } from "./account.js";
import { feed, latest, mentions, search, tag, user } from "./lists.js";
import { session, store, watch } from "./session.js";
import { $, el, link, notice, refresh } from "./view.js";
import { edit, mark, remove, reply, undo, write } from "./write.js";

const VIEWS = { latest, user, tag, feed, mentions, search, login: signIn, join, account, post: write, reply, edit, about };
const KEPT_MAX = 10;
const KEYS = { n: "#post", l: "#latest", f: "#feed", m: "#mentions", u: "#user", "/": "#search", "?": "#about" };

const main = $("#main");
const toast = $(".toast");
const kept = new Map();
let page = null;
let held = "";

history.scrollRestoration = "manual";

function say(text) {
  toast.textContent = text;
}

function go(hash, { said = "", push = false } = {}) {
  held = said;
  kept.clear();
  if (hash === location.hash) {
    open();
  } else if (push) {
    location.hash = hash;
  } else {
    location.replace(hash);
  }
}

function head(title) {
  document.title = `${title} – Blërg`;
  const node = el("h1", { tabIndex: -1, textContent: title });
  main.append(node);
  return node;
}

function newPage() {
  const leave = new AbortController();
  const made = {
    id: String(Math.random()),
    route: route(location.hash),
    leave,
    get signal() {
      return made.leave.signal;
    },
    add: (...nodes) => made === page && main.append(...nodes),
    focus: (node) => made === page && node.focus(),
    again: () => open(),
    head, say, go, mark,
  };
  return made;
}

/** Shows the view of the address: anew, or as it was left where one goes back to it. */
async function open({ isFirst = false } = {}) {
  if (page) {
    page.leave.abort();
    kept.set(page.id, { page, nodes: [...main.childNodes], y: page.y ?? 0, title: document.title });
    kept.delete([...kept.keys()].at(-KEPT_MAX - 1));
  }
  say(held);
  held = "";
  const back = kept.get(history.state?.id);
  page = back?.page ?? newPage();
  page.leave = new AbortController();
  history.replaceState({ id: page.id }, "");
  const { view } = page.route;
  tabs(view);
  if (back) {
    main.replaceChildren(...back.nodes);
    document.title = back.title;
    mark(...main.querySelectorAll(".posts"));
    scrollTo(0, back.y);
    return;
  }
  main.replaceChildren();
  main.className = `view-${view}`;
  scrollTo(0, 0);
  const shown = (VIEWS[view] ?? lost)(page);
  if (!isFirst && !main.contains(document.activeElement)) {
    $("h1", main)?.focus({ preventScroll: true });
  }
  await Promise.resolve(shown).catch((failure) => page.add(notice(failure, page.again)));
}

function lost(shown) {
  shown.head("Nothing here");
  shown.add(el("p", null, "There is no such page. ", el("a", { href: "#latest", textContent: "Latest posts" })));
}

function tabs(view) {
  document.querySelectorAll(".bar a").forEach((tab) => {
    tab.toggleAttribute("aria-current", false);
    if (tab.getAttribute("href") === `#${view}`) {
      tab.ariaCurrent = "page";
    }
  });
}

session.changed = () => {
  const isIn = session.name !== null;
  document.querySelectorAll(".in").forEach((node) => (node.hidden = !isIn));
  document.querySelectorAll(".out").forEach((node) => (node.hidden = isIn));
  $(".name").textContent = session.name ?? "";
  const counts = [session.news.feed_new, session.news.mentioned];
  document.querySelectorAll(".badge").forEach((badge, at) => {
    badge.hidden = counts[at] === "0";
    badge.replaceChildren(counts[at], el("span", { className: "unseen", textContent: " new" }));
  });
  page?.news?.();
};

session.over = (failure) => {
  toast.replaceChildren(failure.message, " ", el("a", { href: link(["login"], { next: location.hash.slice(1) }), textContent: "Sign in" }));
};

function click(event) {
  const anchor = event.target.closest?.("a");
  const node = event.target.closest?.(".post");
  if (anchor?.classList.contains("skip")) {
    event.preventDefault();
    main.focus();
  } else if (anchor?.getAttribute("href")?.startsWith("#") && anchor.hash === location.hash && !event.defaultPrevented) {
    open();
  } else if (event.target.matches(".delete")) {
    remove(page, node);
  } else if (event.target.matches(".gone button")) {
    undo(page, node);
  }
}

function key(event) {
  const field = event.target.closest("input, textarea, select");
  if (event.key === "Escape" && field) {
    field.blur();
  }
  if (field || event.ctrlKey || event.altKey || event.metaKey || store.get("keys") === false) {
    return;
  }
  const at = document.activeElement.closest(".post");
  const posts = [...main.querySelectorAll(".post")];
  if (event.key === "j" || event.key === "k") {
    const next = posts[posts.indexOf(at) + (event.key === "j" ? 1 : -1)] ?? at ?? posts[0];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  } else if (event.key === "o" || (event.key === "Enter" && at === event.target)) {
    $(".time", at ?? main)?.click();
  } else if (event.key === "r") {
    $(".reply", at ?? $(".self", main) ?? main)?.click();
  } else if (KEYS[event.key]) {
    event.preventDefault();
    location.hash = KEYS[event.key];
  }
}

addEventListener("hashchange", () => open());
addEventListener("scroll", () => page && (page.y = scrollY), { passive: true });
addEventListener("online", () => main.querySelectorAll(".again:enabled").forEach((again) => again.click()));
document.addEventListener("click", click);
document.addEventListener("keydown", key);
setInterval(refresh, 60e3);
session.changed();
open({ isFirst: true });
watch();
