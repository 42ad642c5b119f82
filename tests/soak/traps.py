"""A trap at every system call that changes something: tests/soak/traps.py [--stride N] [SCENE...].

`strace` kills the program as it enters its nth such call, or has that call fail with EIO, ENOSPC, EMFILE or EINTR: for every n of
one put, one put that begins a new segment, one edit, one delete, one recovery, one rebuild. Then the store is held to what was
acknowledged, must be sound, and take the next order.
"""

import argparse
import os
import pathlib
import re
import shutil
import sys
import tempfile

from place import BIN, Failure, Ledger, Site, records, run

CALLS = ("pwrite64", "write", "fdatasync", "fsync", "rename", "unlink", "fallocate", "ftruncate", "mmap", "openat", "flock",
         "getdents64", "pread64", "read", "fcntl", "statfs", "newfstatat,statx,fstat", "msync")
CHANGES = CALLS[:8]
ERRORS = {"EIO": ("pwrite64", "write", "fdatasync", "fsync", "rename", "unlink", "fallocate", "ftruncate", "pread64", "getdents64"),
          "ENOSPC": ("pwrite64", "write", "fdatasync", "fsync", "rename", "fallocate", "ftruncate", "openat"),
          "EMFILE": ("openat",), "ENOMEM": ("mmap",),
          "EINTR": ("pwrite64", "fdatasync", "fsync", "fallocate", "openat", "flock", "pread64")}


# As many traps at one call of one scene; all but rebuilds make fewer.
EACH_MAX = 60


class Base:
    """A store in which the next long text begins a new segment, kept to be copied."""

    def __init__(self, folder):
        self.folder = folder
        self.site = Site(folder / "base")
        self.site.tool("init")
        self.site.sign_up("ada")
        self.ledger = Ledger()
        # Just within 1 MiB: a short text fits, a long one does not.
        for n in range(17):
            self.order(self.site, "put", None, f"{n} #soak " + "x" * 65_000 if n else "zero #soak", must=True)
        self.order(self.site, "edit", 3, "three again #soak", must=True)

    def order(self, site, kind, record, text, before=(), must=False, ledger=None):
        order = (ledger or self.ledger).begin("ada", kind, record, text)
        fields = {name: value for name, value in (("record", record), ("data", text)) if value is not None}
        reply = site.cgi("POST", f"/{kind}", fields, self.site.tokens["ada"], before)
        if reply is not None and reply.is_success():
            (ledger or self.ledger).done(order, int(reply.json()["record"]) if kind == "put" else None)
        elif must:
            raise Failure(f"{kind}: {reply} {getattr(reply, 'said', b'')!r}")
        return reply

    def copy(self):
        """The store as it is, of this start of the machine: the control page must be the same file, so the copy has its own."""
        target = self.folder / "copy"
        shutil.rmtree(target, ignore_errors=True)
        run("cp", "-a", self.folder / "base", target)
        site = Site(target)
        site.tokens = self.site.tokens
        ledger = Ledger()
        ledger.asked = {"ada": [dict(order) for order in self.ledger.asked["ada"]]}
        return site, ledger


def scenes(base):
    """Name, what makes the copy ready, what is then done under strace."""
    def order(kind, record, text):
        def act(site, ledger, before):
            return base.order(site, kind, record, text, before, ledger=ledger)
        return act

    def settle(site):
        site.tool("check")

    def tool(word):
        def act(site, _, before):
            return site.tool(word, before=before, check=False)
        return act

    return {
        "put": (settle, order("put", None, "short #soak")),
        "rollover": (settle, order("put", None, "long #soak " + "y" * 64_000)),
        "edit": (settle, order("edit", 5, "edited #soak")),
        "delete": (settle, order("delete", 3, None)),
        # A copied directory is not believed: whoever comes first recovers.
        "recovery": (lambda site: None, order("put", None, "first #soak")),
        "rebuild": (settle, tool("rebuild")),
    }


def trap(base, scene, injection):
    """One run with one trap; whether it was sprung, and what is wrong."""
    ready, act = scene
    site, ledger = base.copy()
    ready(site)
    record = base.folder / "strace"
    before = ("strace", "-f", "-qq", "-o", record, "-e", "trace=" + ",".join(CALLS), "-e", "inject=" + injection)
    reply = act(site, ledger, before)
    said = record.read_text(errors="replace")
    if "(INJECTED)" not in said and "killed by SIGKILL" not in said:
        return False, None
    if getattr(reply, "status", None) == 500 and reply.json().get("code") not in ("internal", "failed", "unavailable"):
        return True, f"not a clear error: {reply}"
    wrong = ledger.check(records(site.tool("dump").stdout))
    if wrong:
        return True, wrong
    after = base.order(site, "put", None, "after it #soak", ledger=ledger)
    if after is None or not after.is_success():
        return True, f"does not go on: {after} {getattr(after, 'said', b'')!r}"
    check = site.tool("check", check=False)
    wrong = ledger.check(records(site.tool("dump").stdout))
    if wrong or check.returncode != 0:
        return True, f"{wrong} {check.stdout}{check.stderr}"
    return True, None


def count_calls(base, scene):
    """How often each call is made without a trap."""
    ready, act = scene
    site, ledger = base.copy()
    ready(site)
    record = base.folder / "strace"
    act(site, ledger, ("strace", "-f", "-qq", "-o", record, "-e", "trace=" + ",".join(CALLS)))
    found = {}
    for name in re.findall(r"^\d+ +(\w+)\(", record.read_text(errors="replace"), re.M):
        found[name] = found.get(name, 0) + 1
    return found


def spread(calls, call):
    """Every n of a call; of those that a rebuild makes by the thousand, some."""
    count = calls.get(call, 0)
    return range(1, count + 1, max(1, count // EACH_MAX))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--stride", type=int, default=1, help="every nth trap only")
    parser.add_argument("scenes", nargs="*")
    asked = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="blerg-traps-", dir=os.environ.get("SOAK_DIR")))
    faults, at = [], 0
    try:
        base = Base(folder)
        for name, scene in scenes(base).items():
            if asked.scenes and name not in asked.scenes:
                continue
            calls, sprung = count_calls(base, scene), {}
            traps = [("SIGKILL", call, f"{call}:signal=SIGKILL:when={n}") for call in CHANGES for n in spread(calls, call)]
            traps += [(error, call, f"{call}:error={error}:when={n}")
                      for error, those in ERRORS.items() for call in those for n in spread(calls, call)]
            for kind, call, injection in traps:
                at += 1
                if at % asked.stride:
                    continue
                is_sprung, wrong = trap(base, scene, injection)
                sprung[kind] = sprung.get(kind, 0) + is_sprung
                if wrong:
                    faults.append(f"{name}, {injection}: {wrong}")
                    print(faults[-1], flush=True)
            print(f"{name}: traps sprung {sprung}", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(f"{len(faults)} faults" if faults else 0)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(str(failure))
