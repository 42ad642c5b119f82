// Pictures of every view, to be looked at: node shots.mjs BASE FOLDER [VIEW ...]. BASE is a site with the sample's posts,
// such as that of `make run`; a user "Shot" joins it.

import fs from "node:fs";
import path from "node:path";

import { PASSWORD, Person, run } from "./drive.mjs";

const [base, folder, ...wanted] = process.argv.slice(2);

const VIEWS = {
  latest: "#latest", user: "#user/Ada", record: "#user/mei/3", reply: "#reply/grace/1", tag: "#tag/poetry,haiku", feed: "#feed",
  mentions: "#mentions", search: "#search?q=smallweb", write: "#post", edit: "#edit/Shot/0", account: "#account", about: "#about",
  failure: "#user/nobody",
};

// What is seen only after something was done.
const STATES = {
  async news({ page }, test) {
    const friend = await Person.come(test, { name: `Friend${Date.now() % 10000}` });
    await friend.put(`For @Shot, and long:\n${"a line\n".repeat(40)}`);
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await page.locator("[href='#mentions'] .badge:not([hidden])").waitFor();
  },
  async own(person) {
    await person.open("#user/Shot");
  },
  async deleted({ page }) {
    await page.locator(".delete").first().click();
  },
  async undone({ page }) {
    await page.locator(".gone button").first().click();
  },
  async refused(person) {
    await person.open("#post");
    await person.page.fill("textarea", "x".repeat(66000));
    await person.click("Send");
    await person.sees(".notice");
  },
  async sent(person) {
    await person.page.fill("textarea", "One more, of some\nlines.");
    await person.click("Send");
    await person.sees(".toast", "Posted.");
  },
  async over(person) {
    await person.context.clearCookies();
    await person.open("#feed");
    await person.sees(".notice");
  },
  async print(person) {
    await person.open("#user/Ada");
    await person.page.emulateMedia({ media: "print" });
  },
};
const VISITORS = { visitor: "#latest", login: "#login", join: "#join" };

async function shots(test) {
  fs.mkdirSync(folder, { recursive: true });
  const person = await Person.come(test);
  await draw(person, VISITORS);
  const joined = await person.context.request.post(`${base}create`, { form: { username: "Shot", password: PASSWORD } });
  person.name = "Shot";
  await person.signIn();
  if ((await joined.json()).status === "success") {
    await person.put("A first post, with #tea and https://example.org/ in it, for @Ada.");
    await person.call("subscribe/Ada", {});
    await person.call("subscribe/grace", {});
  }
  await draw(person, VIEWS);
  await states(person, test);
  const plain = await Person.come(test, { javaScriptEnabled: false, viewport: { width: 320, height: 640 } });
  await plain.page.goto(base);
  await plain.page.screenshot({ path: path.join(folder, "noscript-320-light.png") });
}

async function states(person, test) {
  await person.open("#latest");
  for (const [state, reach] of Object.entries(STATES)) {
    await reach(person, test);
    for (const [width, colorScheme] of [[320, "light"], [1280, "dark"]]) {
      await person.page.setViewportSize({ width, height: 640 });
      await person.page.emulateMedia({ colorScheme });
      await person.page.screenshot({ path: path.join(folder, `${state}-${width}-${colorScheme}.png`) });
    }
  }
}

async function draw(person, views) {
  for (const [view, hash] of Object.entries(views).filter(([view]) => wanted.length === 0 || wanted.includes(view))) {
    for (const width of [320, 768, 1280]) {
      for (const colorScheme of ["light", "dark"]) {
        await person.page.setViewportSize({ width, height: width === 320 ? 640 : 800 });
        await person.page.emulateMedia({ colorScheme });
        await person.open(hash);
        await person.page.screenshot({ path: path.join(folder, `${view}-${width}-${colorScheme}.png`) });
      }
    }
  }
}

await run([{ shots }], base, []);
