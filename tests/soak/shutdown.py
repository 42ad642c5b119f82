"""The file system is shut down under live writers: tests/soak/shutdown.py [--rounds N] [FILESYSTEM...].

The shutdown ioctl of ext4 and XFS, without their log flushed, is an end of the machine for the disk alone: what was not synced
is gone, and the boot id is the same. So the control page on the disk is stale and looks like one of this start. Needs root and
loop devices.
"""

import contextlib
import fcntl
import os
import pathlib
import random
import shutil
import struct
import tempfile
import threading
import time

from place import Failure, Ledger, Site, Writer, on_each_file_system, records, run

# _IOR('X', 125, __u32): EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN; 2 is without flushing the log.
SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2
MAKE = {"ext4": ("mkfs.ext4", "-q", "-F"), "xfs": ("mkfs.xfs", "-q", "-f")}


def round_of(site, ledger, mount, seed, chance, number):
    """Writers in a server and by CGI, until the file system goes; how many orders were acknowledged before it went, and while."""
    before, over = ledger.count(), threading.Event()
    server = site.server(folder=mount.parent).wait()

    def write(author, ask, known):
        writer = Writer(site, ledger, author, f"{seed} {number}")
        writer.known = known
        while not over.is_set():
            reply = writer.step(ask, 40_000 if number % 3 == 0 else 3_000)
            if reply is None or not reply.is_success():
                return

    threads = [threading.Thread(target=write, args=(name, ask, []))
               for name, ask in (("ada", server.ask), ("bob", server.ask), ("cgi", site.cgi))]
    for thread in threads:
        thread.start()
    time.sleep(chance.uniform(0.05, 0.6))
    folder = os.open(mount, os.O_RDONLY)
    gone = time.monotonic()
    fcntl.ioctl(folder, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
    os.close(folder)
    over.set()
    for thread in threads:
        thread.join()
    server.end(9)
    # To an fdatasync that is under way these kernels may report success: what it wrote is there or not.
    late = [order for orders in ledger.asked.values() for order in orders if order["at"] is not None and order["at"] >= gone]
    for order in late:
        order["at"] = None
    return ledger.count() - before, len(late)


def torment(kind, rounds, seed):
    chance = random.Random(f"{kind} {seed}")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="blerg-shutdown-", dir=os.environ.get("SOAK_DIR")))
    image, mount = folder / "image", folder / "mount"
    mount.mkdir()
    with open(image, "wb") as made:
        made.truncate(512 << 20)
    run(*MAKE[kind], image)
    with contextlib.ExitStack() as undo:
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        mounted = undo.enter_context(contextlib.ExitStack())
        run("mount", "-o", "loop", image, mount)
        mounted.callback(run, "umount", mount, check=False)
        site, ledger = Site(mount / "data"), Ledger(time.monotonic)
        site.tool("init")
        for name in ("ada", "bob", "cgi"):
            site.sign_up(name)
        run("sync")
        acknowledged = while_gone = 0
        for number in range(rounds):
            counts = round_of(site, ledger, mount, seed, chance, number)
            acknowledged, while_gone = acknowledged + counts[0], while_gone + counts[1]
            run("umount", mount)
            # Whoever looked at all mounts may keep it for a moment; then it would be the same one again.
            deadline = time.monotonic() + 30
            while run("losetup", "-j", image).stdout and time.monotonic() < deadline:
                time.sleep(0.02)
            run("mount", "-o", "loop", image, mount)
            # A writer is the first in every second round, a reader in the others.
            if number % 2:
                order = ledger.begin("ada", "put", None, f"first {number}")
                put = site.cgi("POST", "/put", {"data": order["text"]}, site.tokens["ada"])
                deadline = time.monotonic() + 60
                # A long recovery is done by a process in the background.
                while put is not None and b'"recovering"' in put.body and time.monotonic() < deadline:
                    time.sleep(0.1)
                    put = site.cgi("POST", "/put", {"data": order["text"]}, site.tokens["ada"])
                if put is None or not put.is_success():
                    raise Failure(f"{kind}, seed {seed}, round {number}: put: {put} {getattr(put, 'said', b'')!r}")
                ledger.done(order, int(put.json()["record"]))
            wrong = ledger.check(records(site.tool("dump").stdout))
            check = site.tool("check", check=False)
            if wrong or check.returncode != 0:
                raise Failure(f"{kind}, seed {seed}, round {number}: {wrong}; {check.stdout}{check.stderr}")
    print(f"{kind}: {rounds} shutdowns with live writers, {acknowledged} orders acknowledged before them "
          f"(and {while_gone} while the file system went): 0 lost", flush=True)


if __name__ == "__main__":
    on_each_file_system(torment, ["ext4", "xfs"], rounds=20)
