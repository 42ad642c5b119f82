"""What the benches share: processes ended by their pid, free ports, wrk, the C library's workers, alternating rounds.

ROUNDS and SECONDS (a measurement's length) come from the environment. Everything stays on loopback.
"""

import os
import re
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = int(os.environ.get("SECONDS", "3"))
LIBFCGI_PROCESSES = 4


def number(text):
    """50000, 50k or 10M."""
    units = {"k": 1_000, "M": 1_000_000}
    return int(text[:-1]) * units[text[-1]] if text[-1] in units else int(text)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def process(*arguments, **options):
    """A process for the length of a `with`; yields its pid."""
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL} | options
    child = subprocess.Popen([str(a) for a in arguments], **options)
    try:
        yield child.pid
    finally:
        child.terminate()
        try:
            child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def wait_for(port, path):
    """The body of the first 200 answer."""
    deadline, last = time.monotonic() + 20, "nothing"
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            last = f"{error.code}: {error.read()[:500]}"
        except OSError as error:
            last = str(error)
        time.sleep(0.05)
    sys.exit(f"bench: port {port} answers no 200 for {path}, but {last}")


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def wrk(port, path, connections, pids=()):
    """Requests/s over kept connections, the processes' CPU in us a request, and how many answers were wrong."""
    before = cpu_seconds(pids)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", f"http://127.0.0.1:{port}{path}"]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    requests = int(re.search(r"(\d+) requests in", out).group(1))
    failed = sum(int(n) for n in re.findall(r"(?:Non-2xx or 3xx responses:|connect|read|write|timeout) (\d+)", out))
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
    return rate, (cpu_seconds(pids) - before) / max(requests, 1) * 1e6, failed


def build_libfcgi(work, answer):
    """The C library's program, printing `answer` (CGI headers and body)."""
    quoted = "".join(f"\\{byte:03o}" for byte in answer)
    (work / "answer.h").write_text(f'#define ANSWER "{quoted}"\n')
    subprocess.run(["gcc", "-O2", f"-I{work}", HERE / "libfcgi.c", "-o", work / "libfcgi", "-lfcgi"], check=True)


def libfcgi_workers(stack, work, name):
    """Processes on one socket, as many connections as a web server may keep: each serves one until it is closed."""
    path = work / f"{name}.sock"
    listening = stack.enter_context(socket.socket(socket.AF_UNIX))
    listening.bind(str(path))
    path.chmod(0o666)
    listening.listen(4096)
    return [stack.enter_context(process(work / "libfcgi", stdin=listening)) for _ in range(LIBFCGI_PROCESSES)]


def heading(title):
    print(f"\n{title:<50} {'ours':>9} {'peer':>9} {'ratio':>6} {'(spread)':<12} {'us':>6} {'us':>6}  failed", flush=True)


def compare(title, ours, peer, aim=""):
    """Alternates two measurements, so that a machine that drifts drifts for both; prints medians and the ratio."""
    rounds = [(ours(), peer()) for _ in range(ROUNDS)]
    rate, cpu = ([statistics.median(r[who][what] for r in rounds) for who in (0, 1)] for what in (0, 1))
    failed = [sum(r[who][2] for r in rounds) for who in (0, 1)]
    ratios = sorted(r[0][0] / r[1][0] for r in rounds)
    spread = f"({ratios[0]:.2f}-{ratios[-1]:.2f})"
    ratio = statistics.median(ratios)
    print(
        f"{title:<50} {rate[0]:>9,.0f} {rate[1]:>9,.0f} {ratio:>6.2f} {spread:<12} {cpu[0]:>6.1f} {cpu[1]:>6.1f}  {failed[0]}, {failed[1]}  {aim}",
        flush=True,
    )
    if failed[0]:
        sys.exit(f"bench: {failed[0]} of our answers failed in {title}")
