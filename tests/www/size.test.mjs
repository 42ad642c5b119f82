// The client stays small, and asks nobody but its own site.

import assert from "node:assert/strict";
import fs from "node:fs";
import test from "node:test";

const www = new URL("../../www/", import.meta.url);
const all = fs.readdirSync(www, { recursive: true }).filter((name) => fs.statSync(new URL(name, www)).isFile());
// What only robots read is no part of the client.
const files = all.filter((name) => name !== "robots.txt");

test("all of it is less than 40 KiB", () => {
  const sizes = files.map((name) => fs.statSync(new URL(name, www)).size);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  assert.ok(total < 40 * 1024, `${total} bytes`);
});

test("no file names another host", () => {
  for (const name of files) {
    const text = fs.readFileSync(new URL(name, www), "utf8");
    const hosts = text.match(/https?:\/\/[a-z][^"'\s]*/g) ?? [];
    assert.deepEqual(hosts.filter((host) => host !== "http://www.w3.org/2000/svg" && host !== "http://x"), [], name);
  }
});

test("functions stay under 40 lines", () => {
  for (const name of files.filter((name) => name.endsWith(".js"))) {
    const lines = fs.readFileSync(new URL(name, www), "utf8").split("\n");
    lines.forEach((line, at) => {
      if (/^(export )?(async )?function/.test(line)) {
        const length = lines.slice(at).indexOf("}") + 1;
        assert.ok(length < 40, `${name}: ${line} has ${length} lines`);
      }
    });
  }
});
