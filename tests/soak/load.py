#!/usr/bin/env python3
"""Mixed load on one data directory for BLERG_SOAK_SECONDS: http_blerg, fcgi_blerg behind lighttpd and CGI processes at once, with bad
requests, dropped connections and backups in use. Memory, descriptors, threads and zombies are looked at all the time; at the end the
last third may hold no more than the second (in runs of 25 minutes and more), every acknowledged write must be there, `blergtool check` must find nothing.

RATE (requests a second of all visitors together, default 60) comes from the environment. target/soak/load.json has the figures.
"""

import json
import os
import re
import resource
import shutil
import statistics
import sys
import threading
import time
import traceback
from collections import Counter
from pathlib import Path

from site_under_load import BIN, TOP, Site, look_at
from visitors import Author, Tally

SECONDS = int(os.environ.get("BLERG_SOAK_SECONDS", "600"))
RATE = float(os.environ.get("RATE", "60"))
AUTHORS = 8
SAMPLE_SECONDS = 2
MINUTE = 60 if SECONDS >= 600 else max(SECONDS / 12, 1)
BACKUP_MINUTES, COMPACT_MINUTES = 3, 5
# What a server may hold at any time: one hash and everything else. What the last third may have more than the second, in a run that
# is long enough for caches to fill before: those that grow with the data, a hash under way.
KIB_MAX, LONG_SECONDS = 192 << 10, 1500
KIB_MORE_MAX, SHARE_MORE_MAX, DESCRIPTORS_MORE_MAX = 3 << 10, 0.10, 8
REPORT = TOP / "target/soak/load.json"


class Pace:
    """Lets RATE requests a second through."""

    def __init__(self, rate):
        self.lock, self.step, self.next = threading.Lock(), 1 / rate, time.monotonic()

    def wait(self):
        with self.lock:
            self.next = max(self.next + self.step, time.monotonic() - 1)
            pause = self.next - time.monotonic()
        if pause > 0:
            time.sleep(pause)


class Load:
    """Everything that runs at once, until `over`."""

    def __init__(self, site):
        self.site, self.tally, self.over = site, Tally(), threading.Event()
        self.troubles, self.backups, self.compactions, self.minutes = [], 0, 0, []
        names = [f"author{n}" for n in range(AUTHORS)]
        self.authors = [Author(site, name, [o for o in names if o != name], n, self.tally) for n, name in enumerate(names)]
        self.pace = Pace(RATE)

    def run(self):
        for author in self.authors:
            author.sign_up()
        works = [lambda author=author: self.visit(author) for author in self.authors] + [self.watch, self.operate]
        threads = [threading.Thread(target=self.guard, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        self.over.wait(SECONDS)
        self.over.set()
        for thread in threads:
            thread.join()

    def guard(self, work):
        try:
            work()
        except Exception:
            self.troubles.append(traceback.format_exc())
            self.over.set()

    def visit(self, author):
        while not self.over.is_set():
            self.pace.wait()
            author.step()

    def operate(self):
        """What an operator does meanwhile."""
        has_compact = self.site.tool("compact", "--help", check=False).returncode == 0
        minute = 0
        while not self.over.wait(MINUTE):
            minute += 1
            if minute % BACKUP_MINUTES == 0:
                self.back_up()
            if has_compact and minute % COMPACT_MINUTES == 0:
                self.site.tool("compact")
                self.compactions += 1

    def back_up(self):
        """A copy holds what was acknowledged before it began."""
        before = {author.name: max(author.records, default=-1) for author in self.authors}
        copy = self.site.dir / "copy"
        self.site.tool("backup", str(copy))
        self.site.tool("check", data=copy)
        lines = self.site.tool("dump", data=copy).stdout.splitlines()
        records = {}
        for line in lines:
            entry = json.loads(line)
            if entry.get("author") in before and "record" in entry:
                records[entry["author"]] = max(records.get(entry["author"], -1), int(entry["record"]))
        lost = {name: (last, records.get(name, -1)) for name, last in before.items() if records.get(name, -1) < last and self.is_kept(name, last)}
        assert not lost, f"the copy lacks {lost}"
        shutil.rmtree(copy)
        self.backups += 1

    def is_kept(self, name, record):
        return next(author for author in self.authors if author.name == name).records[record] is not None

    def watch(self):
        samples, began = [], time.monotonic()
        while not self.over.wait(SAMPLE_SECONDS):
            samples.append(self.look())
            if time.monotonic() - began >= MINUTE:
                self.tell(samples)
                samples, began = [], time.monotonic()

    def look(self):
        return {name: look_at(pid) for name, pid in self.site.pids.items()}

    def tell(self, samples):
        """The medians of a minute."""
        minute = {"minute": len(self.minutes) + 1, "requests": sum(self.tally.statuses.values()), "data_kib": kib_of(self.site.data)}
        for name in self.site.pids:
            own = [sample[name] for sample in samples]
            minute[name] = {key: statistics.median(o[key] for o in own) for key in own[0]}
            minute[name]["anonymous_kib_most"] = max(o["anonymous_kib"] for o in own)
            minute[name]["zombies"] = max(o["zombies"] for o in own)
        self.minutes.append(minute)
        figures = ", ".join(
            f"{name} {m['anonymous_kib'] / 1024:.1f} MiB {m['descriptors']:.0f} fds {m['threads']:.0f} threads"
            for name, m in minute.items() if isinstance(m, dict)
        )
        print(f"{minute['minute']:>3}: {minute['requests']} requests, data {minute['data_kib'] / 1024:.1f} MiB; {figures}", flush=True)


def kib_of(folder):
    """Without what is removed while we look."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_blocks // 2
        except FileNotFoundError:
            pass
    return total


def compare(minutes, names):
    """What grew from the second third to the last, in words; and the medians of both."""
    third = len(minutes) // 3
    second, last = minutes[third : 2 * third], minutes[2 * third : 3 * third]
    grown, thirds = [], {}
    for name in names:
        for key in ("anonymous_kib", "descriptors", "threads"):
            was, now = (statistics.median(m[name][key] for m in part) for part in (second, last))
            thirds[f"{name} {key}"] = [was, now]
            most = was * (1 + SHARE_MORE_MAX) + KIB_MORE_MAX if key == "anonymous_kib" else was + DESCRIPTORS_MORE_MAX
            # Threads of the pool come and go; their number has a limit of its own.
            if now > most and key != "threads" and SECONDS >= LONG_SECONDS:
                grown.append(f"{name}: {key} grew from {was} to {now}, bound {most:.0f}")
        if any(m[name]["zombies"] for m in minutes):
            grown.append(f"{name} left zombies")
        most = max(m[name]["anonymous_kib_most"] for m in minutes)
        if most > KIB_MAX:
            grown.append(f"{name} had {most} KiB, bound {KIB_MAX}")
    return grown, thirds


def complaints(site):
    """What the servers wrote, each kind once with its number."""
    lines = [line for log in ("http_blerg", "lighttpd", "lighttpd-out") for line in (site.dir / f"{log}.log").read_text().splitlines()]
    kinds = Counter(re.sub(r"[0-9]+", "0", line) for line in lines)
    return dict(kinds.most_common(20))


def main():
    # A CGI process's settings come from here; hashing takes the usual 64 MiB.
    with Site(TOP / "target/soak/load", {"BLERG_LIMITS": "off"}) as site:
        load = Load(site)
        began = time.monotonic()
        load.run()
        failures = [] if load.minutes else ["nothing was looked at"]
        failures += load.troubles + load.tally.wrong[:20]
        grown, thirds = compare(load.minutes, site.pids) if len(load.minutes) >= 3 else ([], {})
        for author in load.authors:
            failures += author.audit()
        check = site.tool("check", check=False)
        failures += grown + ([f"check: {check.stdout} {check.stderr}"] if check.returncode else [])
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        report = {
            "seconds": round(time.monotonic() - began), "rate": RATE, "programs": str(BIN.name), "requests": sum(load.tally.statuses.values()),
            "statuses": load.tally.statuses, "ways": load.tally.ways, "done": load.tally.done, "backups": load.backups,
            "compactions": load.compactions, "records": sum(len(author.records) for author in load.authors),
            "deleted": sum(text is None for author in load.authors for text in author.records.values()),
            "revisions": sum(author.page_rev for author in load.authors), "thirds": thirds, "minutes": load.minutes, "failures": failures,
            "cgi_cpu_seconds": round(used.ru_utime + used.ru_stime, 1), "complaints": complaints(site),
        }
    REPORT.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps({key: value for key, value in report.items() if key != "minutes"}, indent=1))
    sys.exit("failed" if failures else 0)


if __name__ == "__main__":
    main()
