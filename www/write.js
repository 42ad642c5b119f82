// The views that change something; and about. Start at `compose`.

import { get, place, post as send } from "./api.js";
import { bytes, program, same } from "./format.js";
import { load, login, logout, save, session, tell } from "./session.js";
import { $, $$, a, el, fill, form, items, link, notice, post, time } from "./view.js";

const UNDO_MS = 8000;
const pending = new Map();

export async function write(page) {
  const { args, query } = page.route;
  const to = args.join("/");
  const above = items("In reply to", "above");
  if (query.has("text")) {
    save("draft:post", { text: [load("draft:post")?.text, query.get("text")].filter(Boolean).join("\n\n") });
    history.replaceState(history.state, "", "#post");
  }
  page.head(to ? `Reply to ${args[0]}` : "New post");
  page.add(above);
  compose(page, "", async (text, draft) => {
    await put(to ? { data: text, reply_to: to } : { data: text }, draft);
    return to ? [link(["user", to]), "Replied."] : ["#latest", "Posted."];
  });
  if (to) {
    above.append(post(await record(page), null));
  }
}

export async function edit(page) {
  page.head("Edit");
  const { author, record: number, data } = await record(page);
  compose(page, data, async (text) => {
    await tell(["edit"], { record: number, data: text });
    return [link(["user", author, number]), "Changed."];
  });
}

const record = async (page) => (await get(["thread", ...page.route.args], {}, page.signal)).data.record;

// A put whose answer was lost may be there: the next try looks first.
async function put(fields, draft) {
  if (draft.tried) {
    const { data } = await get(["get", session.name ?? ""]);
    if (data.some((own) => own.data === fields.data && own.timestamp > draft.tried - 300 && same(own.reply_to, fields.reply_to))) {
      return;
    }
  }
  draft.keep(Date.now() / 1000);
  await tell(["put"], fields).catch((failure) => {
    draft.keep(failure.code === "offline" ? draft.tried : 0);
    throw failure;
  });
}

// A text, kept until the site has it.
function compose(page, text, submit) {
  const key = `draft:${[page.route.view, ...page.route.args].join("/")}`;
  const node = $("form", fill("compose"));
  const area = $("textarea", node);
  const count = $("output", node);
  const kept = load(key);
  const draft = {
    tried: kept?.tried,
    keep(tried = draft.tried) {
      draft.tried = tried;
      const isKept = save(key, area.value && area.value !== text ? { text: area.value, tried } : null);
      const n = bytes(area.value);
      count.textContent = `${n.toLocaleString("en-GB")} of 65,535 bytes${isKept ? "" : ", not kept: leave the page open"}`;
      count.classList.toggle("wrong", n > 65535 || !isKept);
    },
  };
  area.value = kept?.text ?? text;
  area.oninput = () => draft.keep();
  area.onkeydown = (event) => void (event.key === "Enter" && (event.ctrlKey || event.metaKey) && node.requestSubmit());
  form(node, async () => {
    area.readOnly = true;
    try {
      const [where, said] = await submit(area.value, draft);
      save(key, null);
      page.go(where, said);
    } finally {
      area.readOnly = false;
    }
  });
  draft.keep();
  page.add(node);
  page.focus(area);
}

/** Shows which posts are about to go. */
export const mark = (nodes = $$(".post")) => nodes.forEach((node) => {
  const is = pending.has(node.dataset.key);
  $("article", node).hidden = is;
  $(".gone", node).hidden = !is;
});

/** Deletes a post, unless undone. @param {object} page @param {HTMLElement} node */
export function remove(page, node) {
  const { key } = node.dataset;
  pending.set(key, setTimeout(finish, UNDO_MS, page, key));
  mark();
  $(".gone button", node).focus();
}

/** Takes that back. @param {HTMLElement} node */
export function undo(node) {
  clearTimeout(pending.get(node.dataset.key));
  pending.delete(node.dataset.key);
  mark();
  node.focus();
}

async function finish(page, key, options) {
  await page.act(async () => {
    await tell(["delete"], { record: key.split("/")[1] }, options);
    $$(".post").forEach((node) => node.dataset.key === key && node.remove());
    return "The post is deleted.";
  });
  pending.delete(key);
  mark();
}

// Whoever leaves has not undone.
addEventListener("pagehide", () => pending.forEach((timer, key) => {
  clearTimeout(timer);
  finish({ act: (job) => job() }, key, { keepalive: true });
}));

export const signIn = (page) => enter(page, "Sign in", "join");

export const join = (page) => enter(page, "Join", "login", (fields) => send(["create"], fields));

function enter(page, title, other, before) {
  page.head(title);
  const next = page.route.query.get("next");
  const node = $("form", fill("enter"));
  const more = $("details", node);
  let made;
  more.hidden = !before;
  $(".button", node).textContent = title;
  Object.assign($(".other", node), { href: link([other], { next }), textContent: before ? "Sign in instead" : "Join instead" });
  $("[name=password]", node).autocomplete = before ? "new-password" : "current-password";
  form(node, async (fields) => {
    if (before && made?.username !== fields.username) {
      made = { ...await before(fields), username: fields.username };
    }
    await login(fields.username, fields.password);
    page.go(`#${next ?? "latest"}`, made?.notice ?? `You are signed in as ${session.name}.`);
  });
  page.add(node);
  page.focus($("input", node));
}

export async function account(page) {
  page.head(session.name ?? "Account");
  const node = fill("account");
  const list = $(".sessions", node);
  const show = async () => list.replaceChildren(...(await get(["sessions"], {}, page.signal)).data.map((one) => el("li", { className: "row" },
    el("span", { title: one.agent }, `${program(one.agent)}, ${one.remote || "unknown address"}, `, time(one.used)),
    one.current ? "this session" : el("button", { textContent: "End", onclick: () => end(one.id) }))));
  const end = (revoke) => page.act(async () => {
    await tell(["sessions"], { revoke });
    await show();
    return "Ended.";
  });
  await show();
  $(".own", node).href = link(["user", session.name]);
  $(".export", node).href = `${await place()}export`;
  $(".others", node).onclick = () => end("others");
  $(".leave", node).onclick = () => page.act(async () => {
    await logout();
    page.go("#latest", "You are signed out.");
  });
  form($("form", node), async (fields) => {
    await tell(["passwd"], fields);
    page.go("#account", "The password is changed, and all other sessions have ended.");
  });
  page.add(node);
}

export function about(page) {
  page.head("About");
  const node = fill("about");
  const home = encodeURI(location.href.split(/[?#]/)[0]);
  const keys = $("input", node);
  $(".mark", node).href = `javascript:void(location=${JSON.stringify(home)}+"#post?text="+encodeURIComponent((getSelection()+""||document.title)+"\\n"+location))`;
  keys.checked = load("keys") !== false;
  keys.onchange = () => save("keys", keys.checked);
  page.add(node);
}
