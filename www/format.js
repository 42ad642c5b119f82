// Computes what the views show. Pure: no DOM, no clock, no network. Start at `parse` and `route`.

const TAG_CHARS_MAX = 64;
const TAGS_MAX = 1024;
export const RECORD_BYTES_MAX = 65535;

const TAG = /[#@][0-9A-Za-z_-]*/g;
const WORD_BEFORE = /[\p{Alphabetic}\p{N}_\-#@&/]$/u;

// The rule of crates/blerg-markup/src/links.rs. IN: what may stand in an address, written as what may not.
const OUT = "\\p{Cc}\\p{White_Space}\\p{Noncharacter_Code_Point}<>\"`«»\\u200b-\\u200f\\u2018-\\u201f\\u2026" +
  "\\u202a-\\u202e\\u2060-\\u206f\\u3001-\\u3003\\u3008-\\u3011\\u3014-\\u301f\\ufeff！（），．：；？［］\\ufffc\\ufffd";
const WORD = "\\p{Alphabetic}\\p{N}";
const ADDRESS = new RegExp(`(?<![${WORD}])[Hh][Tt]{2}[Pp][Ss]?://` +
  `(?:\\[(?=[:.]*[0-9A-Fa-f])[0-9A-Fa-f:.]{2,}\\]|(?=[._-]*[${WORD}])[${WORD}._-]+(?![${WORD}._-]))(?::\\d+)?` +
  `(?![^/?#${OUT}]*@)(?:[/?#][^${OUT}]*)?`, "gu");

/**
 * Cuts a text into what is shown as text and what as links; joined, the parts are the text.
 * @param {string} text A record's text.
 * @returns {{kind: "text"|"tag"|"mention"|"link", text: string}[]}
 */
export function parse(text) {
  const spans = [...addresses(text), ...occurrences(text)].sort((a, b) => a.at - b.at);
  const parts = [];
  let from = 0;
  const plain = (to) => to > from && parts.push({ kind: "text", text: text.slice(from, to) });
  for (const { at, kind, text: part } of spans) {
    if (at >= from) {
      plain(at);
      parts.push({ kind, text: part });
      from = at + part.length;
    }
  }
  plain(text.length);
  return parts;
}

/**
 * The different tags and mentions of a text, each as first written.
 * @param {string} text
 * @returns {string[]}
 */
export function tags(text) {
  const seen = new Map();
  occurrences(text).forEach((span) => seen.has(fold(span.text)) || seen.set(fold(span.text), span.text));
  return [...seen.values()];
}

function occurrences(text) {
  const seen = new Set();
  const found = [];
  for (const { 0: tag, index: at } of text.matchAll(TAG)) {
    const folded = fold(tag);
    if (tag.length > 1 && tag.length <= TAG_CHARS_MAX + 1 && !WORD_BEFORE.test(text.slice(Math.max(0, at - 2), at)) &&
      (seen.size < TAGS_MAX || seen.has(folded))) {
      seen.add(folded);
      found.push({ at, kind: tag[0] === "#" ? "tag" : "mention", text: tag });
    }
  }
  return found;
}

function addresses(text) {
  return text.includes("://") ? [...text.matchAll(ADDRESS)].map((m) => ({ at: m.index, kind: "link", text: trim(m[0]) })) : [];
}

// Leaves the punctuation at the end to the sentence, and brackets that were opened before the address.
function trim(address) {
  const path = address.search(/(?<=:\/\/[^/?#]*)[/?#]/);
  let end = address.length;
  const run = path < 0 ? "" : address.slice(path);
  const extra = {};
  for (const [open, close] of ["()", "[]", "{}"]) {
    extra[close] = run.split(close).length - run.split(open).length;
  }
  while (path >= 0 && end > path && (extra[address[end - 1]]-- > 0 || ".,;:!?'".includes(address[end - 1]))) {
    end--;
  }
  return address.slice(0, end);
}

const fold = (text) => text.replace(/[A-Z]/g, (c) => c.toLowerCase());

/**
 * Whether two user names are one's.
 * @param {string|null} a
 * @param {string|null} b
 */
export const same = (a, b) => fold(a ?? "") === fold(b ?? "");

/** @param {string} text @returns {number} Its length in UTF-8. */
export const bytes = (text) => new TextEncoder().encode(text).length;

/**
 * What an address names, behind its `#`.
 * @param {string} hash Such as "#user/ada/3?x=1".
 * @returns {{view: string, args: string[], query: URLSearchParams}}
 */
export function route(hash) {
  const [path, query = ""] = hash.replace(/^#?[!/]*/, "").split(/\?(.*)/s);
  const [view, ...args] = path.split("/").filter((part) => part !== "").map(decode);
  return { view: view ?? "latest", args, query: new URLSearchParams(query) };
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * An address of a view, or of a route of the API.
 * @param {string[]} parts Path segments.
 * @param {Record<string, string|null|undefined>} [query] What is empty is left out.
 */
export function path(parts, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value);
  const tail = given.map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll("%2F", "/")}`).join("&");
  return parts.map((part) => encodeURIComponent(part).replaceAll("%2C", ",").replaceAll("%40", "@")).join("/") + (tail && `?${tail}`);
}

/** @param {string} list "a,@b", as views write tags. @returns {string} "Ha,@b", as the API does. */
export const tagList = (list) => tagNames(list).map((tag) => (tag[0] === "@" ? tag : `H${tag}`)).join(",");

/** @param {string} list Tags between commas or spaces. @returns {string[]} "a" and "@b", each once. */
export function tagNames(list) {
  const names = list.split(/[\s,]+/).map((name) => name.replace(/^#/, "")).filter((name) => name !== "");
  return names.filter((name, at) => names.findIndex((other) => same(name, other)) === at);
}

/**
 * A time as people say it.
 * @param {number} secs UNIX seconds.
 * @param {number} now_ms
 */
export function when(secs, now_ms) {
  const ago = Math.floor(now_ms / 1000) - secs;
  if (ago < 86400 && ago > -300) {
    return ago < 60 ? "now" : ago < 3600 ? `${Math.floor(ago / 60)} min` : `${Math.floor(ago / 3600)} h`;
  }
  const date = new Date(secs * 1000);
  const year = date.getFullYear() === new Date(now_ms).getFullYear() ? undefined : "numeric";
  return date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year });
}

/** @param {number} secs @returns {string} The whole date. */
export const fullDate = (secs) => new Date(secs * 1000).toLocaleString("en-GB", { dateStyle: "long", timeStyle: "medium" });

/** @param {number} n @param {string} one A word. */
export const count = (n, one) => `${Number(n).toLocaleString("en-GB")} ${one}${Number(n) === 1 ? "" : "s"}`;

/** @param {string} name @returns {number} A hue that stays a user's. */
export const hue = (name) => [...fold(name)].reduce((sum, c) => (sum * 31 + c.codePointAt(0)) % 360, 7);

/**
 * How long to wait before asking again: longer while nothing happens or nobody answers.
 * @param {number} last_ms
 * @param {"news"|"same"|"failed"} outcome
 * @param {number} [wait_secs] What the site asked for.
 */
export function pause(last_ms, outcome, wait_secs = 0) {
  const next = outcome === "news" ? 15e3 : last_ms * (outcome === "same" ? 1.5 : 2);
  return Math.max(Math.min(next, 3e5), wait_secs * 1000);
}
