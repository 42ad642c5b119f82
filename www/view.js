// Builds what is seen, from templates and text; no HTML ever comes from a string. Start at `post` and `notice`.

import { count, fullDate, hue, parse, path, same, when } from "./format.js";

export const $ = (selector, root = document) => root.querySelector(selector);
export const link = (parts, query) => `#${path(parts, query)}`;

/**
 * An element; properties with a hyphen are attributes.
 * @param {string} tag
 * @param {Record<string, any>|null} props
 * @param {...(Node|string)} kids
 */
export function el(tag, props, ...kids) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name.includes("-") || name === "role") {
      node.setAttribute(name, value);
    } else {
      node[name] = value;
    }
  }
  node.append(...kids);
  return node;
}

/** @param {string} name Of a template in index.html. @returns {DocumentFragment} */
export const fill = (name) => $(`#t-${name}`).content.cloneNode(true);

/** @param {string} data A record's text. @returns {Node[]} It, with links. */
export function linked(data) {
  return parse(data).map(({ kind, text }) => {
    const name = text.slice(1);
    return kind === "text" ? document.createTextNode(text)
      : kind === "link" ? el("a", { href: text, rel: "noopener nofollow ugc", textContent: text })
        : el("a", { href: link([kind === "tag" ? "tag" : "user", name]), textContent: text });
  });
}

/** The round mark of a user. */
export function face(node, name) {
  node.textContent = String.fromCodePoint(name.codePointAt(0)).toUpperCase();
  node.style.setProperty("--hue", hue(name));
  return node;
}

/** @param {HTMLElement} node A `time`. @param {number} secs */
export function time(node, secs) {
  node.dateTime = new Date(secs * 1000).toISOString();
  node.title = fullDate(secs);
  node.textContent = when(secs, Date.now());
  return node;
}

/** Times go on while the page is open. */
export function refresh() {
  document.querySelectorAll("time").forEach((node) => time(node, Date.parse(node.dateTime) / 1000));
}

/**
 * A record.
 * @param {{author: string, record: string, timestamp: number, data: string, edited?: number, reply_to?: string}} record
 * @param {string|null} me Who looks.
 * @returns {HTMLLIElement}
 */
export function post(record, me) {
  const node = $("li", fill("post"));
  const { author, data } = record;
  const here = [author, record.record];
  node.dataset.key = here.join("/");
  face($(".face", node), author).href = link(["user", author]);
  Object.assign($(".author", node), { href: link(["user", author]), textContent: author });
  $(".time", node).href = link(["user", ...here]);
  const written = time($("time", node), record.timestamp);
  if (record.edited) {
    written.after(el("span", { title: fullDate(record.edited), textContent: ", edited" }));
  }
  if (record.reply_to) {
    const [to, n] = record.reply_to.split("/");
    Object.assign($(".to", node), { href: link(["user", to, n]), textContent: `to ${to}`, hidden: false });
  }
  $(".text", node).append(...linked(data));
  if (data.length > 1500 || data.split("\n").length > 20) {
    shorten(node);
  }
  $(".acts", node).hidden = me === null;
  $(".reply", node).href = link(["reply", ...here]);
  $(".edit", node).href = link(["edit", ...here]);
  node.querySelectorAll(".mine").forEach((act) => (act.hidden = !same(author, me)));
  return node;
}

function shorten(node) {
  const text = $(".text", node);
  text.classList.add("long");
  const all = el("button", { type: "button", className: "all", textContent: "Show all" });
  all.onclick = () => {
    text.classList.remove("long");
    all.remove();
    node.focus();
  };
  text.after(all);
}

/**
 * What went wrong and what can be done: wait, try again, sign in.
 * @param {Error & {code?: string, wait_secs?: number}} failure
 * @param {(() => void)} [retry]
 */
export function notice(failure, retry) {
  const node = el("div", { className: "notice" }, el("p", { role: "alert", textContent: failure.message }));
  if (failure.code === "not_logged_in") {
    node.append(el("a", { className: "button", href: link(["login"], { next: location.hash.slice(1) }), textContent: "Sign in" }));
  } else if (retry) {
    const again = el("button", { type: "button", className: "button again", textContent: "Try again", onclick: retry });
    node.append(again);
    hold(again, failure.wait_secs);
  }
  return node;
}

/** Makes a button wait as long as the site asks for, and says how long. */
export function hold(button, wait_secs = 0) {
  const until = Date.now() + wait_secs * 1000;
  const label = button.textContent;
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    button.disabled = left > 0;
    button.textContent = left > 0 ? `${label} (in ${left} s)` : label;
    if (left > 0) {
      setTimeout(tick, 1000);
    }
  };
  if (wait_secs > 0) {
    tick();
  }
}

/**
 * A form that says what becomes of it and keeps what was typed.
 * @param {HTMLFormElement} node
 * @param {(fields: Record<string, string>) => Promise<void>} send
 */
export function form(node, send) {
  const button = $(".button", node);
  const said = el("div");
  button.parentNode.after(said);
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (node.ariaBusy === "true" || button.disabled) {
      return;
    }
    node.ariaBusy = "true";
    said.replaceChildren();
    try {
      await send(Object.fromEntries(new FormData(node)));
    } catch (failure) {
      said.replaceChildren(notice(failure));
      hold(button, failure.wait_secs);
    }
    node.ariaBusy = "false";
  });
  return node;
}

/** @param {number} n */
export const posts = (n) => count(n, "post");
