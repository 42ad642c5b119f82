"""A storm of SIGKILLs on the real programs: tests/soak/kills.py [--seconds N] [--seed N].

CGI processes, `fcgi_blerg` and `http_blerg` write to one data directory and are killed at random instants; a supervisor starts
the servers again; readers look on. After each round every acknowledged put, edit and delete must be there, numbers without gaps,
and `blergtool check` green.
"""

import argparse
import os
import pathlib
import random
import shutil
import socket
import struct
import sys
import tempfile
import threading
import time
import urllib.parse

from place import BIN, TIMEOUT, Failure, Ledger, Server, Site, Writer, records

import subprocess


class FastCgi:
    """`fcgi_blerg` on a Unix socket, and a client that asks one thing over one connection."""

    def __init__(self, site, folder):
        self.site, self.socket = site, f"{folder}/fcgi"
        pathlib.Path(self.socket).unlink(missing_ok=True)
        self.log = open(f"{self.socket}.log", "ab")
        self.child = subprocess.Popen([BIN / "fcgi_blerg", "--listen", f"unix:{self.socket}"], env=site.settings,
                                      stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def wait(self):
        deadline = time.monotonic() + TIMEOUT
        while self.ask("GET", "/latest") is None:
            if time.monotonic() > deadline or self.child.poll() is not None:
                raise Failure(f"fcgi_blerg: {open(self.log.name).read()[-500:]}")
            time.sleep(0.005)
        return self

    def ask(self, method, path, fields=None, token=None):
        body = urllib.parse.urlencode(fields).encode() if fields is not None else b""
        variables = {"REQUEST_METHOD": method, "REQUEST_URI": path, "SCRIPT_NAME": "/blerg.fcgi", "QUERY_STRING": "",
                     "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
                     "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1", "CONTENT_LENGTH": str(len(body)),
                     "CONTENT_TYPE": "application/x-www-form-urlencoded"}
        if token:
            variables["HTTP_COOKIE"] = f"auth={token}"
        pairs = b"".join(struct.pack(">II", len(name) | 1 << 31, len(value.encode()) | 1 << 31) + name.encode() + value.encode()
                         for name, value in variables.items())

        def record(kind, content):
            return struct.pack(">BBHHBx", 1, kind, 1, len(content), 0) + content

        request = record(1, struct.pack(">HB5x", 1, 0)) + record(4, pairs) + record(4, b"")
        for at in range(0, len(body), 60_000):
            request += record(5, body[at:at + 60_000])
        request += record(5, b"")
        out, ended = b"", False
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(TIMEOUT)
                connection.connect(self.socket)
                connection.sendall(request)
                stream = connection.makefile("rb")
                while not ended:
                    head = stream.read(8)
                    if len(head) < 8:
                        break
                    _, kind, _, length, padding = struct.unpack(">BBHHBx", head)
                    content = stream.read(length + padding)[:length]
                    if kind == 6:
                        out += content
                    ended = kind == 3
        except OSError:
            return None
        return Site.parse(out) if ended else None

    def end(self, signal=9):
        self.child.send_signal(signal)
        self.child.wait(TIMEOUT)
        self.log.close()


class Storm:
    """One data directory and all who write to it."""

    def __init__(self, folder, seed):
        self.folder, self.seed = folder, seed
        self.site, self.ledger = Site(folder / "data"), Ledger()
        self.site.tool("init")
        self.authors = [f"cgi{n}" for n in range(3)] + [f"fcgi{n}" for n in range(2)] + [f"http{n}" for n in range(2)]
        for author in self.authors:
            self.site.sign_up(author)
        self.writers = {author: Writer(self.site, self.ledger, author, seed) for author in self.authors}
        self.kills = {"cgi": 0, "fcgi": 0, "http": 0}
        self.reads, self.failures, self.over = 0, [], threading.Event()

    def killed_cgi(self, chance):
        """A way to ask of which half of the processes die."""
        def ask(method, path, fields=None, token=None):
            child, body = self.site.cgi_start(method, path, fields, token)
            try:
                child.stdin.write(body)
                child.stdin.close()
            except OSError:
                pass
            child.stdin = None
            if chance.random() < 0.6:
                time.sleep(chance.uniform(0, 0.02))
                child.kill()
            out, said = child.communicate(timeout=TIMEOUT)
            if child.returncode == -9:
                self.kills["cgi"] += 1
            return self.site.parse(out, said)
        return ask

    def write(self, author, ask, chance):
        while not self.over.is_set() and not self.failures:
            reply = self.writers[author].step(ask, 20_000 if chance.random() < 0.1 else 2_000)
            if reply is None:
                time.sleep(0.002)
            elif not reply.is_success() and reply.status != 503:
                self.failures.append(f"{author}: {reply}")

    def read(self, chance):
        while not self.over.is_set() and not self.failures:
            author = chance.choice(self.authors)
            reply = self.site.cgi("GET", f"/get/{author}")
            self.reads += 1
            if reply is None or reply.status not in (200, 503):
                self.failures.append(f"reader: {reply}")
                return
            if reply.status == 200:
                texts = [post["data"] for post in reply.json()]
                asked = {order["text"] for order in list(self.ledger.asked.get(author, []))}
                if not asked.issuperset(texts):
                    self.failures.append(f"reader: {author} never wrote {set(texts) - asked}")

    def supervise(self, kind, chance):
        while not self.over.is_set() and not self.failures:
            time.sleep(chance.uniform(0.02, 0.4))
            self.servers[kind].end(9)
            self.kills[kind] += 1
            self.servers[kind] = self.start(kind).wait()

    def start(self, kind):
        return FastCgi(self.site, self.folder) if kind == "fcgi" else Server(self.site, folder=self.folder)

    def round(self, seconds, number):
        self.over.clear()
        self.servers = {kind: self.start(kind).wait() for kind in ("fcgi", "http")}
        jobs = []
        for author in self.authors:
            chance = random.Random(f"{author} {self.seed} {number}")
            kind = author.rstrip("0123456789")
            ask = self.killed_cgi(chance) if kind == "cgi" else lambda *asked, kind=kind: self.servers[kind].ask(*asked)
            jobs.append((self.write, (author, ask, chance)))
        chance = random.Random(f"supervisor {self.seed} {number}")
        jobs += [(self.supervise, (kind, chance)) for kind in ("fcgi", "http")] + [(self.read, (chance,))]

        def guarded(job, arguments):
            try:
                job(*arguments)
            except Exception as error:  # A thread that ends in silence would look like success.
                self.failures.append(f"{job.__name__}: {error!r}")

        threads = [threading.Thread(target=guarded, args=job) for job in jobs]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.failures:
            time.sleep(0.05)
        self.over.set()
        for thread in threads:
            thread.join()
        for server in self.servers.values():
            server.end(9)
        if self.failures:
            raise Failure(f"seed {self.seed}, round {number}: {self.failures[0]}")
        wrong = self.ledger.check(records(self.site.tool("dump").stdout))
        check = self.site.tool("check", check=False)
        if wrong or check.returncode != 0:
            raise Failure(f"seed {self.seed}, round {number}: {wrong}; {check.stdout}{check.stderr}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    asked = parser.parse_args()
    begun, rounds, kills, acknowledged, reads = time.monotonic(), 0, 0, 0, 0
    while rounds == 0 or time.monotonic() - begun < asked.seconds:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="blerg-kills-", dir=os.environ.get("SOAK_DIR")))
        try:
            storm = Storm(folder, asked.seed + rounds)
            left = asked.seconds - (time.monotonic() - begun)
            for number in range(3):
                storm.round(max(2, min(20, left / 3)), number)
            kills += sum(storm.kills.values())
            acknowledged += storm.ledger.count()
            reads += storm.reads
            rounds += 1
            print(f"killed {storm.kills}, {storm.ledger.count()} orders acknowledged, {storm.reads} reads: 0 lost", flush=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"kills: {kills} in {rounds} storms, {acknowledged} orders acknowledged, {reads} reads beside them: 0 lost", flush=True)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(str(failure))
