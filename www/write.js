// The views that write: post, reply, edit; and deleting, held back for some seconds. Start at `compose`.

import { get } from "./api.js";
import { RECORD_BYTES_MAX, bytes, same } from "./format.js";
import { session, store, tell } from "./session.js";
import { $, el, fill, form, link, notice, post } from "./view.js";

const UNDO_MS = 8000;
const pending = new Map();

export function write(page) {
  page.head("New post");
  const { query } = page.route;
  if (query.has("text")) {
    const draft = store.get("draft:post")?.text;
    store.set("draft:post", { text: [draft, query.get("text")].filter(Boolean).join("\n\n") });
    history.replaceState(history.state, "", "#post");
    page.route.query = new URLSearchParams();
  }
  compose(page, "post", "", (text, draft) => put({ data: text }, draft).then(() => ["#latest", "Posted."]));
}

export async function reply(page) {
  const to = page.route.args.slice(0, 2).join("/");
  page.head(`Reply to ${page.route.args[0]}`);
  const quoted = el("ol", { className: "posts above", "aria-label": "In reply to" });
  page.add(quoted);
  compose(page, `reply/${to}`, "", (text, draft) => put({ data: text, reply_to: to }, draft).then(() => [link(["user", ...to.split("/")]), "Replied."]));
  await load(page, quoted, (record) => quoted.append(post(record, null)));
}

export async function edit(page) {
  const [, record] = page.route.args;
  page.head("Edit");
  const box = el("div");
  page.add(box);
  await load(page, box, (old) => compose(page, `edit/${page.route.args.join("/")}`, old.data, async (data) => {
    await tell(["edit"], { record, data });
    return [link(["user", ...page.route.args]), "Changed."];
  }));
}

async function load(page, box, show) {
  try {
    show((await get(["thread", ...page.route.args.slice(0, 2)], {}, page.signal)).data.record);
  } catch (failure) {
    if (failure.code !== "aborted") {
      const failed = notice(failure, () => {
        failed.remove();
        load(page, box, show);
      });
      box.append(failed);
    }
  }
}

// A put whose answer was lost may have been carried out: the next try looks first.
async function put(fields, draft) {
  if (draft.tried) {
    const { data } = await get(["get", session.name ?? ""]);
    const found = data.find((own) => own.data === fields.data && own.timestamp > draft.tried - 300 && same(own.reply_to, fields.reply_to));
    if (found) {
      return;
    }
  }
  draft.keep(Math.floor(Date.now() / 1000));
  try {
    await tell(["put"], fields);
  } catch (failure) {
    draft.keep(failure.code === "offline" ? draft.tried : 0);
    throw failure;
  }
}

/**
 * A text to send, kept in the browser until the site has it.
 * @param {object} page
 * @param {string} key What is written: drafts are kept apart.
 * @param {string} text To begin with.
 * @param {(text: string, draft: object) => Promise<string[]>} send Answers where to go and what to say.
 */
function compose(page, key, text, send) {
  const node = $("form", fill("compose"));
  const area = $("textarea", node);
  const button = $(".button", node);
  const kept = store.get(`draft:${key}`);
  const draft = {
    tried: kept?.tried ?? 0,
    keep(tried = draft.tried) {
      draft.tried = tried;
      const sure = store.set(`draft:${key}`, area.value === text ? null : { text: area.value, tried });
      $("#kept", node).classList.toggle("wrong", !sure);
      $("#kept", node).textContent = sure ? "Kept in this browser until the site has it." : "This browser keeps nothing: don't close the page.";
      measure();
    },
  };
  const measure = () => {
    const n = bytes(area.value);
    $("output", node).textContent = `${n.toLocaleString("en-GB")} of 65,535 bytes`;
    $("output", node).classList.toggle("wrong", n > RECORD_BYTES_MAX);
  };
  area.value = kept?.text ?? text;
  button.textContent = key === "post" ? "Post" : key.startsWith("reply") ? "Reply" : "Save";
  area.oninput = () => draft.keep();
  area.onkeydown = (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && node.requestSubmit();
  $(".discard", node).onclick = ({ target }) => {
    const before = area.value;
    area.value = target.before ?? text;
    target.before = target.before === undefined ? before : undefined;
    target.textContent = target.before === undefined ? "Discard" : "Bring back";
    draft.keep(0);
  };
  form(node, async () => {
    area.readOnly = true;
    try {
      const [where, said] = await send(area.value, draft);
      store.set(`draft:${key}`, null);
      page.go(where, { said });
    } finally {
      area.readOnly = false;
    }
  });
  page.add(node);
  measure();
  page.focus(area);
}

/** Marks the posts among these that are about to go. @param {...HTMLElement} lists */
export const mark = (...lists) => lists.forEach((list) => [...list.children].forEach((node) => gone(node, pending.has(node.dataset.key))));

function gone(node, is) {
  $("article", node).hidden = is;
  $(".gone", node).hidden = !is;
  $(".gone span", node).textContent = "Post deleted.";
}

const all = (key) => [...document.querySelectorAll(".post")].filter((node) => node.dataset.key === key);

/** Deletes a post, unless it is undone in time. */
export function remove(page, node) {
  const { key } = node.dataset;
  pending.set(key, setTimeout(() => finish(page, key), UNDO_MS));
  all(key).forEach((same) => gone(same, true));
  $(".gone button", node).focus();
  page.say("Post deleted. You can undo this for some seconds.");
}

/** Takes a deletion back. */
export function undo(page, node) {
  const { key } = node.dataset;
  clearTimeout(pending.get(key));
  pending.delete(key);
  all(key).forEach((same) => gone(same, false));
  node.focus();
  page.say("The post is back.");
}

async function finish(page, key, options) {
  pending.delete(key);
  try {
    await tell(["delete"], { record: key.split("/")[1] }, options);
    all(key).forEach((node) => $(".gone", node).replaceChildren("Post deleted for good."));
  } catch (failure) {
    all(key).forEach((node) => gone(node, false));
    page.say(`The post was not deleted: ${failure.message}`);
  }
}

// Whoever leaves has not undone.
addEventListener("pagehide", () => pending.forEach((timer, key) => {
  clearTimeout(timer);
  finish({ say() {} }, key, { keepalive: true });
}));
