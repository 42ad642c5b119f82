"""Disks without room: tests/soak/full.py [FILESYSTEM...].

A small file system is filled to the last byte under a server and CGI programs, is remounted read-only, and gets its room back:
clear errors, reads go on, and writing goes on by itself, without a restart. Needs root and loop devices.
"""

import contextlib
import os
import pathlib
import shutil
import tempfile

from place import PASSWORD, Failure, Ledger, Site, Writer, on_each_file_system, records, run

MAKE = {"ext4": ("mkfs.ext4", "-q", "-F"), "xfs": ("mkfs.xfs", "-q", "-f"), "btrfs": ("mkfs.btrfs", "-q", "-f", "-M")}
BYTES = {"ext4": 128 << 20, "xfs": 320 << 20, "btrfs": 256 << 20}


def fill(mount, name):
    """To the last byte: in large pieces first, then in small ones."""
    file = os.open(mount / name, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        for size in (1 << 20, 1 << 16, 1 << 12, 512, 1):
            tries = 0
            while True:
                try:
                    os.write(file, os.urandom(size) if size > 1 else b"x")
                except OSError:
                    try:
                        os.fsync(file)
                    except OSError:
                        pass
                    tries += 1
                    if tries > 1:
                        break
    finally:
        os.close(file)


def expect(what, reply, wanted):
    if reply is None or reply.status not in wanted:
        raise Failure(f"{what}: {reply}, not {wanted}; {getattr(reply, 'said', b'')!r}")
    return reply


class Case:
    """One file system, a server on it, CGI programs beside it."""

    def __init__(self, kind, mount, seed):
        self.kind, self.mount, self.seed = kind, mount, seed
        self.site, self.ledger = Site(mount / "data"), Ledger()
        self.site.tool("init")
        for name in ("ada", "cgi"):
            self.site.sign_up(name)
        self.server = self.site.server(folder=mount.parent).wait()
        self.writers = {name: Writer(self.site, self.ledger, name, seed) for name in ("ada", "cgi")}
        self.refused = self.taken = self.read = 0

    def ways(self):
        return {"ada": self.server.ask, "cgi": self.site.cgi}

    def write(self, orders, must=False, bytes_max=9_000):
        """Orders by both; each is taken or refused in clear words."""
        for name, ask in self.ways().items():
            for _ in range(orders):
                reply = self.writers[name].step(ask, bytes_max)
                where = f"{self.kind}, seed {self.seed}, {name}"
                if reply is None:
                    raise Failure(f"{where}: no answer")
                if reply.is_success():
                    self.taken += 1
                elif must:
                    raise Failure(f"{where}: {reply}; {getattr(reply, 'said', b'')!r}")
                else:
                    # 507 or 503, as a failure with a code; nothing that shows a path or a fault of the program.
                    expect(where, reply, (503, 507))
                    if reply.json()["code"] not in ("storage_full", "read_only", "busy"):
                        raise Failure(f"{where}: {reply}")
                    self.refused += 1

    def log_in(self, statuses=(200, 503)):
        """What only the databases have to write."""
        for name, ask in self.ways().items():
            for path, fields in (("/login", {"username": name, "password": PASSWORD}), ("/status", {"clear": "feed"})):
                reply = expect(f"{self.kind}, {path}", ask("POST", path, fields, self.site.tokens[name]), statuses)
                if reply.status == 503 and reply.json()["code"] not in ("storage_full", "read_only", "busy"):
                    raise Failure(f"{self.kind}, {path}: {reply}")

    def look(self):
        for ask in self.ways().values():
            for path in ("/get/ada", "/tag/Hsoak", "/latest", "/info/cgi"):
                expect(f"{self.kind}, {path}", ask("GET", path), (200,))
                self.read += 1

    def audit(self, what):
        wrong = self.ledger.check(records(self.site.tool("dump").stdout))
        check = self.site.tool("check", check=False)
        if wrong or check.returncode != 0:
            raise Failure(f"{self.kind}, {what}: {wrong}; {check.stdout}{check.stderr}")


def torment(kind, rounds, seed):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="blerg-full-", dir=os.environ.get("SOAK_DIR")))
    image, mount = folder / "image", folder / "mount"
    mount.mkdir()
    with open(image, "wb") as made:
        made.truncate(BYTES[kind])
    run(*MAKE[kind], image)
    with contextlib.ExitStack() as undo:
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        run("mount", "-o", "loop", image, mount)
        undo.callback(run, "umount", mount, check=False)
        case = Case(kind, mount, seed)
        undo.callback(case.server.end, 9)
        for number in range(rounds):
            case.write(10, must=True)
            fill(mount, "filler")
            # More than the rest of any segment that is there.
            case.write(80, bytes_max=64_000)
            case.log_in()
            case.look()
            (mount / "filler").unlink()
            run("sync", "-f", mount)
            case.write(5, must=True)
            case.log_in((200,))
            case.audit(f"full, round {number}")
            for _ in range(3):
                run("mount", "-o", "remount,ro", mount, check=False)
                case.write(3)
                case.log_in()
                case.look()
                run("mount", "-o", "remount,rw", mount)
                case.write(3, must=True)
            case.audit(f"read-only, round {number}")
        print(f"{kind}: filled {rounds} times and read-only: {case.taken} orders taken, {case.refused} refused in clear words, "
              f"{case.read} reads answered meanwhile: 0 lost", flush=True)


if __name__ == "__main__":
    on_each_file_system(torment, ["ext4", "xfs", "btrfs"], rounds=3)
