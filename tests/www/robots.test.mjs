// What robots.txt says of the site's addresses, by the rules of RFC 9309: the longest pattern that fits decides.

import assert from "node:assert/strict";
import fs from "node:fs";
import test from "node:test";

const text = fs.readFileSync(new URL("../../www/robots.txt", import.meta.url), "utf8");
const rules = [...text.matchAll(/^(Allow|Disallow): (\S+)$/gm)].map(([, word, pattern]) => ({
  allows: word === "Allow",
  length: pattern.length,
  fits: new RegExp("^" + pattern.split("*").map((part) => part.replace(/[.?+^$()[\]{}|\\/]/g, "\\$&")).join(".*")),
}));

/** @param {string} path */
function isAllowed(path) {
  const fitting = rules.filter((rule) => rule.fits.test(path)).sort((a, b) => b.length - a.length || b.allows - a.allows);
  return fitting[0]?.allows ?? true;
}

test("robots see records, feeds and pages", () => {
  for (const path of ["/", "/get/jon", "/tag/Htea", "/latest", "/rss/latest", "/rss/user/jon.atom", "/wiki/", "/wiki/Green_tea",
    "/wiki/Green_tea/cup.png", "/wiki/Special:All", "/wiki/Special:All?after=Tea", "/wiki/Special:Style.css?v=5", "/wiki.cgi/Green_tea"]) {
    assert.ok(isAllowed(path), path);
  }
});

test("robots are kept from what costs more, and from the same once more", () => {
  for (const path of ["/search?q=tea", "/history/jon/0", "/export", "/rss/search?q=tea", "/wiki/Tea?action=edit", "/wiki/Tea?rev=1",
    "/wiki/Special:Search?q=tea", "/wiki/Special:Export", "/wiki/Special:Login", "/wiki.cgi/Tea?action=history", "/blerg.cgi/search?q=x"]) {
    assert.ok(!isAllowed(path), path);
  }
});
