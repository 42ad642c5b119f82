// Lighthouse's judgement of the client's views, in Debian's Chromium: node lighthouse.mjs BASE. BASE is a site with the
// sample's posts, such as that of `make lighthouse`; a user "Keeper" joins it. Prints the scores; fails below AIMS. Not a
// test: how fast a page is depends on the machine, so each view gets TRIES and its best counts.

import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";

const require = createRequire(new URL("../npm-lighthouse/", import.meta.url));
const { chromium } = createRequire(new URL("../npm/", import.meta.url))("playwright-core");
const AIMS = { accessibility: 100, "best-practices": 100, performance: 95 };
const VISITOR = ["", "#user/Ada", "#user/mei/3", "#tag/poetry,haiku", "#search?q=smallweb", "#login", "#join", "#about"];
const USER = ["#feed", "#mentions", "#post", "#reply/mei/3", "#edit/Keeper/0", "#account", "#user/Ada"];
const TRIES = 3;

const [base] = process.argv.slice(2);
const cli = require.resolve("lighthouse/cli/index.js");
const home = fs.mkdtempSync(path.join(os.tmpdir(), "blerg-lighthouse-"));

// Chromium, and the port that it chose to be driven by.
async function start() {
  const browser = spawn(process.env.CHROMIUM ?? "/usr/bin/chromium", ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
    "--remote-debugging-port=0", `--user-data-dir=${home}`], { stdio: ["ignore", "ignore", "pipe"] });
  const port = await new Promise((found, lost) => {
    let told = "";
    browser.stderr.on("data", (part) => {
      told += part;
      const at = /DevTools listening on ws:\/\/[^:]+:(\d+)/.exec(told);
      return at && found(at[1]);
    });
    browser.on("exit", () => lost(new Error(`chromium: ${told}`)));
  });
  return { browser, port };
}

// Joins, follows and posts in that browser; what it is told there, Lighthouse has too.
async function join(port) {
  const driver = await chromium.connectOverCDP(`http://127.0.0.1:${port}`);
  const page = await driver.contexts()[0].newPage();
  await page.goto(`${base}#join`);
  await page.fill("[name=username]", "Keeper");
  await page.fill("[name=password]", "correct horse");
  await page.keyboard.press("Enter");
  await page.locator(".name", { hasText: "Keeper" }).waitFor();
  for (const [route, form] of [["put", { data: "Of all that is seen, @Keeper #measure" }], ["subscribe/Ada", {}], ["subscribe/grace", {}]]) {
    await page.evaluate(([at, fields]) => fetch(at, { method: "POST", body: new URLSearchParams({ username: "Keeper", ...fields }) }), [base + route, form]);
  }
  await page.close();
  await driver.close();
}

// Lighthouse now and then loses its page; then it is asked again.
function judge(port, view, form, tries = TRIES) {
  const run = spawnSync(process.execPath, [cli, base + view, "--output=json", "--quiet", `--port=${port}`, "--disable-storage-reset",
    `--only-categories=${Object.keys(AIMS)}`, ...form], { encoding: "utf8", maxBuffer: 1 << 28 });
  if (run.status === 0) {
    return JSON.parse(run.stdout);
  }
  if (tries > 1) {
    return judge(port, view, form, tries - 1);
  }
  throw new Error(`lighthouse: ${run.stderr}`);
}

// The best of some tries, and what is wrong in it.
function best(port, view, form) {
  const scores = {};
  for (let tries = 0, short = true; tries < TRIES && short; tries++) {
    const { categories, audits } = judge(port, view, form);
    for (const [name, { score, auditRefs }] of Object.entries(categories)) {
      const lost = auditRefs.filter(({ id, weight }) => weight > 0 && audits[id].score !== null && audits[id].score < 0.9).map(({ id }) => id);
      if (!(scores[name]?.score > score * 100)) {
        scores[name] = { score: Math.round(score * 100), lost };
      }
    }
    short = Object.entries(AIMS).some(([name, aim]) => scores[name].score < aim);
  }
  return scores;
}

// Judges views, prints, and counts those scores that fall short.
function table(port, who, form, views) {
  let failed = 0;
  for (const view of views) {
    const scores = best(port, view, form);
    console.log(`${who.padEnd(18)}${(view || "(start)").padEnd(22)}${Object.entries(scores).map(([name, { score }]) => `${name} ${score}`).join(", ")}`);
    for (const [name, { score, lost }] of Object.entries(scores).filter(([name, { score }]) => score < AIMS[name])) {
      failed++;
      console.log(`  ${name} ${score}, aim ${AIMS[name]}: ${lost.join(", ")}`);
    }
  }
  return failed;
}

const { browser, port } = await start();
process.on("exit", () => browser.kill());
["SIGINT", "SIGTERM"].forEach((signal) => process.on(signal, () => process.exit(1)));
try {
  let failed = table(port, "visitor, phone", [], VISITOR) + table(port, "visitor, desktop", ["--preset=desktop"], VISITOR.slice(0, 1));
  await join(port);
  failed += table(port, "user, phone", [], USER) + table(port, "user, desktop", ["--preset=desktop"], USER.slice(0, 1));
  process.exitCode = failed > 0 ? 1 : 0;
} finally {
  browser.removeAllListeners("exit");
  const ended = new Promise((done) => browser.on("exit", done));
  browser.kill();
  await ended;
  fs.rmSync(home, { recursive: true, force: true });
}
