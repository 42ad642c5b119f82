// The bookmarklet: a browser decodes a javascript: address before it runs it, and whoever made a link to the client must
// not have written any of that script.

import assert from "node:assert/strict";
import fs from "node:fs";
import test from "node:test";

const source = fs.readFileSync(new URL("../../www/write.js", import.meta.url), "utf8");
const [, home] = source.match(/const home = (.*);/);
const [, address] = source.match(/\.href = (`javascript:.*`);/);
const bookmark = (location) => new Function("location", `const home = ${home}; return ${address};`)(location);

function target(href) {
  const script = decodeURIComponent(bookmark({ href }).replace("javascript:", ""));
  return new Function("getSelection", "document", "encodeURIComponent", `let location = "x"; ${script}; return location;`)(
    () => "", { title: "" }, () => "");
}

test("it leads to the client and runs nothing of its address", () => {
  assert.equal(target("http://x/blog/#about"), "http://x/blog/#post?text=");
  globalThis.ran = false;
  assert.equal(target("http://x/?%22+(globalThis.ran=true)+%22#about"), "http://x/#post?text=");
  assert.equal(target("http://x/%22+(globalThis.ran=true)+%22/#about"), "http://x/%22+(globalThis.ran=true)+%22/#post?text=");
  assert.equal(globalThis.ran, false);
});
