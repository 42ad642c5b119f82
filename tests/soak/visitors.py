"""What visitors do in a long run, and what each of them knows to have been acknowledged. Start at `Author`: it does one thing at a
time, chosen by weight, by a way chosen at random, and can say at the end whether the site still knows all of it.
"""

import json
import random
import re
import socket
import urllib.parse
from collections import Counter

from site_under_load import PASSWORD, WAYS, Visitor

WORDS = "tea river lamp over stone quiet morning paper salt window bread north letter cloud apple engine".split()
TAGS = ["tea", "river", "lamp", "stone", "salt", "bread", "north", "cloud"]
# A process a request costs the most, so it is asked by less often.
WAY_WEIGHTS = (45, 45, 10)


class Author:
    """One account, one visitor; a record is `None` once its deletion is acknowledged."""

    def __init__(self, site, name, others, seed, tally):
        self.random, self.name, self.others, self.tally = random.Random(seed), name, others, tally
        self.visitor, self.site = Visitor(site), site
        self.records, self.page, self.page_rev, self.files, self.etags = {}, None, 0, {}, {}
        # Texts of records whose change was not answered: either may be there.
        self.unsure = {}
        self.count = 0

    def sign_up(self):
        fields = {"username": self.name, "password": PASSWORD}
        assert self.visitor.ask("http", "POST", "/create", fields).status == 200
        self.log_in("http")

    def step(self):
        """Does something."""
        names = list(ACTIONS)
        name = self.random.choices(names, [weight for weight, _ in ACTIONS.values()])[0]
        self.tally.done[name] += 1
        ACTIONS[name][1](self, self.random.choices(WAYS, WAY_WEIGHTS)[0])

    def ask(self, way, method, path, body=None, headers=(), want=(200, 304)):
        answer = self.visitor.ask(way, method, path, body, headers)
        self.tally.count(way, method, path, answer, want)
        return answer

    def words(self, count):
        self.count += 1
        words = self.random.choices(WORDS, k=count)
        return f"{self.name} {self.count} " + " ".join(words) + f" #{self.random.choice(TAGS)}"

    # Writing.

    def put(self, way):
        text = self.words(self.random.choice((3, 10, 30, 200)))
        if self.random.random() < 0.2:
            text += f" @{self.random.choice(self.others)}"
        fields = {"data": text, "username": self.name}
        if self.records and self.random.random() < 0.2:
            fields["reply_to"] = f"{self.name}/{max(self.records)}"
        answer = self.ask(way, "POST", "/put", fields)
        if self.is_done(answer):
            self.records[int(json.loads(answer.body)["record"])] = text

    def pick(self):
        kept = [record for record, text in list(self.records.items())[-500:] if text is not None]
        return self.random.choice(kept) if kept else None

    def edit(self, way):
        record = self.pick()
        if record is not None:
            text = self.words(12)
            self.change(record, text, way, "/edit", {"record": record, "data": text, "username": self.name})

    def delete(self, way):
        record = self.pick()
        if record is not None:
            self.change(record, None, way, "/delete", {"record": record, "username": self.name})

    def change(self, record, text, way, path, fields):
        """What is not answered may be done or not."""
        self.unsure[record] = text
        if self.is_done(self.ask(way, "POST", path, fields)):
            self.records[record] = text
        del self.unsure[record]

    def is_done(self, answer):
        return answer.status == 200 and json.loads(answer.body)["status"] == "success"

    def follow(self, way):
        path = self.random.choice(("/subscribe/", "/subscribe/", "/unsubscribe/"))
        self.ask(way, "POST", path + self.random.choice(self.others), {"username": self.name})

    def log_in(self, way):
        answer = self.ask(way, "POST", "/login", {"username": self.name, "password": PASSWORD})
        if self.is_done(answer):
            self.visitor.token = answer.headers["set-cookie"].split(";")[0].removeprefix("auth=")

    def log_in_again(self, way):
        self.ask(way, "POST", "/logout", {"username": self.name})
        self.log_in(way)

    def wrong_login(self, way):
        self.ask(way, "POST", "/login", {"username": self.name, "password": "wrong horse"})

    # Reading.

    def read(self, way, path):
        """Half of all readers ask whether what they have is still good."""
        headers = {}
        if path in self.etags and self.random.random() < 0.5:
            headers["If-None-Match"] = self.etags[path]
        answer = self.ask(way, "GET", path, headers=headers, want=(200, 304, 404))
        if len(self.etags) > 200:
            self.etags.clear()
        if "etag" in answer.headers:
            self.etags[path] = answer.headers["etag"]

    def someone(self):
        return self.random.choice([self.name, *self.others])

    def read_records(self, way):
        tag = self.random.choice(TAGS)
        user = self.someone()
        paths = ["/latest", "/latest/tags", f"/get/{user}", f"/get/{user}/0-99", f"/info/{user}", f"/tag/%23{tag}", f"/taginfo/H{tag}",
                 f"/tag/H{tag}/0-20", f"/tag/H{tag},H{self.random.choice(TAGS)}", f"/thread/{self.name}/{self.pick() or 0}"]
        self.read(way, self.random.choice(paths))

    def read_own(self, way):
        self.read(way, self.random.choice(("/feed", "/status", "/feedinfo", "/sessions", f"/history/{self.name}/{self.pick() or 0}")))

    def search(self, way):
        query = " ".join(self.random.choices(WORDS, k=self.random.choice((1, 2))))
        self.read(way, "/search?" + urllib.parse.urlencode({"q": query}))

    def read_feed(self, way):
        what = self.random.choice((f"user/{self.someone()}", f"tag/H{self.random.choice(TAGS)}", "latest", "wiki", f"page/{self.wiki_name()}"))
        self.read(way, f"/rss/{what}" + self.random.choice(("", ".atom", ".json")))

    def read_file(self, _):
        self.read(self.random.choice(("http", "lighttpd")), self.random.choice(("/", "/app.js", "/favicon.ico", "/index.html")))

    def export(self, way):
        self.read(way, "/export")

    # The wiki.

    def wiki_name(self):
        return f"Page_of_{self.someone()}"

    def own_page(self):
        return f"/wiki/Page_of_{self.name}"

    def edit_page(self, way):
        paragraphs = [self.words(20) for _ in range(self.random.choice((2, 5, 20)))]
        links = f"[[{self.wiki_name()}]] [[Nobody's {self.random.randrange(9)}]]"
        text = f"# Page of {self.name}\n\n" + "\n\n".join(paragraphs) + f"\n\n{links}\n"
        fields = {"text": text, "base": self.page_rev, "summary": f"{self.count}", "save": "1"}
        answer = self.ask(way, "POST", self.own_page(), fields, want=(303, 409))
        if answer.status == 303:
            self.page, self.page_rev = text, self.page_rev + 1
        elif answer.status == 409:
            # A change whose answer was lost came through.
            self.page_rev = int(re.search(r'name="theirs" value="(\d+)"', answer.text()).group(1))

    def upload(self, way):
        name, data = f"file-{self.random.randrange(3)}.bin", self.random.randbytes(self.random.choice((100, 5_000, 60_000)))
        mark = "------soak"
        head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: application/octet-stream\r\n\r\n'
        body = head.encode() + data + f"\r\n--{mark}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={mark}"}
        if self.page and self.ask(way, "POST", f"{self.own_page()}?action=attach", body, headers, want=(303,)).status == 303:
            self.files[name] = data

    def read_wiki(self, way):
        page = f"/wiki/{self.wiki_name()}"
        word = self.random.choice(WORDS)
        paths = [page, page, page, f"{page}?action=history", f"{page}?action=diff", f"{page}?action=raw", f"{page}?action=edit",
                 f"{page}?action=links", "/wiki/Special:Recent", "/wiki/Special:All", "/wiki/Special:Wanted", "/wiki/Special:Tags",
                 f"/wiki/Special:Search?q={word}", f"{page}/file-0.bin"]
        self.read(way, self.random.choice(paths))

    def export_wiki(self, way):
        self.read(way, "/wiki/Special:Export")

    # Nonsense and bad manners.

    def ask_badly(self, way):
        refused = (200, 400, 403, 404, 405, 411, 413, 414, 415, 431)
        kind = self.random.randrange(6)
        if kind == 0:
            self.ask(way, "GET", "/get/" + "x" * self.random.randrange(1, 300), want=refused)
        elif kind == 1:
            self.ask(way, "POST", "/put", {"data": "x" * 70_000, "username": self.name}, want=refused)
        elif kind == 2:
            self.ask(way, "POST", "/put", {"data": "x"}, {"Origin": "http://elsewhere.example"}, want=refused)
        elif kind == 3:
            self.ask(way, "PUT", "/latest", b"x", want=(*refused, 501))
        elif kind == 4:
            self.ask(way, "POST", "/put", b"%%%&&&=\xff", {"Content-Type": "multipart/form-data"}, want=refused)
        else:
            raw = self.random.choice((b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n"))
            self.throw(raw)

    def drop(self, _):
        """Sends a request, or half of one, and leaves."""
        body = urllib.parse.urlencode({"username": self.name, "record": 10**15, "data": "y" * 2_000}).encode()
        whole = b"POST /edit HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\nCookie: auth=%s\r\nContent-Length: %d\r\n\r\n"
        whole = whole % ((self.visitor.token or "").encode(), len(body)) + body
        if self.random.random() < 0.5:
            whole = f"GET {self.random.choice(('/wiki/Special:Export', '/export', '/latest'))} HTTP/1.1\r\nHost: h\r\n\r\n".encode()
        self.throw(whole[: self.random.choice((len(whole), self.random.randrange(1, len(whole))))])

    def throw(self, raw):
        port = self.site.ports[self.random.choice(("http", "lighttpd"))]
        with socket.create_connection(("127.0.0.1", port)) as stream:
            stream.sendall(raw)

    def leave(self, _):
        self.visitor.leave()

    # The account at the end.

    def audit(self):
        """What is not as it was acknowledged, in words."""
        wrong = []
        found = {}
        last = max(self.records, default=-1)
        for start in range(0, last + 1, 100):
            answer = self.visitor.ask("http", "GET", f"/get/{self.name}/{start}-{start + 99}")
            found |= {int(post["record"]): post["data"] for post in json.loads(answer.body)}
        for record, text in self.records.items():
            allowed = [text, self.unsure[record]] if record in self.unsure else [text]
            if found.get(record) not in allowed:
                wrong.append(f"{self.name}/{record}: {found.get(record)!r}, not {text!r}")
        if self.page:
            raw = self.visitor.ask("cgi", "GET", f"{self.own_page()}?action=raw").text()
            if raw != self.page:
                wrong.append(f"{self.own_page()}: {raw[:80]!r}, not {self.page[:80]!r}")
        for name, data in self.files.items():
            if self.visitor.ask("lighttpd", "GET", f"{self.own_page()}/{name}").body != data:
                wrong.append(f"{self.own_page()}/{name} has other bytes")
        return wrong


ACTIONS = {
    "put": (20, Author.put), "edit": (5, Author.edit), "delete": (3, Author.delete), "follow": (2, Author.follow),
    "log in": (0.5, Author.log_in_again), "wrong login": (0.2, Author.wrong_login), "read records": (22, Author.read_records),
    "read own": (6, Author.read_own), "search": (4, Author.search), "read feed": (10, Author.read_feed), "read file": (3, Author.read_file),
    "export": (0.2, Author.export), "edit page": (4, Author.edit_page), "upload": (0.5, Author.upload), "read wiki": (12, Author.read_wiki),
    "export wiki": (0.05, Author.export_wiki), "ask badly": (4, Author.ask_badly), "drop": (3, Author.drop), "leave": (1, Author.leave),
}


class Tally:
    """What was done and how it was answered."""

    def __init__(self):
        self.done, self.statuses, self.ways, self.wrong = Counter(), Counter(), Counter(), []

    def count(self, way, method, path, answer, want):
        self.statuses[answer.status] += 1
        self.ways[way] += 1
        # Busy is an answer, too, where it says when to come again.
        is_busy = answer.status == 503 and "retry-after" in answer.headers
        if answer.status not in want and not is_busy:
            self.wrong.append(f"{way} {method} {path[:80]}: {answer.status} {answer.body[:200]!r}")
