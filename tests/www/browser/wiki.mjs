// What people do with the wiki, in Chromium, and how its pages look to judges: node wiki.mjs BASE FOLDER [NAME ...]. The site
// is started by tests/it/wiki/browser.rs; "Boss" is an administrator there. Every page's HTML is left in FOLDER.

import fs from "node:fs";
import path from "node:path";

import { PASSWORD, assert, oneByOne, run } from "./drive.mjs";
import { VIEWS, come, furnish } from "./wiki-pages.mjs";

const [base, folder, ...wanted] = process.argv.slice(2);

/** Keeps the answer for the judge of HTML. */
async function keep(person, view) {
  fs.writeFileSync(path.join(folder, `${view}.html`), await person.answer.body());
}

/** Fits every screen, in both colour schemes, and axe finds nothing in it. */
async function judge(person, view) {
  const { page } = person;
  for (const [width, colorScheme] of [[1280, "light"], [390, "light"], [320, "dark"]]) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme });
    if (width === 390) {
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(over <= 0, `${view}: ${over} px too wide at 390`);
    } else {
      await person.check(`${view}, ${width} px, ${colorScheme}`);
    }
  }
  await page.emulateMedia({ colorScheme: null });
}

/** Presses Tab until what has the focus is wanted; every stop on the way can be seen. */
async function tab(person, selector) {
  for (let stops = 0; stops < 60; stops++) {
    await person.page.keyboard.press("Tab");
    const { is, outline } = await person.page.evaluate((selector) => {
      const node = document.activeElement;
      return { is: node.matches(selector), outline: getComputedStyle(node).outlineStyle };
    }, selector);
    assert.notEqual(outline, "none", `the focus can't be seen on the way to ${selector}`);
    if (is) {
      return;
    }
  }
  assert.fail(`Tab never comes to ${selector}`);
}

const scenarios = {
  async every_view_is_accessible_and_fits_every_screen(test) {
    const boss = await come(test, "Boss");
    await furnish(boss);
    const people = { boss, guest: await come(test) };
    const wrong = [];
    for (const [view, [who, go]] of Object.entries(VIEWS)) {
      const person = people[who];
      person.test = test;
      const other = await go(person);
      await keep(other ?? person, view);
      await judge(other ?? person, view).catch((error) => wrong.push(error.message));
      await other?.page.close();
    }
    assert.deepEqual(wrong, []);
  },

  async somebody_logs_in_writes_and_saves_by_keyboard_alone(test) {
    const kim = await come(test, "Kim");
    await kim.context.clearCookies();
    const { page } = kim;
    const { keyboard } = page;
    await page.goto(`${base}wiki/By_keyboard`);
    await keyboard.press("Tab");
    assert.equal(await page.evaluate("document.activeElement.textContent"), "Skip to the content");
    await keyboard.press("Enter");
    assert.equal(await page.evaluate("document.activeElement.id"), "main");
    await tab(kim, "main p a[href*=Login]");
    await keyboard.press("Enter");
    await kim.sees("h1", "Log in");
    await tab(kim, "[name=username]");
    await keyboard.type("Kim");
    await tab(kim, "[name=password]");
    await keyboard.type(PASSWORD);
    await keyboard.press("Enter");
    await kim.sees("h1", "Write By keyboard");
    await tab(kim, "textarea");
    await keyboard.type("Typed, *not* clicked.");
    await tab(kim, "[name=summary]");
    await keyboard.type("no mouse");
    await tab(kim, "[name=minor]");
    await keyboard.press("Space");
    await tab(kim, "button[name=preview]");
    await keyboard.press("Enter");
    await kim.sees("article em", "not");
    await tab(kim, "textarea");
    await tab(kim, "button[name=save]");
    await keyboard.press("Enter");
    await kim.sees(".tabs [aria-current]", "Read");
    await kim.sees("article", "Typed, not clicked.");
    await tab(kim, ".tabs a[href*=history]");
    await keyboard.press("Enter");
    await kim.sees("li", "minor · no mouse");
    // Enter in a field saves rather than looks again.
    await page.goto(`${base}wiki/By_keyboard?action=edit`);
    await tab(kim, "[name=summary]");
    await keyboard.press("Enter");
    await kim.sees(".tabs [aria-current]", "Read");
  },

  async a_page_on_paper_is_its_text_and_no_more(test) {
    const guest = await come(test);
    await furnish(await come(test, "Boss"));
    await guest.page.goto(`${base}wiki/Garden`);
    await guest.page.emulateMedia({ media: "print" });
    const seen = await guest.page.evaluate(() => {
      const shown = (selector) => [...document.querySelectorAll(selector)].filter((node) => node.checkVisibility()).length;
      const after = (selector) => getComputedStyle(document.querySelector(selector), "::after").content;
      return { frame: shown(".top, .tabs, .links, .edit, .toc, .foot"), article: shown("article h2") > 2,
        address: after("article a[href*='almanac']"), ink: getComputedStyle(document.querySelector("article p")).color,
        paper: getComputedStyle(document.querySelector("main")).backgroundColor };
    });
    assert.deepEqual(seen, { frame: 0, article: true, address: "\" (https://example.org/almanac?moon=full&day=1)\"", ink: "rgb(0, 0, 0)", paper: "rgb(255, 255, 255)" });
    assert.match((await guest.page.pdf()).subarray(0, 5).toString(), /%PDF-/);
  },
};

await run(oneByOne(scenarios), base, wanted);
