// What people do with the client, in Chromium: node scenarios.mjs BASE [[-]NAME ...]. The site is started by tests/it/client.rs;
// BASE ends in a slash. The site has the sample's posts, no rate limits, and open registration.

import { Bridge, PASSWORD, Person, assert, naughty, run } from "./drive.mjs";

// Those that take longest come first.
const quiet = {
  async ten_thousand_posts_are_scrolled_back_through(test) {
    const jo = await Person.come(test);
    const { page } = jo;
    await jo.open("#user/many");
    const { record_count: count } = await jo.call("info/many");
    // As fast as it can: whenever there is an end, on from there.
    await page.evaluate((want) => new Promise((done) => {
      const older = document.querySelector(".older");
      const on = () => document.querySelectorAll(".post").length === want ? done() : older.hidden || older.click();
      new MutationObserver(on).observe(older, { attributes: true, attributeFilter: ["hidden"] });
      on();
    }), Number(count));
    await jo.settled();
    assert.deepEqual((await jo.texts()).slice(-2), ["line 1", "line 0"]);
    const texts = await jo.texts();
    assert.equal(new Set(texts).size, Number(count));
  },

  async every_view_is_accessible_and_fits(test) {
    const qi = await Person.come(test, { name: "Qi" });
    const { page } = qi;
    await qi.put(`a long ${"word".repeat(60)} https://example.org/${"path/".repeat(40)} #${"t".repeat(64)}`);
    await qi.put("line\n".repeat(60), { reply_to: "Qi/0" });
    for (const hash of ["#latest", "#user/Qi", "#user/Qi/0", "#tag/tea,coffee", "#feed", "#mentions", "#search?q=tea", "#post", "#reply/Qi/0",
      "#edit/Qi/0", "#account", "#login", "#join", "#about", "#nowhere", "#user/nobody"]) {
      await qi.open(hash);
      for (const width of [1280, 768, 320]) {
        await page.setViewportSize({ width, height: 800 });
        // A theme is colours, and nothing else.
        for (const [colorScheme, rules] of [["light"], ["dark", ["color-contrast"]]]) {
          await page.emulateMedia({ colorScheme });
          await qi.check(`${hash} ${width} ${colorScheme}`, rules);
        }
      }
    }
  },

  async a_visitor_reads_every_view_and_shares_its_address(test) {
    const ada = await Person.come(test);
    for (const [hash, title, text] of [
      ["", "Latest posts", "Starter named Byte."],
      ["#latest", "Latest posts", "Starter named Byte."],
      ["#user/Ada", "Ada", "A log that only grows"],
      ["#user/Old%20Salt", "Old Salt", "Tide tables"],
      ["#user/o'brien/0", "Post by o'brien", "plain text file"],
      ["#user/mei/3", "Post by mei", "月落烏啼霜滿天"],
      ["#tag/storage", "#storage", "one durable put"],
      ["#tag/%40Ada", "@Ada", "after lunch I pulled"],
      ["#tag/poetry,haiku", "#poetry + #haiku", "古池や"],
      ["#search?q=%22right%20cord%22", "Search: \"right cord\"", "I pulled the right cord"],
      ["#about", "About", "next post, previous post"],
    ]) {
      await ada.open(hash);
      await ada.sees("h1", title);
      await ada.sees("main", text);
      assert.equal(await ada.page.title(), `${title} – Blërg`);
      await ada.page.reload();
      await ada.sees("main", text);
    }
    await ada.open("#user/mei/3");
    await ada.sees("h2", "Replies");
    assert.equal((await ada.texts()).length, 4);
    await ada.open("#user/Ada/1");
    await ada.sees(".above", "First #bug of the day");
    await ada.open("#nowhere");
    await ada.sees("h1", "There is no such page");
    await ada.open("#user/nobody-here");
    await ada.sees(".notice", "There is no such user.");
    for (const [hash, feed] of [["#user/Old%20Salt", "rss/user/Old%20Salt.atom"], ["#tag/tea,@mei", "rss/tag/Htea,@mei.atom"], ["#search?q=tea%20x", "rss/search.atom?q=tea%20x"]]) {
      await ada.open(hash);
      await ada.until((want) => document.querySelector(".feed")?.href.endsWith(want), feed);
      const answer = await ada.context.request.get(await ada.page.locator(".feed").evaluate((node) => node.href));
      assert.match(await answer.text(), /<feed/, hash);
    }
    // What stands in the head, and at the foot of each view.
    for (const link of await ada.page.locator("[rel=alternate], .foot a:not([href^='#'])").evaluateAll((nodes) => nodes.map((node) => node.href))) {
      assert.ok(link.startsWith(test.base), link);
      const answer = await ada.context.request.get(link);
      // A new wiki has no page yet, and says so.
      assert.match(await answer.text(), link.endsWith("/wiki/") ? /<main/ : /A log that only grows/, link);
    }
  },

  async somebody_joins_posts_replies_edits_and_deletes(test) {
    const { page, ...eve } = await begin(test);
    const person = eve.person;
    await person.click("Join");
    await page.fill("[name=username]", "Eve");
    await page.fill("[name=password]", "short");
    await page.keyboard.press("Enter");
    await person.sees(".notice", "password");
    assert.equal(await page.inputValue("[name=username]"), "Eve");
    await page.fill("[name=password]", PASSWORD);
    await page.keyboard.press("Enter");
    await person.sees(".toast", "You are signed in as Eve.");
    await person.click("Write");
    await person.sees("textarea:focus");
    await page.keyboard.type("First, é! #eve");
    await person.sees("output", "15 of 65,535 bytes");
    await page.keyboard.press("Control+Enter");
    await person.sees(".toast", "Posted.");
    await person.sees(".post .text", "First, é! #eve");
    const own = page.locator(".post", { hasText: "First, é!" });
    await own.locator(".reply").click();
    await person.sees(".above", "First, é!");
    await page.fill("textarea", "Second @Ada");
    await person.click("Send");
    await person.sees("h1", "Post by Eve");
    await person.sees(".toast", "Replied.");
    await person.sees("ol[aria-label=Posts] .text", "Second @Ada");
    await page.locator(".self .edit").click();
    await person.until(() => document.querySelector("textarea")?.value === "First, é! #eve");
    await page.fill("textarea", "First, changed");
    await person.click("Send");
    await person.sees(".self .text", "First, changed");
    await person.sees(".self", "edited");
    await page.goBack();
    await page.goForward();
    await person.sees(".self .text", "First, changed");
    await deletes(person);
  },

  async a_draft_survives_reload_failure_and_a_lost_answer(test) {
    const dan = await Person.come(test, { name: "Dan" });
    const { page } = dan;
    await dan.open("#post");
    await page.fill("textarea", "a draft\nof two lines");
    await page.reload();
    await dan.until(() => document.querySelector("textarea")?.value === "a draft\nof two lines");
    // Nobody there.
    await page.route("**/put", (route) => route.abort());
    await dan.click("Send");
    await dan.sees(".notice", "The site can't be reached.");
    // The answer is lost, but the post was made.
    await page.unroute("**/put");
    await page.route("**/put", async (route) => {
      await route.fetch();
      await route.abort();
    });
    await dan.click("Send");
    await dan.sees("form:not([aria-busy=true]) .notice", "The site can't be reached.");
    await page.unroute("**/put");
    assert.equal(await page.inputValue("textarea"), "a draft\nof two lines");
    await dan.click("Send");
    await dan.sees(".toast", "Posted.");
    await dan.open("#user/Dan");
    assert.deepEqual(await dan.texts(), ["a draft\nof two lines"]);
    // Acknowledged: nothing is kept.
    await dan.open("#post");
    assert.equal(await page.inputValue("textarea"), "");
    // Refused: too long.
    await page.locator("textarea").evaluate((area) => {
      area.value = "é".repeat(33000);
      area.dispatchEvent(new Event("input"));
    });
    await dan.sees("output.wrong", "66,000 of 65,535 bytes");
    await page.setViewportSize({ width: 320, height: 640 });
    await dan.click("Send");
    await dan.sees(".notice", "A record has 1 to 65535 bytes, this one has 66000.");
    await dan.until(() => document.querySelector(".notice").getBoundingClientRect().bottom <= innerHeight);
    assert.equal((await page.inputValue("textarea")).length, 33000);
    await page.fill("textarea", "shorter");
    // Too many requests: the site says how long to wait.
    await page.clock.install();
    await page.route("**/put", (route) => route.fulfill({ status: 429, contentType: "application/json", headers: { "Retry-After": "30" },
      body: JSON.stringify({ status: "failure", code: "too_many_requests", reason: "Too many posts." }) }));
    await dan.click("Send");
    await dan.sees(".notice", "Too many posts.");
    await dan.sees("button:disabled", "Send (in 30 s)");
    await page.unroute("**/put");
    await page.clock.fastForward(31e3);
    await page.locator("button:enabled", { hasText: /^Send$/ }).click();
    await dan.sees(".toast", "Posted.");
    await dan.sees(".text", "shorter");
  },

  async a_session_that_ends_costs_no_text(test) {
    const finn = await Person.come(test, { name: "Finn" });
    const { page } = finn;
    await finn.open("#post");
    await page.fill("textarea", "written before the end");
    await finn.context.clearCookies();
    await finn.click("Send");
    await finn.sees(".notice", "not logged in");
    await finn.click("Sign in", ".notice a");
    await page.fill("[name=username]", "Finn");
    await page.fill("[name=password]", "not the password");
    await page.keyboard.press("Enter");
    await finn.sees(".notice", "wrong");
    await page.fill("[name=password]", PASSWORD);
    await page.keyboard.press("Enter");
    await finn.until(() => document.querySelector("textarea")?.value === "written before the end");
    await finn.click("Send");
    await finn.sees(".post .text", "written before the end");
    // While something is only read, too.
    await finn.context.clearCookies();
    await finn.open("#feed");
    await finn.sees(".notice", "not logged in");
    await finn.sees(".out:not([hidden])");
  },

  async two_people_follow_and_mention_each_other(test) {
    const gil = await Person.come(test, { name: "Gil" });
    const hana = await Person.come(test, { name: "Hana" });
    const { page } = gil;
    await gil.open("#user/Hana");
    await gil.click("Follow");
    await gil.sees("button", "Unfollow");
    await gil.open("#feed");
    await gil.sees("main", "No posts yet.");
    await page.clock.install();
    await page.reload();
    await gil.settled();
    const polls = await gil.statuses(/^GET .*\/status$/);
    // Nothing new: it asks again, more and more seldom, and is told so in few bytes.
    await poll(page, polls, 3);
    assert.deepEqual(polls.slice(1), [304, 304]);
    await hana.put("for my readers, and @Gil");
    await poll(page, polls, 4);
    assert.equal(polls[3], 200);
    await gil.sees("[href='#feed'] .badge", "1");
    await gil.sees("[href='#mentions'] .badge", "1");
    await gil.click("Show 1 new post");
    await gil.sees(".post .text", "for my readers");
    await gil.seesNo("[href='#feed'] .badge");
    await page.click("[href='#mentions']");
    await gil.sees(".post .text", "for my readers");
    await gil.seesNo("[href='#mentions'] .badge");
    await gil.open("#user/Hana");
    await gil.click("Unfollow");
    await gil.sees("button", /^Follow$/);
  },

  async the_site_goes_away_and_returns(test) {
    const bridge = await Bridge.to(test.base);
    const kim = await Person.come({ ...test, base: bridge.base });
    const { page } = kim;
    await kim.open("#latest");
    await bridge.close();
    await kim.click("Search");
    await page.fill("[name=q]", "smallweb");
    await page.keyboard.press("Enter");
    await kim.sees(".notice", "The site can't be reached.");
    assert.equal(await page.inputValue("[name=q]"), "smallweb");
    await bridge.open();
    await kim.click("Try again");
    await kim.sees(".post", "smallest machine");
    // It says that it is offline, and goes on by itself.
    await kim.context.setOffline(true);
    await kim.click("Latest");
    await kim.sees(".notice", "You are offline.");
    await kim.context.setOffline(false);
    await kim.sees(".post .text");
    await bridge.close();
  },

  async it_is_read_on_paper_without_motion_and_without_script(test) {
    const ria = await Person.come(test, { reducedMotion: "reduce" });
    await ria.open("#user/mei/3");
    await ria.sees(".text", "Мороз и солнце");
    assert.equal(await ria.page.evaluate("document.getAnimations().length"), 0);
    await ria.page.emulateMedia({ media: "print", colorScheme: "dark" });
    await ria.sees(".text", "Мороз и солнце");
    await ria.seesNo(".bar");
    await ria.seesNo(".foot");
    // Ink on white, also where the screen is dark.
    assert.equal(await ria.page.evaluate("getComputedStyle(document.documentElement).color"), "rgb(32, 36, 42)");
    const sue = await Person.come(test, { javaScriptEnabled: false });
    await sue.page.goto(test.base);
    for (const [name, end] of [["feed of all posts", "rss/latest.rss"], ["wiki", "wiki/"]]) {
      const href = await sue.page.locator("noscript a", { hasText: name }).getAttribute("href");
      assert.equal(href, end);
    }
    assert.match(await sue.page.evaluate("document.body.innerText"), /Without JavaScript/);
    await sue.fits("noscript");
  },

  async a_slow_site_is_waited_for_and_late_answers_stay_away(test) {
    const lea = await Person.come(test, { viewport: { width: 412, height: 800 } });
    const { page } = lea;
    let late;
    // What comes late has its place already.
    await page.route("**/latest/tags", (route) => (late = route));
    await page.goto(test.base);
    await lea.sees(".post");
    await late.continue();
    await lea.sees(".side a");
    const shifts = await lea.shifts();
    assert.ok(shifts < 0.1, `shifts of ${shifts}`);
    await page.route("**/get/Ada", (route) => (late = route));
    await page.goto(`${test.base}#user/Ada`);
    await lea.sees("main", "Loading…");
    await lea.until(() => document.querySelector("main").textContent.includes("follows"));
    await lea.click("Search");
    await lea.sees("h1", "Search");
    await late.continue().catch(() => {});
    await page.fill("[name=q]", "from:Ada");
    await page.keyboard.press("Enter");
    await lea.sees(".post", "A log that only grows");
    await page.goBack();
    await page.goBack();
    await page.unroute("**/get/Ada");
    await lea.sees("h1", "Ada");
    await lea.open("#user/Ada");
    await lea.sees(".post", "A log that only grows");
  },

  async back_and_forward_go_through_the_views(test) {
    const max = await Person.come(test);
    const { page } = max;
    await max.open("#tag/debugging");
    await page.locator(".post .author", { hasText: "grace" }).first().click();
    await max.sees("h1", "grace");
    assert.equal(await page.evaluate("document.activeElement.textContent"), "grace");
    await page.locator(".text a", { hasText: "#storage" }).first().click();
    await max.sees("h1", "#storage");
    await page.fill("[name=and]", "#design");
    await page.keyboard.press("Enter");
    await max.sees("h1", "#storage + #design");
    for (const [move, title] of [["goBack", "#storage"], ["goBack", "grace"], ["goBack", "#debugging"], ["goForward", "grace"], ["reload", "grace"], ["goForward", "#storage"]]) {
      await page[move]();
      await max.sees("h1", title);
      await max.sees(".post");
      assert.equal(await page.title(), `${title} – Blërg`);
    }
  },

  async everything_works_by_keyboard_alone(test) {
    const nia = await Person.come(test, { name: "Nia" });
    const { page } = nia;
    const press = (...keys) => keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
    await nia.open("#latest");
    await nia.sees(".post");
    await press("Tab");
    assert.equal(await page.evaluate("document.activeElement.className"), "skip");
    await press("Enter");
    assert.equal(await page.evaluate("document.activeElement.id"), "main");
    await press("n");
    await nia.sees("textarea:focus");
    await page.keyboard.type("by keyboard: j k ? n #nia");
    await press("Tab", "Enter");
    await nia.sees(".post", "by keyboard");
    await press("u");
    await nia.sees("h1", "Nia");
    await nia.sees(".post", "by keyboard");
    await press("j");
    await nia.sees(".post:focus", "by keyboard");
    await press("j", "k", "Enter");
    await nia.sees(".self", "by keyboard");
    await press("r");
    await nia.sees("textarea:focus");
    await page.keyboard.type("and a reply");
    await press("Control+Enter");
    await nia.sees("ol[aria-label=Posts] .post", "and a reply");
    await press("/");
    await nia.sees("[name=q]:focus");
    await page.keyboard.type("keyboard");
    await press("Enter");
    await nia.sees(".post", "by keyboard");
    await press("Escape", "u");
    await nia.sees("h1", "Nia");
    await nia.sees(".post", "by keyboard");
    await press("f");
    await nia.sees("h1", "Feed");
    await press("m");
    await nia.sees("h1", "Mentions");
    await press("l");
    await nia.sees("h1", "Latest posts");
    await press("?");
    await nia.sees("h1", "About");
    await page.uncheck("main input");
    await page.locator("main input").blur();
    await press("l");
    assert.equal(await page.textContent("h1"), "About");
  },

  async an_account_is_looked_after(test) {
    const oda = await Person.come(test, { name: "Oda" });
    const { page } = oda;
    await oda.call("login", { username: "Oda", password: PASSWORD });
    await oda.open("#account");
    await oda.until(() => document.querySelectorAll(".sessions li").length === 2);
    await oda.sees(".sessions", "Chrome, Linux, 127.0.0.1, now");
    await oda.click("End all others");
    await oda.until(() => document.querySelectorAll(".sessions li").length === 1);
    await page.fill("[name=password]", "wrong password");
    await page.fill("[name=new_password]", "battery staple");
    await page.keyboard.press("Enter");
    await oda.sees(".notice", "wrong");
    assert.equal(await page.inputValue("[name=new_password]"), "battery staple");
    await page.fill("[name=password]", PASSWORD);
    await page.keyboard.press("Enter");
    await oda.sees(".toast", "The password is changed");
    const saved = page.waitForEvent("download");
    await page.click(".export");
    assert.match(await (await saved).path(), /./);
    await oda.click("Sign out");
    await oda.sees(".toast", "You are signed out.");
    await oda.seesNo(".in:not([hidden])");
    await oda.click("Sign in");
    await page.fill("[name=username]", "Oda");
    await page.fill("[name=password]", "battery staple");
    await page.keyboard.press("Enter");
    await oda.sees(".name", "Oda");
  },

  async the_bookmarklet_begins_a_post(test) {
    const pia = await Person.come(test, { name: "Pia" });
    const { page } = pia;
    await pia.open("#post");
    await page.fill("textarea", "begun");
    await pia.open("#about");
    const mark = await page.locator(".mark").evaluate((node) => node.href);
    await page.goto("about:blank");
    await page.evaluate((code) => {
      document.title = "A page & more";
      (0, eval)(decodeURIComponent(code.slice("javascript:".length)));
    }, mark);
    await page.waitForURL(`${test.base}#post`);
    await pia.until(() => document.querySelector("textarea")?.value === "begun\n\nA page & more\nabout:blank");
    await page.reload();
    await pia.until(() => document.querySelector("textarea")?.value === "begun\n\nA page & more\nabout:blank");
  },
};

// These push what others wait for out of the latest posts.
const loud = {
  async lists_go_back_to_the_first_post_and_keep_their_place(test) {
    const ida = await Person.come(test, { name: "Ida" });
    const { page } = ida;
    for (let n = 0; n < 120; n++) {
      await ida.put(`number ${n} #ida`);
    }
    await ida.open("#user/Ida");
    await ida.sees(".post", "number 119");
    for (let shown = 100; shown <= 120; shown += 20) {
      await page.locator(".older").evaluateAll((nodes) => nodes.forEach((node) => node.hidden || node.scrollIntoView()));
      await ida.until((want) => document.querySelectorAll(".post").length >= want, shown);
    }
    assert.deepEqual(await ida.texts(), Array.from({ length: 120 }, (_, at) => `number ${119 - at} #ida`));
    await page.locator(".post", { hasText: /number 3 #/ }).locator(".time").click();
    await ida.sees(".self", "number 3 #");
    await page.goBack();
    await ida.until(() => document.querySelectorAll(".post").length === 120 && scrollY > 1000);
    await ida.open("#user/Ida?before=Ida/10");
    assert.deepEqual((await ida.texts()).length, 10);
  },

  async hostile_posts_are_shown_exactly_and_run_nothing(test) {
    const mallory = await Person.come(test, { name: "Mallory" });
    const { page } = mallory;
    const own = ["<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "javascript:alert(1) https://x.example/\"onmouseover=alert(1)",
      "http://[::1]/'><svg onload=alert(1)>", "{{constructor.constructor('alert(1)')()}}", "&lt;b&gt; &amp;", "\u202Egnp.exe #\u202Eevil",
      "<iframe srcdoc='<script>parent.alert(1)</script>'>", "#<svg/onload=alert(1)> @<b>"];
    const texts = [...own, ...naughty].filter((text) => text.isWellFormed());
    for (let at = 0; at < texts.length; at += 16) {
      await Promise.all(texts.slice(at, at + 16).map((text) => mallory.put(text)));
    }
    await mallory.open("#user/Mallory");
    await mallory.until((want) => {
      const older = document.querySelector(".older");
      older.hidden || older.click();
      return document.querySelectorAll(".post").length === want;
    }, texts.length);
    assert.deepEqual((await mallory.texts()).sort(), texts.toSorted());
    const odd = await page.evaluate(() => ({
      elements: document.querySelectorAll(".text :not(a), .text a *").length,
      links: [...document.querySelectorAll(".text a")].map((a) => a.protocol).filter((is) => is !== "http:" && is !== "https:"),
    }));
    assert.deepEqual(odd, { elements: 0, links: [] });
    for (const hash of ["#user/%3Cimg%20src=x%20onerror=alert(1)%3E", "#search?q=%3Cscript%3Ealert(1)%3C/script%3E", "#tag/%3Cb%3E",
      "#login?next=javascript:alert(1)", "#post?text=%3Cimg%20src=x%20onerror=alert(1)%3E"]) {
      await mallory.open(hash);
      assert.equal(await page.locator("main img, main script, main svg, main iframe").count(), 0);
    }
  },
};

async function begin(test) {
  const person = await Person.come(test);
  await person.open("");
  return { person, page: person.page };
}

// Lets the page's time run on until it has asked so many times.
async function poll(page, polls, times) {
  for (let step = 0; polls.length < times; step++) {
    assert.ok(step < 100, "no poll");
    await page.clock.runFor(5000);
    await page.evaluate("new Promise((done) => { const channel = new MessageChannel(); channel.port1.onmessage = done; channel.port2.postMessage(0); })");
  }
}

async function deletes(person) {
  const { page } = person;
  await page.clock.install();
  await person.open("#user/Eve");
  const own = () => page.locator(".post", { hasText: "First, changed" });
  await own().locator(".delete").click();
  await person.sees(".gone:focus-within", "Post deleted.");
  await person.click("Undo");
  await own().locator(".text").waitFor();
  await page.clock.runFor(20000);
  await own().locator(".delete").click();
  // Held back: the site still has it, also while one looks elsewhere.
  assert.equal((await person.call("get/Eve")).length, 2);
  await person.click("Latest");
  await person.sees(".gone", "Post deleted.");
  await page.clock.runFor(20000);
  await person.sees(".toast", "The post is deleted.");
  assert.equal((await person.call("get/Eve")).length, 1);
  await person.open("#user/Eve/0");
  await person.sees(".notice", "There is no such record.");
  // Refused: it is there again.
  await person.open("#user/Eve");
  await page.route("**/delete", (route) => route.abort());
  await page.locator(".delete").first().click();
  await page.clock.runFor(20000);
  await person.sees(".toast", "The site can't be reached.");
  await page.locator(".post .text", { hasText: "Second" }).waitFor();
  await page.unroute("**/delete");
  // Whoever leaves has not undone.
  await page.locator(".delete").first().click();
  await person.sees(".gone", "Post deleted.");
  await page.goto("about:blank");
  await person.page.goto(`${person.base}#latest`);
  for (let tries = 0; (await person.call("get/Eve")).length > 0; tries++) {
    assert.ok(tries < 1000, "the post is still there");
  }
}

const [base, ...names] = process.argv.slice(2);
await run([quiet, loud], base, names);
