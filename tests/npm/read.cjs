// A reader of the kind that people write in JavaScript: polls one feed, keeps what it has seen by id in a file, and
// prints the entries that it knows as JSON. Two parsers must agree. node read.cjs FEED STATE

"use strict";

const fs = require("node:fs");
const { parseFeed } = require("feedsmith");
const Parser = require("rss-parser");

const [address, file] = process.argv.slice(2);

function entries({ format, feed }) {
  switch (format) {
    case "rss":
      return feed.items.map((item) => [item.guid.value, item.title, item.description]);
    case "atom":
      return feed.entries.map((entry) => [entry.id, entry.title.value ?? entry.title, entry.content.value ?? entry.content]);
    case "json":
      return feed.items.map((item) => [item.id, item.title, item.content_html]);
    default:
      throw new Error(`a feed of the format ${format}`);
  }
}

async function poll() {
  const state = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : { known: {} };
  const headers = { "User-Agent": "blerg-test-js", ...(state.etag ? { "If-None-Match": state.etag } : {}) };
  const response = await fetch(address, { headers });
  if (response.status !== 304) {
    if (!response.ok) throw new Error(`${address}: ${response.status}`);
    const text = await response.text();
    const parsed = parseFeed(text);
    const found = entries(parsed);
    if (parsed.format !== "json") {
      const second = await new Parser().parseString(text);
      const ids = second.items.map((item) => item.guid ?? item.id);
      if (JSON.stringify(ids) !== JSON.stringify(found.map(([id]) => id))) {
        throw new Error(`rss-parser reads ${ids}, feedsmith ${found.map(([id]) => id)}`);
      }
    }
    for (const [id, title, html] of found) state.known[id] = { title, html };
    state.etag = response.headers.get("etag");
    fs.writeFileSync(file, JSON.stringify(state));
  }
  console.log(JSON.stringify(Object.values(state.known)));
}

poll();
