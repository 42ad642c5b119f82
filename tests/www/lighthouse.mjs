// Lighthouse's judgement of the client's main views, in Debian's Chromium: node lighthouse.mjs BASE. BASE is a site with
// the sample's posts, such as that of `make lighthouse`. Prints the scores; fails below AIMS. Not a test: how fast a page
// is depends on the machine, so each view gets TRIES and its best counts.

import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";

const require = createRequire(new URL("../npm-lighthouse/", import.meta.url));
const AIMS = { accessibility: 100, "best-practices": 100, performance: 95 };
const VIEWS = ["", "#user/Ada", "#user/mei/3", "#tag/poetry,haiku", "#search?q=smallweb", "#login", "#join", "#about"];
const TRIES = 3;

const [base] = process.argv.slice(2);
const cli = require.resolve("lighthouse/cli/index.js");
const env = { ...process.env, CHROME_PATH: process.env.CHROMIUM ?? "/usr/bin/chromium" };

function judge(view, form) {
  const run = spawnSync(process.execPath, [cli, base + view, "--output=json", "--quiet", `--only-categories=${Object.keys(AIMS)}`,
    "--chrome-flags=--headless=new --no-sandbox --disable-gpu", ...form], { env, encoding: "utf8", maxBuffer: 1 << 28 });
  if (run.status !== 0) {
    throw new Error(`lighthouse: ${run.stderr}`);
  }
  return JSON.parse(run.stdout);
}

// The best of some tries, and what is wrong in it.
function best(view, form) {
  const scores = {};
  for (let tries = 0, short = true; tries < TRIES && short; tries++) {
    const { categories, audits } = judge(view, form);
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

let failed = 0;
for (const [device, form, views] of [["phone", [], VIEWS], ["desktop", ["--preset=desktop"], VIEWS.slice(0, 1)]]) {
  for (const view of views) {
    const scores = best(view, form);
    console.log(`${device.padEnd(8)}${(view || "(start)").padEnd(22)}${Object.entries(scores).map(([name, { score }]) => `${name} ${score}`).join(", ")}`);
    for (const [name, { score, lost }] of Object.entries(scores).filter(([name, { score }]) => score < AIMS[name])) {
      failed++;
      console.log(`  ${name} ${score}, aim ${AIMS[name]}: ${lost.join(", ")}`);
    }
  }
}
process.exitCode = failed > 0 ? 1 : 0;
