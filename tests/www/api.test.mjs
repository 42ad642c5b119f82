// How www/api.js talks, against a fetch() that the test plays.

import assert from "node:assert/strict";
import test from "node:test";

const json = (body, status = 200, headers = {}) =>
  new Response(status === 304 ? null : JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...headers } });
const page = () => new Response("<!doctype html>", { status: 404, headers: { "Content-Type": "text/html" } });

let copies = 0;

// The module afresh, and what it asked; `answer` is given address and options.
async function fresh(answer) {
  const asked = [];
  globalThis.fetch = async (address, options = {}) => {
    asked.push([address, options]);
    return answer(address, options);
  };
  const api = await import(`../../www/api.js?${copies++}`);
  return { api, asked };
}

for (const [says, works, want] of [
  ["beside the page", "./", "./latest"],
  ["in a program beside it", "blerg.cgi/", "blerg.cgi/latest"],
  ["in cgi-bin", "cgi-bin/blerg.cgi/", "cgi-bin/blerg.cgi/latest"],
]) {
  test(`the API is found ${says}, once`, async () => {
    const { api, asked } = await fresh((address) => (address.startsWith(works) ? json([]) : page()));
    await Promise.all([api.get(["latest"]), api.get(["latest"])]);
    await api.get(["latest"]);
    assert.deepEqual(asked.slice(-3).map(([address]) => address), [want, want, want]);
    assert.equal(asked.filter(([address]) => address === `${works}status`).length, 1);
    // The body of an answer that nobody reads would keep its connection.
    assert.ok(asked.slice(0, -3).every(([, { method }]) => method === "HEAD"));
  });
}

test("where no program is, that is said, and looked for again", async () => {
  let is = false;
  const { api } = await fresh(() => (is ? json([]) : page()));
  await assert.rejects(api.get(["latest"]), { code: "offline", message: "There is no Blërg program here." });
  is = true;
  assert.deepEqual(await api.get(["latest"]), { data: [], next: null });
});

test("an answer leads on by what its Link says", async () => {
  const link = { Link: "</blog/get/Bo%20D.?before=Bo%20D./70>; rel=\"next\"" };
  const { api, asked } = await fresh(() => json([{ record: "70" }], 200, link));
  const { next } = await api.get(["get", "Bo D."]);
  assert.equal(next, "Bo D./70");
  await api.get(["get", "Bo D."], { before: next });
  assert.equal(asked.at(-1)[0], "./get/Bo%20D.?before=Bo%20D./70");
});

for (const [says, answer, want] of [
  ["a failure's code and reason", () => json({ status: "failure", code: "bad_data", reason: "Too long." }), { code: "bad_data", message: "Too long." }],
  ["a 404's", () => json({ status: "failure", code: "no_such_user", reason: "There is no such user." }, 404), { code: "no_such_user" }],
  ["how long to wait", () => json({ status: "failure", code: "too_many_requests", reason: "Wait." }, 429, { "Retry-After": "12" }), { code: "too_many_requests", wait_secs: 12 }],
  ["a web server's own error page", () => new Response("Bad Gateway", { status: 502, headers: { "Retry-After": "3" } }), { code: "offline", message: "The site answers 502, and nothing of use.", wait_secs: 3 }],
  ["an answer that broke off", () => new Response("[{", { headers: { "Content-Type": "application/json" } }), { code: "offline" }],
  ["a site that is away", () => Promise.reject(new TypeError("no")), { code: "offline", message: "The site can't be reached." }],
]) {
  test(`told: ${says}`, async () => {
    let first = true;
    const { api } = await fresh(() => (first ? ((first = false), json({})) : answer()));
    await assert.rejects(api.post(["put"], { data: "x" }), want);
  });
}

test("a request that is no longer wanted is told apart", async () => {
  const { api } = await fresh((address, { signal }) => (address.endsWith("status") ? json({}) : new Promise((_, no) => {
    signal.addEventListener("abort", () => no(signal.reason));
  })));
  const leave = new AbortController();
  const asked = api.get(["latest"], {}, leave.signal);
  setImmediate(() => leave.abort());
  await assert.rejects(asked, { code: "aborted" });
});

test("a form is posted as forms are", async () => {
  const { api, asked } = await fresh(() => json({ status: "success", record: "7" }));
  assert.deepEqual(await api.post(["put"], { username: "Bo D.", data: "a&b=ü\n" }, { keepalive: true }), { status: "success", record: "7" });
  const [address, { method, body, keepalive }] = asked.at(-1);
  assert.deepEqual([address, method, String(body), keepalive], ["./put", "POST", "username=Bo+D.&data=a%26b%3D%C3%BC%0A", true]);
});
