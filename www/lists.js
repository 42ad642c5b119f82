// The views that read: latest, user, record, tag, feed, mentions, search. Start at `list`.

import { get, place } from "./api.js";
import { count, path, same, tagList, tagNames } from "./format.js";
import { seen, session, tell } from "./session.js";
import { $, el, face, fill, form, link, notice, post, time } from "./view.js";

const TAG_NAME = /^[0-9A-Za-z_-]{1,64}$/;

/**
 * Records, newest first, and more of them as one goes on.
 * @param {object} page
 * @param {string[]} parts Route of the API.
 * @param {{author?: string, empty?: string, query?: object, rows?: Function, lost?: Function}} [options]
 */
export function list(page, parts, { author, empty = "No posts yet.", query, rows = (data) => data, lost } = {}) {
  const here = [page.route.view, ...page.route.args];
  const records = el("ol", { className: "posts", "aria-label": "Posts" });
  const state = el("div", { className: "state" });
  const older = el("a", { className: "button older", hidden: true, textContent: "Older posts" });
  let next = page.route.query.get("before");
  if (next) {
    page.add(el("p", null, el("a", { href: link(here, query), textContent: "Newest posts" })));
  }
  const more = async () => {
    state.replaceChildren(el("p", { role: "status", textContent: "Loading…" }));
    older.hidden = true;
    try {
      do {
        const answer = await get(parts, { ...query, before: next }, page.signal);
        const found = rows(answer.data).map((record) => post({ author, ...record }, session.name));
        records.append(...found);
        next = answer.next;
        page.mark(records);
        if (found.length > 0) {
          break;
        }
      } while (next);
      state.replaceChildren(records.children.length ? "" : el("p", { textContent: empty }));
      older.hidden = !next;
      older.href = link(here, { ...query, before: next });
    } catch (failure) {
      const extra = lost?.(failure) ?? "";
      state.replaceChildren(...(failure.code === "aborted" ? [] : [notice(failure, more), extra]));
      older.hidden = failure.code !== "aborted" || !next;
    }
  };
  older.onclick = (event) => {
    event.preventDefault();
    const last = records.lastElementChild;
    more().then(() => last?.nextElementSibling?.focus({ preventScroll: true }));
  };
  new IntersectionObserver(([seen]) => seen.isIntersecting && !older.hidden && more(), { rootMargin: "600px" }).observe(older);
  page.add(records, state, older);
  return more();
}

/** Links to the feed of what is shown. */
function feeds(parts, query) {
  const links = el("p", { className: "feeds faint" }, "Subscribe: ");
  place().then((base) => ["rss", "atom", "json"].forEach((ending) => {
    const address = path(parts).replace(/$/, `.${ending}`) + path([], query);
    links.append(el("a", { href: rss(base) + address, textContent: ending === "rss" ? "RSS" : ending === "json" ? "JSON Feed" : "Atom" }), " ");
  })).catch(() => links.remove());
  return links;
}

const rss = (base) => (base === "./" ? "rss/" : base.replace("blerg.cgi", "rss.cgi"));

export function latest(page) {
  page.head("Latest posts");
  const used = el("aside", { className: "side", "aria-label": "Tags" });
  page.add(used);
  get(["latest", "tags"], {}, page.signal).then(({ data }) => {
    if (data.length) {
      used.append(el("h2", { textContent: "Tags" }), el("ul", { className: "tags" }, ...data.map(({ tag, count: n }) =>
        el("li", null, el("a", { href: link(["tag", tag]), title: count(n, "post"), textContent: `#${tag}` })))));
    }
  }).catch(() => used.remove());
  return list(page, ["latest"], { empty: "Nobody has written anything yet." });
}

export function user(page) {
  const [name, record] = page.route.args;
  if (!name) {
    return page.go(session.name ? link(["user", session.name]) : "#login");
  }
  if (record !== undefined) {
    return thread(page, name, record);
  }
  page.head(name).prepend(face(el("span", { className: "face", "aria-hidden": "true" }), name));
  const facts = el("p", { className: "facts faint" });
  const acts = el("div", { className: "row" }, feeds(["user", name]));
  page.add(facts, acts);
  get(["info", name], {}, page.signal).then(({ data }) => {
    facts.append(count(data.record_count, "post"), ` · ${count(data.followers, "follower")} · follows ${data.following} · since `,
      time(el("time"), Number(data.created)));
    acts.append(el("a", { href: link(["search"], { q: `from:"${name}" ` }), textContent: "Search" }));
  }).catch(() => facts.remove());
  if (session.name && !same(session.name, name)) {
    follow(page, name, acts);
  }
  return list(page, ["get", name], { author: name, lost: () => mentionsOf(name) });
}

const mentionsOf = (name) =>
  (TAG_NAME.test(name) ? el("p", null, el("a", { href: link(["tag", `@${name}`]), textContent: `Mentions of ${name}` })) : "");

function follow(page, name, acts) {
  const button = el("button", { type: "button", className: "button" });
  let on = false;
  const show = (now) => {
    on = now;
    button.textContent = on ? "Unfollow" : "Follow";
  };
  button.onclick = () => tell([on ? "unsubscribe" : "subscribe", name]).then(() => {
    show(!on);
    page.say(on ? `You follow ${name}.` : `You follow ${name} no more.`);
  }).catch((failure) => page.say(failure.message));
  get(["status", name], {}, page.signal).then(({ data }) => {
    show(data.subscribed);
    acts.prepend(button);
  }).catch(() => {});
}

function thread(page, name, record) {
  page.head(`Post by ${name}`);
  const above = el("ol", { className: "posts above", "aria-label": "In reply to" });
  const self = el("ol", { className: "posts self", "aria-label": "Post" });
  const title = el("h2", { textContent: "Replies", hidden: true });
  page.add(above, self, title);
  const rows = (data) => {
    if (!self.firstChild) {
      above.append(...(data.reply_to ? [post(data.reply_to, session.name)] : []));
      self.append(post(data.record, session.name));
      page.mark(above, self);
    }
    title.hidden = data.replies.length === 0;
    return data.replies;
  };
  return list(page, ["thread", name, record], { rows, empty: "No replies yet.", lost: () => el("a", { href: link(["user", name]), textContent: `Posts of ${name}` }) });
}

export function tag(page) {
  const names = tagNames(page.route.args.join(","));
  page.head(names.map((name) => (name[0] === "@" ? name : `#${name}`)).join(" + ") || "Tags");
  const and = fill("and");
  form($("form", and), async ({ and: more }) => page.go(link(["tag", tagNames(`${names},${more}`).join(",")]), { push: true }));
  const less = names.length < 2 ? [] : names.map((name) => {
    const rest = names.filter((other) => other !== name).join(",");
    return el("a", { href: link(["tag", rest]), "aria-label": `Without ${name}`, textContent: `${name} ×` });
  });
  page.add(el("p", { className: "tags" }, ...less), and, feeds(["tag", tagList(names.join(","))]));
  return list(page, ["tag", tagList(names.join(","))], { empty: "Nobody has used this." });
}

async function news(page, title, key, clear, parts) {
  page.head(title);
  const fresh = el("button", { type: "button", className: "button fresh", hidden: true, onclick: page.again });
  page.add(fresh);
  page.news = () => {
    const n = Number(session.news[key]);
    fresh.hidden = n === 0;
    fresh.textContent = `Show ${count(n, "new post")}`;
  };
  if (session.name === null) {
    return page.add(notice({ code: "not_logged_in", message: "Sign in to see this." }));
  }
  // First seen, then read: what comes in between is shown, and counted once more.
  await seen(clear).catch(() => {});
  return list(page, parts, { empty: clear === "feed" ? "Follow some people, and what they write is here." : "Nobody has mentioned you yet." });
}

export const feed = (page) => news(page, "Feed", "feed_new", "feed", ["feed"]);

export function mentions(page) {
  const name = session.name ?? "";
  if (name && !TAG_NAME.test(name)) {
    page.head("Mentions");
    return page.add(el("p", { textContent: "Your name has characters that a mention can't have, so nobody can mention you." }));
  }
  return news(page, "Mentions", "mentioned", "mentioned", ["tag", `@${name}`]);
}

export function search(page) {
  const q = page.route.query.get("q") ?? "";
  page.head(q ? `Search: ${q}` : "Search");
  const ask = fill("search");
  $("input", ask).value = q;
  form($("form", ask), async (fields) => page.go(link(["search"], fields), { push: true }));
  page.add(ask);
  if (q.trim() === "" || q.endsWith(" ")) {
    return $("#q").focus();
  }
  page.add(feeds(["search"], { q }));
  return list(page, ["search"], { query: { q }, empty: "Nothing found." });
}
