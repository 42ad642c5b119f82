#!/usr/bin/env python3
"""How long clients that dawdle may stay: heads and bodies that come byte by byte, clients that send nothing, clients that read
nothing, hundreds of each at once, through http_blerg and lighttpd. http_blerg must end each kind in its time; others must be served
all along, memory must stay below a bound, and afterwards the site must be as before. Rounds of about three minutes until
BLERG_SOAK_SECONDS are over, at least one. target/soak/overload.json has the figures.
"""

import json
import os
import resource
import socket
import statistics
import sys
import time

from site_under_load import PASSWORD, TOP, Site, Visitor, look_at

SECONDS = int(os.environ.get("BLERG_SOAK_SECONDS", "0"))
EACH = 200
ROUND_SECONDS = 120
# What http_blerg gives: 75 s for a head, waiting included; 60 s for a body; 60 s without taking a byte. And time to look.
SLACK = 20
TIMES = {"idle": 75, "head": 75, "body": 60, "reader": 60}
KIB_MAX = 160 << 10
OTHERS_SECONDS_MAX = 10
REPORT = TOP / "target/soak/overload.json"


class Slow:
    """A client that sends a byte now and then, and reads nothing until it is ended."""

    def __init__(self, port, kind, first, rest):
        self.kind, self.rest, self.began, self.ended = kind, rest, time.monotonic(), None
        self.stream = socket.socket()
        if kind == "reader":
            self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        self.stream.connect(("127.0.0.1", port))
        self.stream.sendall(first)
        self.stream.setblocking(False)

    def dawdle(self):
        """Sends a byte; notices the end."""
        try:
            if self.rest:
                self.stream.send(self.rest[:1])
                self.rest = self.rest[1:]
        except BlockingIOError:
            pass
        except OSError:
            self.end()

    def is_over(self):
        """Whether the server has closed or answered; who reads nothing can only ask the kernel."""
        try:
            if self.kind == "reader":
                return self.stream.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0 or tcp_state(self.stream) != 1
            return self.stream.recv(1) is not None
        except BlockingIOError:
            return False
        except OSError:
            return True

    def end(self):
        self.ended = self.ended or time.monotonic()
        self.stream.close()


def tcp_state(stream):
    """1 is ESTABLISHED (linux/tcp.h, struct tcp_info)."""
    return stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


def crowd(port):
    head = b"GET /latest HTTP/1.1\r\nHost: h\r\nX-Slow: "
    post = b"POST /login HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 4000\r\n\r\n"
    file = b"GET /wiki/Files/long.bin HTTP/1.1\r\nHost: h\r\n\r\n"
    # Readers in such a number that their answers don't fill the room: there they would be ended sooner.
    kinds = [("idle", b"", b"", EACH), ("head", head, b"x" * 9000, EACH), ("body", post, b"x" * 3900, EACH), ("reader", file, b"", 10)]
    return [Slow(port, kind, first, rest) for kind, first, rest, count in kinds for _ in range(count)]


def run_round(site, way, visitor):
    """Lets a crowd dawdle; seconds until the end of each, by kind, the slowest answer to others, the most memory."""
    clients, began = crowd(site.ports[way]), time.monotonic()
    slowest, most = 0, 0
    while time.monotonic() - began < ROUND_SECONDS and any(client.ended is None for client in clients):
        for client in clients:
            if client.ended is None:
                client.dawdle()
                if client.ended is None and client.is_over():
                    client.end()
        asked = time.monotonic()
        for answer in (visitor.ask(way, "GET", "/get/jon"), visitor.ask(way, "POST", "/put", {"data": "meanwhile"})):
            assert answer.status == 200, f"{way}: {answer.status}: {answer.body[:200]}"
        slowest = max(slowest, time.monotonic() - asked)
        program = "http_blerg" if way == "http" else "fcgi_blerg"
        most = max(most, look_at(site.pids[program])["anonymous_kib"])
        time.sleep(1)
    stayed = {}
    for client in clients:
        stayed.setdefault(client.kind, []).append(round(client.ended - client.began, 1) if client.ended else None)
        client.stream.close()
    return stayed, slowest, most


def judge(way, stayed, slowest, most):
    """Figures of a round, and what was wrong."""
    figures, wrong = {"slowest_answer_seconds": round(slowest, 2), "anonymous_kib_most": most}, []
    for kind, times in stayed.items():
        ended = [seconds for seconds in times if seconds is not None]
        figures[kind] = {"clients": len(times), "ended": len(ended), "seconds": [min(ended), statistics.median(ended), max(ended)] if ended else None}
        late = len(times) - sum(seconds <= TIMES[kind] + SLACK for seconds in ended)
        if way == "http" and late:
            wrong.append(f"http_blerg: {late} of {len(times)} ({kind}) stayed longer than {TIMES[kind]} s and {SLACK} s more")
    if most > KIB_MAX:
        wrong.append(f"{way}: {most} KiB, bound {KIB_MAX}")
    if slowest > OTHERS_SECONDS_MAX:
        wrong.append(f"{way}: others waited for {slowest:.1f} s")
    return figures, wrong


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    rounds, wrong, until = [], [], time.monotonic() + SECONDS
    with Site(TOP / "target/soak/overload", {"BLERG_LIMITS": "off"}) as site:
        visitor = Visitor(site)
        account = {"username": "jon", "password": PASSWORD}
        visitor.ask("http", "POST", "/create", account)
        visitor.token = visitor.ask("http", "POST", "/login", account).headers["set-cookie"].split(";")[0].removeprefix("auth=")
        assert visitor.ask("http", "POST", "/wiki/Files", {"text": "Files.", "base": 0, "save": 1}).status == 303
        # Longer than what the kernel takes for a client that reads nothing.
        part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="long.bin"\r\n\r\n' + b"x" * (9 << 20) + b"\r\n--x--\r\n"
        sent = visitor.ask("http", "POST", "/wiki/Files?action=attach", part, {"Content-Type": "multipart/form-data; boundary=x"})
        assert sent.status == 303, sent.body
        while not rounds or time.monotonic() < until:
            for way in ("http", "lighttpd"):
                figures, found = judge(way, *run_round(site, way, visitor))
                rounds.append({way: figures})
                wrong += found
                print(json.dumps({way: figures}), flush=True)
        check = site.tool("check", check=False)
        wrong += [f"check: {check.stdout} {check.stderr}"] if check.returncode else []
    REPORT.write_text(json.dumps({"rounds": rounds, "failures": wrong}, indent=1) + "\n")
    for failure in wrong:
        print(failure, file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
