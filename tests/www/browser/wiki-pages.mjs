// The wiki's views, each with what brings a person there, and the texts that they show. Start at `VIEWS`; `furnish` writes
// the texts. Scenarios (wiki.mjs) judge every view, and shots.mjs takes pictures.

import { PASSWORD, Person, assert } from "./drive.mjs";

const PICTURE = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==", "base64");

/** A text with everything that a page can have, and with headings that are called as the frame's own parts are. */
const GARDEN = `# The garden in its second year

What grew, what did not, and why. #garden #notes by @Boss; see [[Compost]], [[Seeds|the list of seeds]] and
[[A page that nobody has written]], or [the almanac](https://example.org/almanac?moon=full&day=1) at <https://example.org/>.

![The bed behind the house](bed.png)

## Beds

| Bed | Sown | Harvest in kg | Note |
| :-- | :--: | ------------: | ---- |
| North | March | 12.5 | Beans, *again* |
| South behind the shed where nothing has ever grown well | April | 3 | ~~Carrots~~ nothing |
| Kaninchenzüchterverein | Mai | 0.25 | \`kohl --early --protected-by=net --days-until-harvest=90\` |

### What to do next

- [x] dig
- [ ] sow
  1. beans
  2. peas
     - the *small* ones
- Water[^water], and **wait**[^wait].

## Main

> Whoever plants a garden believes in tomorrow.
>
> > Or has time on Sunday.

\`\`\`sh
for bed in north south; do water --litres 12 "$bed" --before sunrise --and --again --after sunset --if "no rain"; done
\`\`\`

Term with a very long word: Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft.

---

## Links here

### Deeper

## Search

<b>No HTML</b> &amp; entities. שלום, 月落烏啼霜滿天.

[^water]: Before noon.
[^wait]: Three weeks; see [[Compost#Heat|heat]].

    Or four.
`;

const LONG = Array.from({ length: 60 }, (_, n) => `Paragraph ${n} stays as it is.\n`).join("\n");

/** Sends a form as a page of the site would. */
export function send(person, path, form, multipart) {
  const body = multipart ? { multipart } : { form };
  const headers = { "Sec-Fetch-Site": "same-origin" };
  return person.context.request.post(person.base + path, { ...body, headers, maxRedirects: 0, timeout: 60e3 });
}

/** Saves a text as a page. */
export async function write(person, page, text, { base = 0, summary = "" } = {}) {
  const answer = await send(person, `wiki/${encodeURIComponent(page)}`, { text, base: `${base}`, summary, save: "1" });
  assert.equal(answer.status(), 303, `${page}: ${await answer.text()}`);
}

/** Somebody with an account that exists or is made. */
export async function come(test, name, options) {
  const person = await Person.come(test, options);
  person.name = name;
  if (name) {
    await person.context.request.post(`${test.base}create`, { form: { username: name, password: PASSWORD } });
    await person.call("login", { username: name, password: PASSWORD });
  }
  person.page.on("response", (answer) => {
    if (answer.request().isNavigationRequest() && answer.frame() === person.page.mainFrame()) {
      person.answer = answer;
    }
  });
  return person;
}

/** Writes what the views show; an administrator does it, once. */
export async function furnish(boss) {
  if ((await boss.context.request.get(`${boss.base}wiki/Garden`)).status() === 200) {
    return;
  }
  await write(boss, "Garden", GARDEN.replace("second", "first"), { summary: "What I remember" });
  await write(boss, "Garden", GARDEN, { base: 1, summary: "The *second* year <now>, see [[Compost]]" });
  await write(boss, "Compost", "Heat makes it. [[Garden]] #garden\n\n## Heat\n\n60 °C.\n");
  await write(boss, "Alone", "Nobody links here. #notes\n");
  await write(boss, "Long", `first\n\n${LONG}\nlast\n`);
  await write(boss, "Long", `first, changed, and with words\n\n${LONG}\nlast, too\n`, { base: 1, summary: "Both ends" });
  await write(boss, "ورقة البحث", "# ورقة\n\nنص عربي مع [[Garden]].\n");
  for (const [name, mimeType, buffer] of [["bed.png", "image/png", PICTURE], ["plan & costs.pdf", "application/pdf", Buffer.from("%PDF-1.4\n")]]) {
    const answer = await send(boss, "wiki/Garden?action=attach", undefined, { summary: "", file: { name, mimeType, buffer } });
    assert.equal(answer.status(), 303, await answer.text());
  }
  assert.equal((await send(boss, "wiki/Garden?action=attach", { delete: "plan & costs.pdf" })).status(), 303);
  await write(boss, "Gone", "soon");
  assert.equal((await send(boss, "wiki/Gone?action=delete", { summary: "not needed" })).status(), 303);
  assert.equal((await send(boss, "wiki/Alone?action=rename", { to: "Island", summary: "truer" })).status(), 303);
  for (const text of ["The [[Garden]] sleeps. #garden", "Beans! [[Garden]] https://example.org/ @Boss"]) {
    await boss.put(text);
  }
}

/** Presses the button of a form that was typed into. */
async function press(person, button, text) {
  await person.page.fill("textarea[name=text]", text);
  await person.page.fill("[name=summary]", "what I did");
  await person.page.click(`button[name=${button}]`);
}

let fights = 0;

/** Two change the same two places; the second is asked. */
async function fight(person) {
  const page = `Fight ${fights++} ${Math.random()}`;
  const text = (who) => `intro\n\n${who} says one thing\n\nmiddle\nof\nit\nall\n\n${who} says another, at length, so that lines are broken on any screen there is\n\nend\n`;
  await write(person, page, text("Nobody"));
  await person.page.goto(`${person.base}wiki/${encodeURIComponent(page)}?action=edit`);
  await write(person, page, text("Somebody else").replace("end", "end, added"), { base: 1, summary: "quicker" });
  await press(person, "save", text("Myself"));
  await person.page.locator("fieldset >> nth=1").waitFor();
}

const look = (path) => async (person) => void (await person.page.goto(`${person.base}wiki/${path}`));

/** Each view: who looks (a guest or an administrator), and what brings them there. */
export const VIEWS = {
  view: ["guest", look("Garden")],
  "view-boss": ["boss", look("Garden")],
  arabic: ["guest", look(encodeURIComponent("ورقة البحث"))],
  old: ["guest", look("Garden?rev=1")],
  missing: ["guest", look("A_page_that_nobody_has_written")],
  "missing-boss": ["boss", look("Gardens")],
  deleted: ["guest", look("Gone")],
  "no-name": ["guest", look("a%3Fb")],
  edit: ["boss", look("Garden?action=edit")],
  section: ["boss", look("Garden?action=edit&section=2")],
  "edit-redirect": ["boss", look("Alone?action=edit")],
  "edit-guest": ["guest", look("Garden?action=edit")],
  preview: ["boss", async (person) => {
    await look("Garden?action=edit")(person);
    await press(person, "preview", GARDEN);
    await person.sees(".note", "preview");
  }],
  "session-over": ["guest", async (person) => {
    // The form stood there before the session ended.
    const boss = await come(person.test, "Boss");
    await look("Garden?action=edit")(boss);
    await boss.context.clearCookies();
    await press(boss, "save", "typed for hours");
    await boss.page.locator("[name=password]").waitFor();
    return boss;
  }],
  conflict: ["boss", fight],
  history: ["guest", look("Garden?action=history")],
  diff: ["guest", look("Garden?action=diff&from=1&to=2")],
  "diff-long": ["guest", look("Long?action=diff&from=1&to=2")],
  revert: ["boss", look("Garden?action=revert&rev=1")],
  rename: ["boss", look("Garden?action=rename")],
  "rename-guest": ["guest", look("Garden?action=rename")],
  attach: ["boss", look("Garden?action=attach")],
  "attach-guest": ["guest", look("Garden?action=attach")],
  links: ["guest", look("Garden?action=links")],
  recent: ["guest", look("Special:Recent")],
  all: ["guest", look("Special:All")],
  tags: ["guest", look("Special:Tags")],
  tag: ["guest", look("Special:Tags/garden")],
  wanted: ["guest", look("Special:Wanted")],
  orphans: ["guest", look("Special:Orphans")],
  search: ["guest", look("Special:Search?q=garden")],
  "search-none": ["guest", look("Special:Search?q=nothing-of-the-kind")],
  "search-wrong": ["guest", look("Special:Search?q=%22")],
  login: ["guest", look("Special:Login?return=Garden")],
  "login-wrong": ["guest", async (person) => {
    await look("Special:Login")(person);
    await person.page.fill("[name=username]", "Boss");
    await person.page.fill("[name=password]", "not the password");
    await person.page.click("main button");
    await person.sees(".note", "wrong");
  }],
  nothing: ["guest", look("Special:Nothing")],
};
