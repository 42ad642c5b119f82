// Builds what is seen, of templates and text, never of HTML. Start at `post`, `notice` and `form`.

import { count, hue, parse, path, same, when } from "./format.js";

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
export const link = (parts, query) => `#${path(parts, query)}`;

/** @param {string} tag @param {?object} props @param {...(Node|string)} kids */
export function el(tag, props, ...kids) {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...kids);
  return node;
}

export const a = (href, textContent, className = "") => el("a", { href, textContent, className });

export const items = (ariaLabel, kind = "") => el("ol", { ariaLabel, className: `posts ${kind}` });

/** @param {string} name */
export const fill = (name) => $(`#t-${name}`).content.cloneNode(true);

function linked({ kind, text }) {
  const name = text.slice(1);
  return kind === "text" ? text : kind === "link" ? el("a", { href: text, rel: "noopener nofollow ugc" }, text)
    : a(link([kind === "tag" ? "tag" : "user", name]), text);
}

/** @param {number} secs */
export function time(secs) {
  const date = new Date(secs * 1000);
  return el("time", { dateTime: date.toISOString(), title: date, textContent: when(secs, Date.now()) });
}

/** @param {object} record With its author. @param {?string} me Who looks. */
export function post({ author, record, timestamp, data, edited, reply_to }, me) {
  const node = $("li", fill("post"));
  const here = [author, record];
  const set = (name, props) => Object.assign($(name, node), props);
  node.dataset.key = here.join("/");
  set(".face", { textContent: author[0].toUpperCase() }).style.setProperty("--hue", hue(author));
  set(".author", { href: link(["user", author]), textContent: author });
  set(".time", { href: link(["user", ...here]) }).append(time(timestamp), ...(edited ? [", edited ", time(edited)] : []));
  if (reply_to) {
    set(".to", { href: link(["user", reply_to]), textContent: `to ${reply_to.split("/")[0]}`, hidden: false });
  }
  $(".text", node).append(...parse(data).map(linked));
  set(".more", { href: link(["user", ...here]), hidden: data.length < 1500 && data.split("\n").length < 20 });
  $(".text", node).classList.toggle("long", !$(".more", node).hidden);
  set(".acts", { hidden: me === null });
  set(".reply", { href: link(["reply", ...here]) });
  set(".edit", { href: link(["edit", ...here]), hidden: !same(author, me) });
  set(".delete", { hidden: !same(author, me) });
  return node;
}

/** What went wrong, and a way on. @param {Error} failure @param {() => void} retry */
export function notice({ code, message, wait_secs }, retry) {
  const node = el("div", { className: "notice" }, el("p", { role: "alert", textContent: message }));
  if (code === "not_logged_in") {
    node.append(a(link(["login"], { next: location.hash.slice(1) }), "Sign in", "button"));
  } else if (retry) {
    const again = el("button", { className: "button again", textContent: "Try again", onclick: retry });
    node.append(again);
    hold(again, wait_secs);
  }
  return node;
}

// Makes a button wait, and say how long.
function hold(button, wait_secs) {
  const label = button.textContent;
  const until = Date.now() + wait_secs * 1000;
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    button.disabled = left > 0;
    button.textContent = left > 0 ? `${label} (in ${left} s)` : label;
    return left > 0 && setTimeout(tick, 1000);
  };
  tick();
}

/** Makes a form say what becomes of it. @param {HTMLFormElement} node @param {(fields: object) => Promise} send */
export function form(node, send) {
  const button = $(".button", node);
  const said = el("div");
  node.append(said);
  node.onsubmit = async (event) => {
    event.preventDefault();
    if (node.ariaBusy !== "true" && !button.disabled) {
      node.ariaBusy = "true";
      said.replaceChildren();
      await send(Object.fromEntries(new FormData(node))).catch((failure) => {
        said.append(notice(failure));
        said.scrollIntoView({ block: "nearest" });
        hold(button, failure.wait_secs);
      });
      node.ariaBusy = "false";
    }
  };
  return node;
}
