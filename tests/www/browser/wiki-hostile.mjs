// What attackers write into a wiki, in Chromium: node wiki-hostile.mjs BASE. The lists of others in tests/data/xss stand in
// texts, names, summaries, targets of links, names and contents of files, searches and forms, and every page that shows them is looked
// at, with its policy and without: neither may run or load anything, also when everything in it is touched and clicked.

import fs from "node:fs";
import http from "node:http";

import { PASSWORD, assert, oneByOne, run } from "./drive.mjs";
import { come, send, write } from "./wiki-pages.mjs";

const LISTS = ["naughty-strings", "payloads", "xss-filters", "bleach"];
/** Strings of one page. */
const BATCH = 32;
/** Bytes of a search or a name, and of a summary. */
const SHORT = 190;
const LONGER = 480;
const base = process.argv[2];

/** A server of an attacker; whoever asks it anything was made to. */
const trap = await new Promise((done) => {
  const server = http.createServer((request, answer) => answer.end(void (server.asked = `${request.method} ${request.url}`)));
  server.listen(0, "127.0.0.1", () => done(server));
});
const there = `http://127.0.0.1:${trap.address().port}`;

const OWN = [`<img src=${there}/a onerror=alert(1)>`, `![x](${there}/b.png)`, `![x](//127.0.0.1:${trap.address().port}/c.png)`,
  `[x](${there}/d "t\\" onmouseover=alert(1)")`, `<link rel=stylesheet href=${there}/e>`, `<meta http-equiv=refresh content="0;url=${there}/f">`,
  `![x][y]\n\n[y]: ${there}/g`, "[a](javascript:alert(1))", "[a](&#106;avascript:alert(1))", "[a](java\tscript:alert(1))", "[a](\u0001javascript:alert(1))",
  "[a](JaVaScRiPt&colon;alert(1))", "[a](vbscript:alert(1)) [a](data:text/html,<script>alert(1)</script>)", "![a](data:image/svg+xml,<svg/onload=alert(1)>)",
  "<javascript:alert(1)> <data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==>", "[[javascript:alert(1)|click]] [[//evil.example|x]] [[\"onclick=alert(1) x=\"]]",
  "</textarea><script>alert(1)</script>", "</title><script>alert(1)</script>", "--><script>alert(1)</script><!--", "]]><script>alert(1)</script>",
  "<article></article></main><form action=//evil.example><button>Save</button>", "#\"><script>alert(1)</script> @\"><script>alert(1)</script>",
  "`</code><script>alert(1)</script>`", "[^<script>]: <script>alert(1)</script>", "<style>*{background:url(//evil.example)}</style>", "\" onfocus=alert(1) autofocus x=\"",
  "' onfocus=alert(1) autofocus x='", "<base href=//evil.example>", "[a]( javascript:alert(1)//)", "<svg><script href=data:,alert(1) /></svg>", "<math><mi xlink:href=javascript:alert(1)>"];

const strings = [...new Set([...OWN, ...LISTS.flatMap((list) => JSON.parse(fs.readFileSync(new URL(`../../data/xss/${list}.json`, import.meta.url))).cases)])]
  .filter((text) => text.trim() !== "" && text.isWellFormed())
  // What opens a block of code to the end of the page comes last in its page.
  .map((text, at) => ({ text, at: Math.floor(at / BATCH) * 2 + /^\s*(```|~~~)/m.test(text) })).sort((one, two) => one.at - two.at).map(({ text }) => text);

const bytes = (text) => Buffer.byteLength(text);
const batches = Array.from({ length: Math.ceil(strings.length / BATCH) }, (_, n) => strings.slice(n * BATCH, (n + 1) * BATCH));
const names = [...new Set(strings.map((text) => text.replace(/[\s_]+/g, " ").trim()))].filter((text) => bytes(text) <= SHORT && !/[/?#%\p{C}]/u.test(text));

/** A string in every place of a text that has rules of its own. */
function everywhere(s, n) {
  const line = s.replace(/\s+/g, " ");
  return [s, `*${line}* [w](${line}) [w](<${line}>) [${line}](x) ![${line}](y.png) ![z](${line}) <${line}>`, `[[${line}]] [[Home|${line}]] [[${line}|x]] \`${line}\``,
    `[w](http://x.example/${line} "${line}") [w][r${n}] [^f${n}] #${line} @${line} https://x.example/${line}`, `[r${n}]: ${line} "${line}"`, `[^f${n}]: ${line}`,
    `| a | ${line} |\n| - | -- |\n| ${line} | b |`, `# ${line}`, `> - [ ] ${line}`, `~~~~~${line}\n${line}\n~~~~~`].join("\n\n");
}

/** What a page holds that no page of the wiki may; runs in the page, or on a text that was parsed there. */
function audit(html) {
  const tags = "a article bdi blockquote body br button code del details div em fieldset footer form h1 h2 h3 h4 h5 h6 head header hr html img input ins label legend " +
    "li link main mark meta nav ol p pre section span strong summary sup table tbody td textarea th thead time title tr ul";
  const known = new Set(tags.split(" "));
  const whole = html === null ? document : new DOMParser().parseFromString(html, "text/html");
  const odd = [];
  for (const node of whole.querySelectorAll("*")) {
    if (!known.has(node.localName) || (/^(link|meta|title)$/.test(node.localName) && node.parentNode !== whole.head)) {
      odd.push(node.outerHTML.slice(0, 200));
    }
    for (const { name, value } of node.attributes) {
      const leads = /^(href|src|action|formaction|data|srcset|ping|background|poster)$/.test(name);
      // What is no address to a browser leads nowhere.
      const url = leads && URL.canParse(value, document.baseURI) && new URL(value, document.baseURI);
      const fits = !url || (name === "href" ? /^(https?|mailto):$/.test(url.protocol) : url.origin === location.origin);
      if (/^on|style|srcdoc|http-equiv|xlink|target/.test(name) || !fits) {
        odd.push(`${name}=${value} in ${node.outerHTML.slice(0, 200)}`);
      }
    }
  }
  return odd;
}

/** Touches and clicks everything; links to elsewhere and buttons are not followed. */
function touch() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href], button, input, label");
    if (link && (link.localName !== "a" || /^(https?|mailto)?:$/.test(link.protocol))) {
      event.preventDefault();
    }
  }, true);
  for (const node of document.querySelectorAll("*")) {
    for (const type of ["load", "error", "mouseover", "pointerenter", "focus", "blur", "toggle", "animationstart", "input"]) {
      node.dispatchEvent(new Event(type));
    }
    node.localName !== "textarea" && node.localName !== "a" ? node.click?.() : node.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
  }
}

/** Whoever looks, and tells of everything that runs: by what it calls, and by the debugger, which sees each script. */
async function watchful(test, name, options) {
  const person = await come(test, name, options);
  person.ran = [];
  await person.context.addInitScript(() => {
    for (const name of ["alert", "confirm", "prompt", "print", "open"]) {
      window[name] = (...told) => console.error(`ran ${name}(${told})`);
    }
  });
  person.page.on("console", (line) => line.text().startsWith("ran ") && person.ran.push(line.text()));
  const wire = await person.context.newCDPSession(person.page);
  wire.on("Debugger.scriptParsed", ({ url }) => /^(https?|javascript|data|blob):/.test(url) && person.ran.push(`a script of ${url}`));
  await wire.send("Debugger.enable");
  return person;
}

/** Opens a page and does everything there that could wake what sleeps in it. */
async function look(person, path) {
  const { page } = person;
  const answer = await page.goto(base + path, { waitUntil: "load" });
  assert.match(answer.headers()["content-security-policy"], /default-src 'none'/, path);
  await check(person, path);
}

async function check(person, path) {
  const { page } = person;
  const url = page.url();
  assert.deepEqual(await page.evaluate(audit, null), [], path);
  await page.evaluate(touch);
  assert.equal(page.url(), url);
  assert.deepEqual([person.ran, person.wrong, trap.asked], [[], [], undefined], path);
}

/** Asks for pages in the page and judges them there, unopened; those that fail. */
async function judge(audit, paths) {
  const odd = [];
  for (let at = 0; at < paths.length; at += 12) {
    await Promise.all(paths.slice(at, at + 12).map(async (path) => {
      const answer = await fetch(path);
      const found = audit(await answer.text());
      if (found.length > 0 || answer.status >= 500) {
        odd.push([path, answer.status, found]);
      }
    }));
  }
  return odd;
}

/** The same check of many pages, parsed but not opened. */
async function parse(person, paths) {
  const failed = await person.page.evaluate(`(${judge})(${audit}, ${JSON.stringify(paths.map((path) => base + path))})`);
  assert.deepEqual([failed, person.ran, trap.asked], [[], [], undefined]);
}

const encode = encodeURIComponent;

/** Packs strings into as few pieces as fit. */
function packed(most) {
  const pieces = [""];
  for (const text of strings.map((text) => text.replace(/\s+/g, " ").trim()).filter((text) => bytes(text) <= most)) {
    const longer = `${pieces.at(-1)} ${text}`.trim();
    bytes(longer) <= most ? pieces.splice(-1, 1, longer) : pieces.push(text);
  }
  return pieces;
}

/** Does something with all values, some at a time. */
async function each(values, what) {
  for (let at = 0; at < values.length; at += 12) {
    await Promise.all(values.slice(at, at + 12).map((value, n) => what(value, at + n)));
  }
}

const scenarios = {
  async the_watch_sees_what_runs(test) {
    for (const html of ["<script>window.x = 1</script>", "<img src=x onerror='window.x = 1'>", "<a href='javascript:alert(1)'>x</a>", "<svg onload=alert(1)>"]) {
      const eve = await watchful(test, undefined, { bypassCSP: true });
      await eve.page.route(`${base}wiki/Special:All`, (route) => route.fulfill({ contentType: "text/html", body: `<!doctype html><title>x</title>${html}` }));
      await eve.page.goto(`${base}wiki/Special:All`);
      await eve.page.evaluate(touch);
      await eve.page.waitForFunction(() => document.readyState === "complete");
      assert.notDeepEqual(await eve.page.evaluate(audit, null), [], html);
      await eve.until(() => true);
      assert.notDeepEqual(eve.ran, [], html);
    }
  },

  async texts_and_summaries_run_nothing(test) {
    const mallory = await come(test, "Mallory");
    const summaries = packed(LONGER);
    await each(batches, (batch, n) => write(mallory, `Text ${n}`, batch.map(everywhere).join("\n\n"), { summary: summaries[n] ?? "" }));
    let revision = 0;
    for (const summary of summaries) {
      await write(mallory, "Summaries", `${revision} ${summary}`, { base: revision++, summary });
    }
    const open = await watchful(test, "Mallory", { bypassCSP: true });
    const guarded = await watchful(test);
    for (let n = 0; n < batches.length; n++) {
      await look(open, `wiki/Text_${n}`);
    }
    for (let n = 0; n < batches.length; n += 6) {
      for (const action of ["", "?action=edit", "?action=diff&from=0&to=1"]) {
        await look(action.includes("edit") ? open : guarded, `wiki/Text_${n}${action}`);
      }
    }
    const lists = ["Special:Recent", "Special:Wanted", "Special:Wanted?skip=100", "Special:Tags", "Summaries?action=history", "Summaries?action=history&before=40"];
    for (const path of lists) {
      await look(open, `wiki/${path}`);
    }
    const diffs = summaries.map((_, n) => `wiki/Summaries?action=diff&from=${n}&to=${n + 1}`);
    await parse(open, [...batches.map((_, n) => `wiki/Text_${n}?action=diff&from=0&to=1`), ...batches.map((_, n) => `wiki/Text_${n}?action=edit`), ...diffs]);
    await forms(open);
    const raw = await open.context.request.get(`${base}wiki/Text_0?action=raw`);
    assert.match(raw.headers()["content-type"], /^text\/markdown/);
    assert.equal(raw.headers()["x-content-type-options"], "nosniff");
  },

  async names_and_searches_run_nothing(test) {
    const mallory = await come(test, "Mallory");
    assert.ok(names.length > 300, `${names.length} names`);
    let made = 0;
    await each(names, async (name, n) => {
      const text = `[[${names[(n + 1) % names.length]}]] ![[${name}]]`;
      const answer = await send(mallory, `wiki/${encode(name)}`, { text, base: "0", summary: name, save: "1" });
      // Some are the same to the wiki, or only dots, or its own.
      assert.ok([303, 404, 409].includes(answer.status()), `${name}: ${answer.status()}`);
      made += answer.status() === 303;
    });
    assert.ok(made > 300, `${made} names`);
    const open = await watchful(test, "Mallory", { bypassCSP: true });
    await look(open, "wiki/Special:All");
    while (await open.page.locator("main a[rel=next]").count()) {
      await look(open, await open.page.locator("main a[rel=next]").evaluate((link) => link.href).then((url) => url.slice(base.length)));
    }
    const others = ["history", "links", "rename", "attach"];
    await parse(open, names.flatMap((name, n) => [`wiki/${encode(name)}`, `wiki/${encode(name)}?action=${others[n % others.length]}`]));
    const sharp = names.filter((name) => /[<"']/.test(name));
    for (const name of sharp.filter((_, n) => n % 12 === 0)) {
      await look(open, `wiki/${encode(name)}`);
    }
    for (const path of ["Special:Recent", "Special:Orphans", "Special:Wanted"]) {
      await look(open, `wiki/${path}`);
    }
    const asked = [...OWN, ...packed(SHORT)].map(encode);
    await parse(open, asked.flatMap((text) => [`wiki/Special:Search?q=${text}`, `wiki/Special:Login?return=${text}`, `wiki/${text}`]));
    for (const text of asked.slice(0, OWN.length)) {
      await look(open, `wiki/Special:Search?q=${text}`);
    }
  },

  async files_run_nothing(test) {
    const mallory = await come(test, "Mallory");
    await write(mallory, "Files", "files");
    const script = "<script>alert(1)</script>";
    const contents = [script, `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">${script}</svg>`, `<?xml version="1.0"?><x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script>`,
      `GIF89a/*${script}*/=1;alert(1)`, `\x89PNG\r\n\x1a\n${script}`, `%PDF-1.4 ${script}`, `\xff\xd8\xff\xe0${script}`, `RIFF    WEBP${script}`, "alert(1)"];
    const files = names.filter((name) => /[<>"'`&;=:]/.test(name) && !/^\.|\\/.test(name)).slice(0, 120);
    const types = ["text/html", "image/svg+xml", "application/xhtml+xml", "image/png"];
    let made = 0;
    for (const [n, name] of files.entries()) {
      const file = { name: "x.html", mimeType: types[n % types.length], buffer: Buffer.from(contents[n % contents.length], "latin1") };
      const answer = await send(mallory, "wiki/Files?action=attach", undefined, { name, summary: name, file });
      assert.ok([303, 400].includes(answer.status()), `${name}: ${answer.status()}`);
      made += answer.status() === 303;
    }
    assert.ok(made > 60, `${made} files`);
    const open = await watchful(test, "Mallory", { bypassCSP: true });
    await look(open, "wiki/Files?action=attach");
    await look(open, "wiki/Files?action=history");
    const addresses = await open.page.goto(`${base}wiki/Files?action=attach`).then(() => open.page.locator("td a").evaluateAll((links) => links.map((link) => link.href)));
    assert.equal(addresses.length, made);
    for (const address of addresses) {
      const { "content-type": type, "content-disposition": way, ...headers } = await open.context.request.get(address).then((answer) => answer.headers());
      assert.match(headers["content-security-policy"], /default-src 'none'.*sandbox/);
      assert.equal(headers["x-content-type-options"], "nosniff");
      assert.ok(/^inline/.test(way) ? /^image\/(png|jpeg|gif|webp|avif)$/.test(type) : /^attachment; filename\*=UTF-8''[\w.~%:-]+$/.test(way), `${address}: ${type}, ${way}`);
    }
    for (const address of addresses.slice(0, 2 * contents.length)) {
      // What is offered for saving leaves the page where it was.
      await open.page.goto(address).catch((error) => assert.match(error.message, /Download is starting|ERR_ABORTED/));
      await open.page.evaluate("1").catch(() => {});
      assert.deepEqual(open.ran.filter((what) => !what.includes("chrome-extension")), [], address);
    }
  },
};

/** Forms that give back what was typed: the preview, a conflict, a login that failed. */
async function forms(person) {
  const { page } = person;
  for (const [n, batch] of batches.entries()) {
    if (n % 10 > 0) continue;
    const text = batch.map(everywhere).join("\n\n");
    for (const [button, form] of [["preview", { base: "0" }], ["save", { base: "1" }]]) {
      await page.goto(`${base}wiki/${button === "save" ? "Summaries" : "New"}?action=edit`);
      await page.evaluate(([text, base]) => Object.assign(document.querySelector("[name=base]"), { value: base }) && (document.querySelector("textarea").value = text), [text, form.base]);
      await page.fill("[name=summary]", batch[0].slice(0, 100));
      await Promise.all([page.waitForEvent("load"), page.click(`button[name=${button}]`)]);
      await person.sees(".note");
      await check(person, button);
    }
  }
  await page.goto(`${base}wiki/Special:Login`);
  await page.fill("[name=username]", "<img src=x onerror=alert(1)>");
  await page.fill("[name=password]", PASSWORD);
  await Promise.all([page.waitForEvent("load"), page.click("main button")]);
  await check(person, "login");
}

await run(oneByOne(scenarios), base, process.argv.slice(3));
trap.close();
