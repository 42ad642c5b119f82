// The views about accounts: sign in, join, account; and about. Start at `account`.

import { get, place, post } from "./api.js";
import { bytes } from "./format.js";
import { login, logout, session, store, tell } from "./session.js";
import { $, el, fill, form, link, notice, time } from "./view.js";

export const signIn = (page) => enter(page, "Sign in", "login", "join", async () => {});

export const join = (page) => enter(page, "Join", "join", "login", async (fields) => {
  const { length = bytes(fields.password) } = {};
  if (length > 64) {
    throw new Error(`A password has at most 64 bytes, this one has ${length}.`);
  }
  return (await post(["create"], fields)).notice;
});

function enter(page, title, view, other, before) {
  page.head(title);
  const next = page.route.query.get("next");
  const node = fill(view);
  $(".other", node).href = link([other], { next });
  let created = "";
  form($("form", node), async (fields) => {
    // A try after a lost answer must not join again.
    const key = JSON.stringify(fields);
    const said = created === key ? undefined : await before(fields);
    created = key;
    await login(fields.username, fields.password);
    page.go(`#${next ?? "latest"}`, { said: said ?? `You are signed in as ${session.name}.` });
  });
  page.add(node);
  page.focus($("input[name=username]"));
}

export async function account(page) {
  page.head(session.name ?? "Account");
  if (session.name === null) {
    return page.add(notice({ code: "not_logged_in", message: "You are not signed in." }));
  }
  const node = fill("account");
  $(".own", node).href = link(["user", session.name]);
  $(".export", node).href = `${await place()}export`;
  $(".leave", node).onclick = () => logout().then(() => page.go("#latest", { said: "You are signed out." })).catch((failure) => page.say(failure.message));
  const list = $(".sessions", node);
  const revoke = (which) => tell(["sessions"], { revoke: which }).then(() => sessions(page, list, revoke)).catch((failure) => page.say(failure.message));
  $(".others", node).onclick = () => revoke("others");
  const passwd = $(".passwd", node);
  passwd.username.value = session.name;
  form(passwd, async ({ password, new_password }) => {
    await tell(["passwd"], { password, new_password });
    passwd.reset();
    page.say("The password is changed; all other sessions have ended.");
  });
  form($(".close", node), async ({ password }) => {
    const name = session.name;
    await tell(["close"], { password });
    page.go("#latest", { said: `The account ${name} is closed.` });
    location.reload();
  });
  page.add(node);
  return sessions(page, list, revoke);
}

async function sessions(page, list, revoke) {
  try {
    const { data } = await get(["sessions"], {}, page.signal);
    list.replaceChildren(...data.map((one) => el("li", null,
      el("span", null, el("b", { textContent: one.current ? "This one" : one.agent || "Unknown program" }),
        ` from ${one.remote || "an unknown address"}, used `, time(el("time"), one.used)),
      one.current ? "" : el("button", { type: "button", textContent: "End", onclick: () => revoke(one.id) }))));
  } catch (failure) {
    list.replaceChildren(el("li", null, notice(failure, () => sessions(page, list, revoke))));
  }
}

export function about(page) {
  page.head("About");
  const node = fill("about");
  const home = location.href.replace(/#.*/s, "");
  const mark = $(".mark", node);
  mark.href = `javascript:void(location.href=${JSON.stringify(home)}+"#post?text="+encodeURIComponent((getSelection()+""||document.title)+"\\n"+location.href))`;
  mark.onclick = (event) => {
    event.preventDefault();
    page.say("Drag it to your bookmarks.");
  };
  const keys = $(".keys", node);
  keys.checked = store.get("keys") !== false;
  keys.onchange = () => store.set("keys", keys.checked);
  page.add(node);
}
