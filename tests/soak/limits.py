"""Limits that the system sets a process: tests/soak/limits.py. Needs no root.

Every number of open files from the fewest that a program starts with, and file sizes around every length that matters
(`ulimit -n`, `ulimit -f`): each order is taken, or refused in clear words; nothing acknowledged is lost, the store is sound and
takes the next order, a server goes on by itself as soon as it has files again.
"""

import os
import pathlib
import shutil
import socket
import sys
import tempfile
import time

from place import TIMEOUT, Failure, Ledger, Site, Writer, records

CLEAR = ("storage_full", "busy", "read_only", "internal", "unavailable", "recovering")


def attempt(site, ledger, writer, limit, counts):
    reply = writer.step(lambda *asked: site.cgi(*asked, before=("prlimit", limit)), 60_000)
    if reply is None:
        # Not even the program could be started.
        counts["not started"] = counts.get("not started", 0) + 1
    elif reply.is_success():
        counts["taken"] = counts.get("taken", 0) + 1
    else:
        code = reply.json()["code"]
        if reply.status not in (500, 503, 507) or code not in CLEAR:
            raise Failure(f"{limit}: {reply}; {reply.said!r}")
        counts[code] = counts.get(code, 0) + 1


def audit(site, ledger, what):
    wrong = ledger.check(records(site.tool("dump").stdout))
    check = site.tool("check", check=False)
    if wrong or check.returncode != 0:
        raise Failure(f"{what}: {wrong}; {check.stdout}{check.stderr}")


def one_process(folder):
    site, ledger = Site(folder / "data"), Ledger()
    site.tool("init")
    site.sign_up("ada")
    writer = Writer(site, ledger, "ada", 1)
    lengths = (0, 1, 64, 4_096, 65_536, 1 << 20, (1 << 20) + 1, 2 << 20, 1 << 30)
    for name, values in (("nofile", range(3, 32)), ("fsize", lengths)):
        counts = {}
        for value in values:
            for _ in range(6):
                attempt(site, ledger, writer, f"--{name}={value}", counts)
                after = writer.step(site.cgi, 500)
                if after is None or not after.is_success():
                    raise Failure(f"after {name} {value}: {after} {getattr(after, 'said', b'')!r}")
            audit(site, ledger, f"{name} {value}")
        print(f"{name}: {6 * len(values)} orders under {len(values)} limits: {counts}: 0 lost", flush=True)


def server(folder):
    """Idle connections take all files that a server may have; then they go."""
    site, ledger = Site(folder / "served"), Ledger()
    site.tool("init")
    site.sign_up("ada")
    writer = Writer(site, ledger, "ada", 2)
    for files in (24, 32, 48):
        running = site.server(before=("prlimit", f"--nofile={files}"), folder=folder).wait()
        taken = refused = 0
        for round_ in range(3):
            idle, running.timeout = [], 1
            for _ in range(files + 10):
                one = socket.socket(socket.AF_UNIX)
                one.settimeout(0.2)
                try:
                    one.connect(running.socket)
                except OSError:
                    pass
                idle.append(one)
                if len(idle) % 8 == 0:
                    reply = writer.step(site.cgi if len(idle) > files - 20 else running.ask, 60_000)
                    taken += reply is not None and reply.is_success()
                    refused += reply is None or not reply.is_success()
            for one in idle:
                one.close()
            running.timeout = TIMEOUT
            for _ in range(5):
                reply, deadline = writer.step(running.ask, 2_000), time.monotonic() + 20
                # It has yet to see that they went.
                while reply is not None and reply.status == 503 and time.monotonic() < deadline:
                    time.sleep(0.02)
                    reply = writer.step(running.ask, 2_000)
                if reply is None or not reply.is_success():
                    raise Failure(f"a server of {files} files, round {round_}: {reply}")
        running.end()
        audit(site, ledger, f"a server of {files} files")
        print(f"a server of {files} files: {taken} orders taken, {refused} refused, then all: 0 lost", flush=True)


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="blerg-limits-", dir=os.environ.get("SOAK_DIR")))
    try:
        one_process(folder)
        server(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(str(failure))
