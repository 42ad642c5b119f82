// The views that read. Start at `list`.

import { get, place } from "./api.js";
import { count, path, same, tagNames } from "./format.js";
import { seen, session, tell } from "./session.js";
import { $, a, el, fill, form, items, link, notice, post } from "./view.js";

// Records, newest first, and older ones as one goes on. `rows` finds them in an answer.
async function list(page, parts, { author, empty = "No posts yet.", query, rows = (data) => data } = {}) {
  const { view, args } = page.route;
  const records = items("Posts");
  const state = el("div");
  const older = el("a", { className: "button older", hidden: true, textContent: "Older posts" });
  let next = page.route.query.get("before");
  const more = async () => {
    older.hidden = true;
    state.replaceChildren(el("p", { ariaLive: "polite", textContent: "Loading…" }));
    try {
      let found = [];
      do {
        const answer = await get(parts, { ...query, before: next }, page.signal);
        found = rows(answer.data).map((record) => post({ author, ...record }, session.name));
        next = answer.next;
      } while (next && found.length === 0);
      records.append(...found);
      page.mark(found);
      state.replaceChildren(records.firstChild ? "" : empty);
      older.href = link([view, ...args], { ...query, before: next });
      older.hidden = !next;
    } catch (failure) {
      older.hidden = failure.code !== "aborted" || !records.firstChild;
      state.replaceChildren(...(failure.code === "aborted" ? [] : [notice(failure, more)]));
    }
  };
  older.onclick = async (event) => {
    event.preventDefault();
    const last = records.lastChild;
    await more();
    last.nextSibling?.focus({ preventScroll: true });
  };
  new IntersectionObserver(([at]) => at.isIntersecting && more(), { rootMargin: "500px" }).observe(older);
  page.add(records, state, older);
  await more();
}

// A link to the feed of what is shown.
function feedOf(parts, query) {
  const node = a("#", "Atom", "feed");
  place().then((at) => (node.href = `${at.replace("blerg.cgi", "rss.cgi").replace("./", "rss/")}${path(parts)}.atom${path([], query)}`), () => {});
  return node;
}

export function latest(page) {
  page.head("Latest posts");
  const used = el("aside", { className: "side row", ariaLabel: "Tags" });
  page.add(used);
  get(["latest", "tags"], {}, page.signal).then(({ data }) => used.append(...data.map(({ tag }) => a(link(["tag", tag]), `#${tag}`))), () => {});
  return list(page, ["latest"]);
}

export function user(page) {
  const [name = session.name ?? "", record] = page.route.args;
  if (record) {
    return thread(page, name, record);
  }
  page.head(name);
  const facts = el("p", { className: "faint" });
  const acts = el("p", { className: "row" }, feedOf(["user", name]), a(link(["tag", `@${name}`]), "Mentions"));
  page.add(facts, acts);
  get(["info", name], {}, page.signal).then(({ data }) => facts.append(`${count(data.record_count, "post")} · ${
    count(data.followers, "follower")} · follows ${data.following}`), () => {});
  if (session.name && !same(session.name, name)) {
    get(["status", name], {}, page.signal).then(({ data }) => acts.prepend(follow(page, name, data.subscribed)), () => {});
  }
  return list(page, ["get", name], { author: name });
}

function follow(page, name, isOn) {
  const button = el("button", { className: "button", textContent: isOn ? "Unfollow" : "Follow" });
  button.onclick = () => page.act(async () => {
    await tell([isOn ? "unsubscribe" : "subscribe", name]);
    button.replaceWith(follow(page, name, !isOn));
    return isOn ? `You follow ${name} no more.` : `You follow ${name}.`;
  });
  return button;
}

function thread(page, name, record) {
  page.head(`Post by ${name}`);
  const above = items("In reply to", "above");
  const self = items("Post", "self");
  page.add(above, self);
  const rows = (data) => {
    if (!self.firstChild) {
      above.append(data.reply_to ? post(data.reply_to, session.name) : "");
      self.append(post(data.record, session.name));
      self.after(el("h2", { textContent: "Replies" }));
    }
    return data.replies;
  };
  return list(page, ["thread", name, record], { rows, empty: "No replies yet." });
}

export function tag(page) {
  const names = tagNames(page.route.args.join());
  const parts = ["tag", names.map((name) => (name[0] === "@" ? name : `H${name}`)).join()];
  page.head(names.map((name) => name.replace(/^(?!@)/, "#")).join(" + "));
  const and = fill("and");
  form($("form", and), async (fields) => page.go(link(["tag", tagNames(`${names},${fields.and}`).join()])));
  page.add(feedOf(parts), and);
  return list(page, parts);
}

async function news(page, title, key, clear, parts) {
  page.head(title);
  const fresh = el("button", { className: "button older", hidden: true, onclick: page.again });
  page.add(fresh);
  page.news = () => {
    const n = session.news[key] ?? 0;
    fresh.hidden = n < 1;
    fresh.textContent = `Show ${count(n, "new post")}`;
  };
  // First seen, then read: nothing is missed.
  await seen(clear);
  return list(page, parts);
}

export const feed = (page) => news(page, "Feed", "feed_new", "feed", ["feed"]);

export const mentions = (page) => news(page, "Mentions", "mentioned", "mentioned", ["tag", `@${session.name}`]);

export function search(page) {
  const q = page.route.query.get("q") ?? "";
  page.head(q ? `Search: ${q}` : "Search");
  const ask = fill("search");
  const field = $("input", ask);
  field.value = q;
  form($("form", ask), async (fields) => page.go(link(["search"], fields)));
  page.add(ask);
  if (!q) {
    return page.focus(field);
  }
  page.add(feedOf(["search"], { q }));
  return list(page, ["search"], { query: { q }, empty: "Nothing found." });
}
