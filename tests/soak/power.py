"""Power cuts as the block layer sees them: tests/soak/power.py [--states N] [--seed N] [--only PHASE] [FILESYSTEM...].

qemu-storage-daemon records every block that a file system writes, and every flush (blklogwrites, the format of dm-log-writes),
below a loop device. Real programs write meanwhile: everyday orders, rollovers, recoveries, rebuilds, clean ends, compactions, a
salvage. Then the record is replayed up to every flush and up to places between, where of what was not flushed some is dropped,
torn or overtaken; each state is mounted, opened as after another start of the machine, and held to what was acknowledged by
then. Last, a store that does not sync must be caught. Needs root, loop devices and FUSE.
"""

import argparse
import contextlib
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import uuid

from place import BIN, Failure, Ledger, Site, Writer, records, run

SECTOR = 512
FLUSH, FUA, DISCARD = 1, 2, 4
MAKE = {
    "ext4": ("mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", "-J", "size=8"),
    "xfs": ("mkfs.xfs", "-q", "-f", "-K"),
    "btrfs": ("mkfs.btrfs", "-q", "-f", "-K", "-m", "single"),
}
BYTES = {"ext4": 128 << 20, "xfs": 320 << 20, "btrfs": 256 << 20}
ANOTHER_BOOT = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"'


class Recorded:
    """A file system on a device that records what is written to it."""

    def __init__(self, folder, kind):
        self.folder, self.kind, self.undo = folder, kind, contextlib.ExitStack()
        self.log, self.mount = folder / "log", folder / "mount"

    def __enter__(self):
        folder = self.folder
        disk, window = folder / "disk", folder / "window"
        for file, length in ((disk, BYTES[self.kind]), (self.log, 16 << 30), (window, 0)):
            with open(file, "wb") as made:
                made.truncate(length)
        self.mount.mkdir()
        with self.undo:
            daemon = subprocess.Popen([
                "qemu-storage-daemon", "--blockdev", f"driver=file,node-name=disk,filename={disk}",
                "--blockdev", f"driver=file,node-name=log,filename={self.log}",
                "--blockdev", "driver=blklogwrites,node-name=record,file=disk,log=log,log-super-update-interval=1",
                "--export", f"type=fuse,id=export,node-name=record,mountpoint={window},writable=on"])
            self.undo.callback(lambda: (daemon.terminate(), daemon.wait(30)))
            deadline = time.monotonic() + 30
            while window.stat().st_size == 0 and time.monotonic() < deadline and daemon.poll() is None:
                time.sleep(0.02)
            if window.stat().st_size == 0:
                raise Failure("qemu-storage-daemon shows no device: is there FUSE?")
            loop = run("losetup", "-f", "--show", window).stdout.strip()
            self.undo.callback(run, "losetup", "-d", loop, check=False)
            run(*MAKE[self.kind], loop)
            run("mount", loop, self.mount)
            self.undo.callback(run, "umount", self.mount, check=False)
            self.undo = self.undo.pop_all()
        return self

    def __exit__(self, *_):
        self.undo.close()

    def entries(self):
        """How much is recorded now."""
        with open(self.log, "rb") as log:
            return struct.unpack("<QQQL", log.read(28))[2]


def read_entries(log):
    """What was recorded: flags, where on the disk, where its bytes are in the record, how many."""
    found = []
    with open(log, "rb") as file:
        _, _, count, size = struct.unpack("<QQQL", file.read(28))
        at = size
        for _ in range(count):
            file.seek(at)
            sector, sectors, flags, _ = struct.unpack("<QQQQ", file.read(32))
            at += size
            bytes_len = 0 if flags & DISCARD else sectors * size
            found.append((flags, sector * size, at, bytes_len))
            at += bytes_len
    return found


class Replay:
    """A disk that becomes, entry by entry, what it was; copies of it are looked at."""

    def __init__(self, recorded, folder):
        self.log = open(recorded.log, "rb")
        self.entries = read_entries(recorded.log)
        self.disk, self.copy = folder / "replayed", folder / "copy"
        with open(self.disk, "wb") as made:
            made.truncate(BYTES[recorded.kind])
        self.applied = 0
        # Everything before the last flush that is not later than some entry.
        self.flushes = [n for n, entry in enumerate(self.entries) if entry[0] & FLUSH]

    def write(self, disk, entry, part=None):
        flags, where, at, length = entry
        if length:
            self.log.seek(at)
            bytes_ = self.log.read(length)
            disk.seek(where)
            disk.write(bytes_ if part is None else bytes_[:part])

    def advance(self, to):
        with open(self.disk, "r+b") as disk:
            for entry in self.entries[self.applied:to]:
                self.write(disk, entry)
        self.applied = max(self.applied, to)

    def state(self, cut, chance):
        """The disk after a cut before entry `cut`: what was flushed is there, of the rest all, or what chance leaves."""
        flushed = max((n + 1 for n in self.flushes if n < cut), default=0)
        self.advance(flushed)
        run("cp", "--sparse=always", self.disk, self.copy)
        kept = dropped = torn = 0
        with open(self.copy, "r+b") as disk:
            for entry in self.entries[flushed:cut]:
                fate = chance.random() if chance and not entry[0] & FUA else 0
                if fate < 0.4:
                    self.write(disk, entry)
                    kept += 1
                elif fate < 0.6 and entry[3] > SECTOR:
                    self.write(disk, entry, SECTOR * chance.randrange(1, entry[3] // SECTOR))
                    torn += 1
                else:
                    dropped += 1
        return dropped + torn


class Torment:
    """What is written while the device records."""

    def __init__(self, recorded, durability, seed):
        self.recorded, self.seed = recorded, seed
        self.site = Site(recorded.mount / "data", BLERG_DURABILITY=durability)
        self.ledger = Ledger(recorded.entries)
        self.boot = recorded.folder / "boot"
        self.phases, self.servers = [], []

    def reboot(self):
        """The words before a command that has it run as after another start of the machine."""
        self.boot.write_text(f"{uuid.uuid4()}\n")
        return ("unshare", "-m", "sh", "-c", ANOTHER_BOOT, self.boot)

    def begin(self):
        self.site.tool("init")
        for name in ("ada", "bob", "cgi"):
            self.site.sign_up(name)
        run("sync")
        self.first = self.recorded.entries()

    def together(self, server, orders, bytes_max):
        def write(author, ask):
            writer = self.writers.setdefault(author, Writer(self.site, self.ledger, author, self.seed))
            for _ in range(orders):
                reply = writer.step(ask, bytes_max)
                if reply is None or not reply.is_success():
                    failures.append(f"{author}: {reply}")
                    return
        failures = []
        threads = [threading.Thread(target=write, args=("cgi", self.site.cgi))]
        threads += [threading.Thread(target=write, args=(name, server.ask)) for name in ("ada", "bob")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise Failure(failures[0])

    def phase(self, name):
        self.phases.append((name, self.recorded.entries()))

    def serve(self, **more):
        self.servers.append(self.site.server(folder=self.recorded.folder, **more))
        return self.servers[-1].wait()

    def rage(self, orders):
        try:
            self.rage_through(orders)
        finally:
            # None of them may hold the mount.
            for server in self.servers:
                if server.child.poll() is None:
                    server.end(9)

    def rage_through(self, orders):
        self.writers = {}
        server = self.serve()
        self.phase("everyday")
        self.together(server, orders, 4_000)
        self.phase("rollovers")
        # Long texts: 1 MiB is full after some, and 2 MiB.
        self.together(server, orders // 4, 64_000)
        self.phase("clean end")
        server.end()
        self.phase("recovery")
        self.site.tool("check", before=self.reboot())
        server = self.serve(before=self.reboot())
        self.together(server, orders // 4, 30_000)
        self.phase("rebuild")
        self.site.tool("rebuild")
        self.together(server, orders // 4, 2_000)
        self.phase("killed")
        server.end(9)
        server = self.serve()
        self.together(server, orders // 8, 2_000)
        if "compact" in run(BIN / "blergtool", "--help").stdout:
            self.phase("compaction")
            done = self.site.tool("compact", check=False)
            # The server reads and writes the databases meanwhile, so they may be said to be larger than they need be.
            if done.returncode != 0 and "was being read all the time" not in done.stdout:
                raise Failure(f"compact: {done.stdout}{done.stderr}")
            self.together(server, orders // 8, 2_000)
        server.end()
        self.phase("salvage")
        self.salvage = self.recorded.entries()
        self.site.tool("salvage", self.recorded.mount / "salvaged")
        self.phase("end")
        # What is salvaged is on the disk by now.
        run("sync")


def look(torment, folder, cut):
    """Mounts the copy, opens the store as after a power cut, compares; what is wrong, if anything."""
    mount = folder / "after"
    mount.mkdir(exist_ok=True)
    loop = run("losetup", "-f", "--show", folder / "copy").stdout.strip()
    try:
        options = "nouuid" if torment.recorded.kind == "xfs" else "defaults"
        mounted = run("mount", "-o", options, loop, mount, check=False)
        if mounted.returncode != 0:
            return f"cannot be mounted: {mounted.stderr}"
        try:
            site = Site(mount / "data")
            before = torment.reboot()
            dump = site.tool("dump", before=before, check=False)
            if dump.returncode != 0:
                return f"dump: {dump.stderr}"
            wrong = torment.ledger.check(records(dump.stdout), cut)
            if wrong:
                return wrong
            check = site.tool("check", before=before, check=False)
            if check.returncode != 0:
                return f"check: {check.stdout}{check.stderr}"
            wrong = torment.salvage <= cut and look_at_salvaged(torment, mount / "salvaged", cut, before)
            if wrong:
                return f"salvaged: {wrong}"
            # And the next order is taken.
            site.tokens = torment.site.tokens
            put = site.cgi("POST", "/put", {"data": "after the cut"}, site.tokens["ada"], before=before)
            return None if put is not None and put.is_success() else f"put: {put}"
        finally:
            run("umount", mount)
    finally:
        run("losetup", "-d", loop)


def look_at_salvaged(torment, data, cut, before):
    """What a salvage that was cut short has made is no site, or a whole one; behind its end it is a whole one."""
    if not (data / "FORMAT").exists():
        return None if cut < torment.phases[-1][1] else "nothing is there"
    site = Site(data)
    dump = site.tool("dump", before=before, check=False)
    check = site.tool("check", before=before, check=False)
    if dump.returncode != 0 or check.returncode != 0:
        return f"{dump.stderr}{check.stdout}{check.stderr}"
    return torment.ledger.check(records(dump.stdout), torment.salvage)


def cut_points(replay, torment, count, rng, only):
    """Where the power goes: before each flush, as far as there may be so many, and anywhere."""
    last = len(replay.entries)
    spans = [(begin, end) for (name, begin), (_, end) in zip(torment.phases, torment.phases[1:]) if not only or name in only]
    if not only:
        # While the accounts were made.
        spans.insert(0, (torment.first, torment.phases[0][1]))
    flushes = [n for n in replay.flushes if any(begin <= n < end for begin, end in spans)]
    if len(flushes) > count // 2:
        flushes = rng.sample(flushes, count // 2)
    points = [(n, None) for n in flushes] + [(n + 1, None) for n in flushes[::4]]
    while len(points) < count:
        # Each phase alike: the short ones are those that matter.
        begin, end = rng.choice(spans)
        cut = rng.randrange(begin, max(end, begin + 1))
        if rng.random() < 0.7:
            # Just before something is flushed there is most that was not.
            cut = next((n for n in replay.flushes if n >= cut), cut)
        points.append((cut, random.Random(rng.random())))
    return sorted((min(n, last), id(chance), chance) for n, chance in points)


def attack(kind, durability, states, seed, orders, only=()):
    rng = random.Random(f"{kind} {seed}")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="blerg-power-", dir=os.environ.get("SOAK_DIR")))
    try:
        with Recorded(folder, kind) as recorded:
            torment = Torment(recorded, durability, seed)
            torment.begin()
            torment.rage(orders)
        replay = Replay(recorded, folder)
        flagged, incomplete, by_phase = [], 0, {}
        points = cut_points(replay, torment, states, rng, only)
        for cut, _, chance in points:
            lost = replay.state(cut, chance)
            incomplete += lost > 0
            wrong = look(torment, folder, cut)
            phase = [name for name, at in torment.phases if at <= cut][-1:] or ["accounts"]
            by_phase[phase[0]] = by_phase.get(phase[0], 0) + 1
            if wrong:
                flagged.append(f"{kind}, cut at {cut} ({phase[0]}), seed {seed}: {wrong}")
                if durability == "sync":
                    print(flagged[-1], flush=True)
        print(f"{kind}, durability {durability}: {torment.ledger.count()} orders acknowledged, {len(replay.entries)} writes and "
              f"{len(replay.flushes)} flushes recorded, {len(points)} cuts {by_phase}, {incomplete} of them with writes dropped or "
              f"torn: {len(flagged)} with a fault", flush=True)
        return flagged
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--states", type=int, default=120)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--orders", type=int, default=80)
    parser.add_argument("--only", action="append", default=[], metavar="PHASE", help="cuts in this phase, such as compaction")
    parser.add_argument("kinds", nargs="*", default=["ext4", "xfs", "btrfs"])
    asked = parser.parse_args()
    flagged = [wrong for kind in asked.kinds
               for wrong in attack(kind, "sync", asked.states, asked.seed, asked.orders, asked.only)]
    # A disk to which nothing is synced must be caught, or all of this proves nothing.
    control = attack("ext4", "none", 20, asked.seed, asked.orders)
    if not control:
        flagged.append("the store that does not sync was not caught")
    sys.exit("\n".join(flagged[:20]) if flagged else 0)


if __name__ == "__main__":
    main()
