// Wires views to addresses, keys and clicks. Start at `open`.

import { route } from "./format.js";
import { feed, latest, mentions, search, tag, user } from "./lists.js";
import { load, session, watch } from "./session.js";
import { $, $$, el, notice } from "./view.js";
import { about, account, edit, join, mark, remove, signIn, undo, write } from "./write.js";

const VIEWS = { __proto__: null, latest, user, tag, feed, mentions, search, login: signIn, join, account, post: write, reply: write, edit, about };
const KEYS = { n: "#post", l: "#latest", f: "#feed", m: "#mentions", u: "#user", "/": "#search", "?": "#about" };
const KEPT_MAX = 10;

const main = $("main");
const toast = $(".toast");
const kept = new Map();
let page = null;
let held = "";

history.scrollRestoration = "manual";

// What a view is given; it adds only as long as it is shown.
function newPage() {
  const made = {
    id: Math.random(),
    route: route(location.hash),
    y: 0,
    get signal() {
      return made.leave.signal;
    },
    add: (...nodes) => made === page && main.append(...nodes),
    focus: (node) => made === page && node.focus(),
    head(title) {
      document.title = `${title} – Blërg`;
      const node = el("h1", { tabIndex: -1, textContent: title });
      main.append(node);
      return node;
    },
    go(hash, said = "") {
      held = said;
      kept.clear();
      return hash === location.hash ? open() : (location.hash = hash);
    },
    async act(job) {
      toast.textContent = await job().catch((failure) => failure.message) ?? "";
    },
    again: open,
    mark,
  };
  return made;
}

// Shows the view of the address; on the way back, as it was left.
async function open(event) {
  const isFirst = page === null;
  if (page) {
    page.leave.abort();
    kept.set(page.id, { ...page, page, nodes: [...main.childNodes], title: document.title });
    kept.delete([...kept.keys()].at(-KEPT_MAX));
  }
  toast.textContent = held;
  held = "";
  const back = event?.type === "hashchange" && kept.get(history.state);
  page = back?.page ?? newPage();
  page.leave = new AbortController();
  history.replaceState(page.id, "");
  const { view } = page.route;
  $$(".bar a").forEach((tab) => (tab.ariaCurrent = tab.hash === `#${view}` ? "page" : null));
  main.replaceChildren(...back?.nodes ?? []);
  scrollTo(0, back?.y ?? 0);
  if (back) {
    document.title = back.title;
    return mark();
  }
  const { signal } = page.leave;
  const shown = (async (to) => (VIEWS[view] ?? lost)(to))(page);
  if (!isFirst && !main.contains(document.activeElement)) {
    $("h1").focus({ preventScroll: true });
  }
  return shown.catch((failure) => signal.aborted || main.append(notice(failure, open)));
}

const lost = (to) => to.head("There is no such page");

session.changed = () => {
  $$(".in, .out").forEach((node) => (node.hidden = node.matches(".out") === Boolean(session.name)));
  $(".name").textContent = session.name ?? "";
  $$(".badge").forEach((badge, at) => {
    const n = [session.news.feed_new, session.news.mentioned][at] ?? 0;
    badge.hidden = n < 1;
    badge.replaceChildren(n, el("span", { className: "unseen" }, " new"));
  });
  page?.news?.();
};

session.over = (failure) => (toast.textContent = failure.message);

document.addEventListener("click", (event) => {
  const anchor = event.target.closest("a");
  const node = event.target.closest(".post");
  if (anchor?.hash === "#main") {
    event.preventDefault();
    main.focus();
  } else if (anchor?.hash === location.hash && anchor.pathname === location.pathname && !event.defaultPrevented) {
    open();
  } else if (event.target.matches(".delete")) {
    remove(page, node);
  } else if (event.target.matches(".gone button")) {
    undo(node);
  }
});

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (target.matches("input, textarea")) {
    return key === "Escape" && target.blur();
  }
  if (event.ctrlKey || event.altKey || event.metaKey || load("keys") === false) {
    return;
  }
  const at = target.closest(".post");
  const posts = $$(".post");
  if (key === "j" || key === "k") {
    posts[posts.indexOf(at) + (key === "j" ? 1 : -1)]?.focus();
  } else if (key === "o" || (key === "Enter" && at === target)) {
    $(".time", at ?? main)?.click();
  } else if (key === "r") {
    $(".reply", at ?? $(".self") ?? main)?.click();
  } else if (KEYS[key]) {
    event.preventDefault();
    location.hash = KEYS[key];
  }
});

addEventListener("hashchange", open);
addEventListener("scroll", () => (page.y = scrollY), { passive: true });
addEventListener("online", () => $$(".again").forEach((again) => again.click()));
session.changed();
open();
watch();
