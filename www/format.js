// Computes what the views show: no DOM, no clock, no network. Start at `parse` and `route`.

const WORD = "\\p{Alphabetic}\\p{N}";
const TAG = new RegExp(`(?<![${WORD}_\\-#@&/])[#@][0-9A-Za-z_-]+`, "gu");
// As crates/blerg-markup/src/links.rs; OUT may not stand in an address.
const OUT = "\\p{Cc}\\p{White_Space}\\p{Noncharacter_Code_Point}<>\"`«»\\u200b-\\u200f\\u2018-\\u201f\\u2026\\u202a-\\u202e" +
  "\\u2060-\\u206f\\u3001-\\u3003\\u3008-\\u3011\\u3014-\\u301f\\ufeff！（），．：；？［］\\ufffc\\ufffd";
const ADDRESS = new RegExp(`(?<![${WORD}#@])[Hh][Tt]{2}[Pp][Ss]?://` +
  `(?:\\[(?=[:.]*[0-9A-Fa-f])[0-9A-Fa-f:.]{2,}\\]|(?=[._-]*[${WORD}])[${WORD}._-]+(?![${WORD}._-]))(?::\\d+)?` +
  `(?![^/?#${OUT}]*@)(?:[/?#][^${OUT}]*)?`, "gu");

const fold = (text) => text.replace(/[A-Z]/g, (c) => c.toLowerCase());

/** Cuts a text. @param {string} text @returns {{kind: "text"|"tag"|"mention"|"link", text: string}[]} */
export function parse(text) {
  const parts = [];
  const add = (kind, part) => part && parts.push({ kind, text: part });
  const seen = new Set();
  const isTag = ({ 0: tag }) => tag.length < 66 && (seen.size < 1024 || seen.has(fold(tag))) && seen.add(fold(tag));
  const found = [...[...text.matchAll(TAG)].filter(isTag), ...text.matchAll(ADDRESS)];
  let from = 0;
  for (const { 0: all, index } of found.sort((a, b) => a.index - b.index)) {
    if (index >= from) {
      const kind = { "#": "tag", "@": "mention" }[all[0]] ?? "link";
      const part = kind === "link" ? trim(all) : all;
      add("text", text.slice(from, index));
      add(kind, part);
      from = index + part.length;
    }
  }
  add("text", text.slice(from));
  return parts;
}

// Leaves to the sentence its punctuation and brackets.
function trim(address) {
  const path = address.search(/(?<=\/\/[^/?#]*)[/?#]/);
  const run = path < 0 ? "" : address.slice(path);
  const extra = {};
  for (const [open, close] of ["()", "[]", "{}"]) {
    extra[close] = run.split(close).length - run.split(open).length;
  }
  let end = run.length;
  while (end && (extra[run[end - 1]]-- > 0 || ".,;:!?'".includes(run[end - 1]))) {
    end--;
  }
  return address.slice(0, address.length - run.length + end);
}

/** Whether two names are one's. @param {string?} a @param {string?} b */
export const same = (a, b) => fold(a ?? "") === fold(b ?? "");

/** Length in UTF-8. @param {string} text */
export const bytes = (text) => new TextEncoder().encode(text).length;

/** What an address names behind its `#`. @param {string} hash */
export function route(hash) {
  const [path, query = ""] = hash.replace(/^#?[!/]*/, "").split(/\?(.*)/s);
  const [view = "latest", ...args] = path.split("/").filter(Boolean).map(decode);
  return { view, args, query: new URLSearchParams(query) };
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const encode = (text) => encodeURIComponent(text).replace(/%(2C|2F|40)/g, decodeURIComponent);

/** An address; what is empty is left out. @param {string[]} parts @param {object} query */
export function path(parts, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value).map(([name, value]) => `${name}=${encode(value)}`);
  return parts.map(encode).join("/") + (given.length ? `?${given.join("&")}` : "");
}

/** "#a, @b" to "a" and "@b", each once. @param {string} list */
export function tagNames(list) {
  return [...new Set(list.split(/[\s,#]+/).filter(Boolean))];
}

const DAY = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });

/** A time as people say it. @param {number} secs @param {number} now_ms */
export function when(secs, now_ms) {
  const minutes = Math.floor((now_ms / 1000 - secs) / 60);
  if (minutes < 1440 && minutes > -5) {
    return minutes < 1 ? "now" : minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
  }
  return DAY.format(secs * 1000);
}

/** @param {number} n @param {string} one A word. */
export const count = (n, one) => `${n} ${one}${Number(n) === 1 ? "" : "s"}`;

/** "Firefox, Linux" @param {string} agent */
export const program = (agent = "") => [/Chrome(?=\S+( Mobile)? Safari\S+$)|[\w-]+(?=\/\S+$)/, /Android|iP\w+|Windows|Mac|Linux(?!; A)/]
  .flatMap((part) => part.exec(agent)?.[0] ?? []).join(", ") || agent || "Unknown";

/** A hue that stays a user's. @param {string} name */
export const hue = (name) => [...fold(name)].reduce((sum, c) => (sum * 31 + c.codePointAt(0)) % 360, 7);

/** Until one asks again. @param {number} last_ms @param {"news"|"same"|"failed"} outcome @param {number} wait_secs */
export function pause(last_ms, outcome, wait_secs = 0) {
  const next = outcome === "news" ? 15e3 : last_ms * (outcome === "same" ? 1.5 : 2);
  return Math.max(Math.min(next, 3e5), 15e3, wait_secs * 1000);
}
