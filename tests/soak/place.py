"""A site to torment: a data directory, the programs, writers that note what was acknowledged, and the account at the end.

Start at `Site` and `Ledger`. Python's standard library only.
"""

import argparse
import http.client
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("BIN") or ROOT / "dist").resolve()
PASSWORD = "correct horse"
TIMEOUT = 60
# Whoever is told to end undoes his mounts first.
signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))


class Failure(Exception):
    """Something that was promised did not hold."""


def run(*command, check=True, **more):
    """Runs a command of the system; a failure is told with what it printed."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, **more)
    if check and done.returncode != 0:
        raise Failure(f"{' '.join(map(str, command))}: {done.returncode}: {done.stdout}{done.stderr}")
    return done


def on_each_file_system(torment, kinds, rounds):
    """Calls `torment(kind, rounds, seed)` for each kind of file system that the command line names, else for `kinds`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("kinds", nargs="*", default=kinds)
    asked = parser.parse_args()
    try:
        for kind in asked.kinds:
            torment(kind, asked.rounds, asked.seed)
    except Failure as failure:
        sys.exit(str(failure))


class Reply:
    """A status and a body."""

    def __init__(self, status, body, cookie=None):
        self.status, self.body, self.cookie = status, body, cookie

    def json(self):
        return json.loads(self.body)

    def is_success(self):
        return self.status == 200 and self.body.startswith(b'{"status":"success"')

    def __str__(self):
        return f"{self.status} {self.body[:300]!r}"


class Site:
    """A data directory and the programs that use it."""

    def __init__(self, data, **settings):
        self.data = pathlib.Path(data)
        self.settings = {"BLERG_DATA": str(data), "BLERG_LIMITS": "off", "BLERG_ARGON2": "7",
                         "PATH": os.environ["PATH"], **settings}
        self.tokens = {}

    def tool(self, *arguments, before=(), check=True):
        return run(*before, BIN / "blergtool", "--data", self.data, *arguments, env=self.settings, check=check)

    def cgi_start(self, method, path, fields=None, token=None, before=(), **more):
        body = urllib.parse.urlencode(fields).encode() if fields is not None else b""
        variables = {
            "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_SOFTWARE": "soak", "SERVER_PROTOCOL": "HTTP/1.1",
            "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1",
            "REQUEST_METHOD": method, "REQUEST_URI": path, "SCRIPT_NAME": "/blerg.cgi",
            "QUERY_STRING": path.partition("?")[2], "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": "application/x-www-form-urlencoded"}
        if token:
            variables["HTTP_COOKIE"] = f"auth={token}"
        command = [str(word) for word in (*before, BIN / "cgi_blerg")]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 env={**self.settings, **variables}, **more)
        return child, body

    def cgi(self, method, path, fields=None, token=None, before=(), **more):
        """One request by one process; `None` if the process did not live to answer."""
        child, body = self.cgi_start(method, path, fields, token, before, **more)
        out, said = child.communicate(body, timeout=TIMEOUT)
        return self.parse(out, said)

    @staticmethod
    def parse(out, said=b""):
        head, blank, body = out.replace(b"\r\n", b"\n").partition(b"\n\n")
        if not blank:
            return None
        headers = dict(line.split(": ", 1) for line in head.decode().split("\n") if ": " in line)
        headers = {name.lower(): value for name, value in headers.items()}
        if int(headers.get("content-length", len(body))) != len(body):
            return None
        status = int(headers.get("status", "200").split()[0])
        reply = Reply(status, body, headers.get("set-cookie"))
        reply.said = said
        return reply

    def sign_up(self, name):
        account = {"username": name, "password": PASSWORD}
        created = self.cgi("POST", "/create", account)
        if created is None or not created.is_success():
            raise Failure(f"create {name}: {created}")
        reply = self.cgi("POST", "/login", account)
        self.tokens[name] = reply.cookie.partition("auth=")[2].partition(";")[0]

    def server(self, before=(), **more):
        return Server(self, before, **more)


class Server:
    """`http_blerg`, on a Unix socket."""

    count = 0

    def __init__(self, site, before=(), folder=None, **more):
        Server.count += 1
        self.site = site
        self.socket, self.timeout = f"{folder or site.data.parent}/s{os.getpid()}-{Server.count}", TIMEOUT
        command = [*before, BIN / "http_blerg", "--listen", f"unix:{self.socket}", "--www", ROOT / "www"]
        self.log = open(f"{self.socket}.log", "wb")
        self.child = subprocess.Popen([str(word) for word in command], env=site.settings, stdout=self.log,
                                      stderr=self.log, **more)

    def wait(self):
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            if self.child.poll() is not None:
                raise Failure(f"http_blerg ended: {open(self.log.name).read()}")
            try:
                if self.ask("GET", "/latest") is not None:
                    return self
            except OSError:
                pass
            time.sleep(0.01)
        raise Failure("http_blerg does not answer")

    def ask(self, method, path, fields=None, token=None):
        """One request; `None` if there is no whole answer."""
        connection = http.client.HTTPConnection("127.0.0.1")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(self.timeout)
        try:
            connection.sock.connect(self.socket)
            body = urllib.parse.urlencode(fields) if fields is not None else None
            headers = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
            if token:
                headers["Cookie"] = f"auth={token}"
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return Reply(answer.status, answer.read())
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def end(self, number=15):
        self.child.send_signal(number)
        self.child.wait(TIMEOUT)
        self.log.close()
        pathlib.Path(self.socket).unlink(missing_ok=True)


class Ledger:
    """What was asked for, by author, in order, and when it was acknowledged: `None` is never."""

    def __init__(self, where=lambda: 0):
        self.where = where
        self.asked = {}
        self.lock = threading.Lock()

    def begin(self, author, kind, record, text):
        """Notes an order before it is given; the answer goes into what is returned."""
        order = {"kind": kind, "record": record, "text": text, "at": None}
        with self.lock:
            self.asked.setdefault(author, []).append(order)
        return order

    def done(self, order, record=None):
        order["at"] = self.where()
        if record is not None:
            order["record"] = record

    def count(self):
        return sum(order["at"] is not None for orders in self.asked.values() for order in orders)

    def check(self, found, at=None):
        """What is wrong with the records found, by author; `at` is where the power was cut. One order of an author is given
        after the other: so all up to some order must be there, and nothing of those behind it."""
        for author, orders in self.asked.items():
            must = max((n + 1 for n, order in enumerate(orders)
                        if order["at"] is not None and (at is None or order["at"] <= at)), default=0)
            there = found.get(author, {})
            if not self.explains(orders, must, there):
                return f"{author}: {describe(orders, must, there)}"
        return None

    @staticmethod
    def explains(orders, must, found):
        """Whether some beginning of the orders, as long as it must be, leaves what was found. Nobody edits or deletes what he was
        not told of, so that what was found says whether an order without an answer was carried out; a put may have been later,
        when its sender had given up."""
        numbers, late, world, gone = {text: number for number, text in found.items()}, set(), {}, 0
        for n in range(len(orders) + 1):
            if n >= must and len(world) - gone == len(found) and {
                    number: text for number, text in world.items() if text is not None} == found:
                return True
            if n == len(orders):
                return False
            order = orders[n]
            record, text, sure = order["record"], order["text"], order["at"] is not None
            if order["kind"] == "put":
                if not sure:
                    late.add(numbers.get(text))
                while len(world) in late:
                    world[len(world)] = found[len(world)]
                if sure:
                    if record != len(world):
                        return False
                    world[record] = text
                    while len(world) in late:
                        world[len(world)] = found[len(world)]
            elif order["kind"] == "edit":
                if world.get(record) is not None and (sure or found.get(record) == text):
                    world[record] = text
            elif world.get(record) is not None and (sure or record not in found):
                world[record] = None
                gone += 1
        return False


def describe(orders, must, found):
    want = {}
    for order in orders[:must]:
        if order["at"] is not None:
            want[order["record"]] = order["text"]
    wrong = {number: (text and text[:40], found.get(number, "nothing")[:40])
             for number, text in want.items() if found.get(number) != text}
    return f"{len(found)} records, {must} orders acknowledged, wanted and found: {list(wrong.items())[:5]}"


def records(dump):
    """The records of a dump, by author."""
    found = {}
    for line in dump.splitlines():
        line = json.loads(line)
        if line["op"] == "put":
            found.setdefault(line["author"], {})[line["record"]] = line["text"]
        elif line["op"] == "edit":
            found[line["author"]][line["record"]] = line["text"]
        elif line["op"] in ("delete", "hole"):
            found.get(line["author"], {}).pop(line["record"], None)
    return found


class Writer:
    """Puts, edits and deletes of one author, one after the other, through any way that asks."""

    def __init__(self, site, ledger, author, seed):
        self.site, self.ledger, self.author = site, ledger, author
        self.random = random.Random(f"{author} {seed}")
        self.known = []

    def step(self, ask, bytes_max=6_000):
        """One order; whether it was acknowledged."""
        choice = self.random.random()
        text = f"{self.author} {self.random.getrandbits(64):x} #soak " + "x" * self.random.randrange(bytes_max)
        if choice < 0.1 and self.known:
            record = self.random.choice(self.known)
            order, path = self.ledger.begin(self.author, "edit", record, text), "/edit"
            fields = {"record": record, "data": text}
        elif choice < 0.2 and self.known:
            record = self.random.choice(self.known)
            self.known.remove(record)
            order, path = self.ledger.begin(self.author, "delete", record, None), "/delete"
            fields = {"record": record}
        else:
            order, path = self.ledger.begin(self.author, "put", None, text), "/put"
            fields = {"data": text}
        reply = ask("POST", path, fields, self.site.tokens[self.author])
        if reply is None or not reply.is_success():
            # What is not known to be there is not edited.
            return reply
        record = int(reply.json()["record"]) if path == "/put" else None
        self.ledger.done(order, record)
        if path == "/put":
            self.known.append(record)
        return reply
