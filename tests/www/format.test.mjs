// What www/format.js computes. The tables of tags and of links are those that the server's tests read.

import assert from "node:assert/strict";
import fs from "node:fs";
import test from "node:test";

import { bytes, count, hue, parse, path, pause, program, route, same, tagNames, when } from "../../www/format.js";

const read = (name) => JSON.parse(fs.readFileSync(new URL(`../data/${name}.json`, import.meta.url), "utf8"));
const table = read("tags");
const isTag = ({ kind }) => kind === "tag" || kind === "mention";
const fold = (tag) => tag.toLowerCase();

function tags(text) {
  const found = new Map();
  parse(text).filter(isTag).forEach(({ text: tag }) => found.has(fold(tag)) || found.set(fold(tag), tag));
  return [...found.values()];
}

// The table knows nothing of addresses: they are text to it.
function cut(text) {
  const parts = [""];
  for (const part of parse(text)) {
    if (isTag(part)) {
      parts.push(part.text, "");
    } else {
      parts[parts.length - 1] += part.text;
    }
  }
  return parts;
}

for (const { says, parts, tags: want } of table.cases) {
  test(`tags: ${says}`, () => {
    assert.deepEqual(cut(parts.join("")), parts);
    assert.deepEqual(tags(parts.join("")), want);
  });
}

for (const { says, head, count: n, tail, tags: want, occurrences } of table.generated) {
  test(`tags: ${says}`, () => {
    const text = Array.from({ length: n }, (_, at) => head + at).join(" ") + tail;
    assert.equal(tags(text).length, want);
    assert.equal(parse(text).filter(isTag).length, occurrences);
    assert.equal(parse(text).map((part) => part.text).join(""), text);
  });
}

const links = (text) => parse(text).filter(({ kind }) => kind === "link").map((part) => part.text);

for (const { says, text, links: want } of read("links").cases) {
  test(`links: ${says}`, () => assert.deepEqual(links(text), want));
}

test("links: a tag in an address is part of it", () => {
  assert.deepEqual(parse("http://a.b/?x=#y #z"), [
    { kind: "link", text: "http://a.b/?x=#y" }, { kind: "text", text: " " }, { kind: "tag", text: "#z" }]);
});

test("a text is never changed by cutting it", () => {
  const letters = ["#", "@", "a", "b-", "http://", "x.y/", " ", ".", "(", ")", "é", "𐍈", "\n", "\u0000", "[::1]", ":8", "?", "'"];
  let seed = 7;
  for (let n = 0; n < 3000; n++) {
    let text = "";
    for (let k = 0; k < 12; k++) {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      text += letters[Math.floor(seed / 65536) % letters.length];
    }
    assert.equal(parse(text).map((part) => part.text).join(""), text);
  }
});

test("hostile texts are cut in little time", () => {
  for (const text of ["http://".repeat(9362), "#a ".repeat(21845), "http://a" + "(".repeat(65000), "http://a/" + ")".repeat(65000),
    "http://" + "a".repeat(65000) + "@", "@".repeat(65535), "http://" + "._-".repeat(21000), "#".repeat(65535)]) {
    const start = performance.now();
    assert.equal(parse(text).map((part) => part.text).join(""), text);
    assert.ok(performance.now() - start < 5000, text.slice(0, 20));
  }
});

test("addresses of views", () => {
  const check = (hash, view, args, query = "") => {
    const found = route(hash);
    assert.deepEqual([found.view, found.args, String(found.query)], [view, args, query], hash);
  };
  check("", "latest", []);
  check("#", "latest", []);
  check("#latest", "latest", []);
  check("#user/Bo%20D./3", "user", ["Bo D.", "3"]);
  check("#/user/o'brien", "user", ["o'brien"]);
  check("#tag/@ada", "tag", ["@ada"]);
  check("#tag/tea,@ada", "tag", ["tea,@ada"]);
  check("#search?q=from%3A%22Bo%20D.%22%20%23tea", "search", [], "q=from%3A%22Bo+D.%22+%23tea");
  check("#post?text=a%0Ab%3Fc", "post", [], "text=a%0Ab%3Fc");
  check("#user/%E0%A4%A", "user", ["%E0%A4%A"]);
});

test("addresses of the API", () => {
  assert.equal(path(["get", "Bo D."]), "get/Bo%20D.");
  assert.equal(path(["tag", "Htea,@ada"]), "tag/Htea,@ada");
  assert.equal(path(["get", "ada"], { before: "ada/70", none: null }), "get/ada?before=ada/70");
  assert.equal(path(["search"], { q: "a&b=#c?" }), "search?q=a%26b%3D%23c%3F");
  assert.deepEqual(route(`#${path(["user", "100% o'k", "1"], { x: "y&z" })}`).args, ["100% o'k", "1"]);
});

test("lists of tags", () => {
  assert.deepEqual(tagNames("#tea, @ada tea,,x"), ["tea", "@ada", "x"]);
  assert.deepEqual(tagNames(""), []);
});

test("names compare as the site does", () => {
  assert.ok(same("Ada", "aDA") && same(null, undefined) && same("É", "É"));
  assert.ok(!same("É", "é") && !same("a", "b"));
});

test("lengths are counted in UTF-8", () => {
  assert.deepEqual(["", "a", "é", "你", "🎉", "e\u0301"].map(bytes), [0, 1, 2, 3, 4, 3]);
});

test("times are told as people do", () => {
  const now = Date.UTC(2026, 5, 15, 12) / 1000;
  const check = (secs, want) => assert.equal(when(secs, now * 1000), want);
  check(now, "now");
  check(now - 59, "now");
  check(now + 60, "now");
  check(now - 60, "1 min");
  check(now - 3599, "59 min");
  check(now - 3600, "1 h");
  check(now - 86399, "23 h");
  check(now - 10 * 86400, "5 Jun 2026");
  check(now - 400 * 86400, "11 May 2025");
});

test("counts have a plural", () => {
  assert.deepEqual([0, 1, "2", 12345].map((n) => count(n, "post")), ["0 posts", "1 post", "2 posts", "12345 posts"]);
});

test("a program is called as people call it", () => {
  const check = (agent, want) => assert.equal(program(agent), want);
  const like = "AppleWebKit/537.36 (KHTML, like Gecko)";
  check("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux");
  check(`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${like} Chrome/140.0.0.0 Safari/537.36`, "Chrome, Windows");
  check(`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${like} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0`, "Edg, Windows");
  check(`Mozilla/5.0 (Linux; Android 10; K) ${like} Chrome/140.0.0.0 Mobile Safari/537.36`, "Chrome, Android");
  check(`Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) ${like} Version/18.0 Mobile/15E148 Safari/604.1`, "Safari, iPhone");
  check(`Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${like} Version/18.0 Safari/605.1.15`, "Safari, Mac");
  check("curl/8.14.1", "curl");
  check("a reader of mine", "a reader of mine");
  check(undefined, "Unknown");
  check(`Chrome/${" ".repeat(60000)}`, `Chrome/${" ".repeat(60000)}`);
});

test("a user's colour stays", () => {
  assert.equal(hue("Ada"), hue("ada"));
  assert.ok(["", "x", "你"].every((name) => hue(name) >= 0 && hue(name) < 360));
});

test("the poll backs off", () => {
  assert.equal(pause(60000, "news"), 15000);
  assert.equal(pause(0, "failed"), 15000);
  assert.equal(pause(20000, "same"), 30000);
  assert.equal(pause(20000, "failed"), 40000);
  assert.equal(pause(290000, "same"), 300000);
  assert.equal(pause(15000, "failed", 400), 400000);
});
