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
