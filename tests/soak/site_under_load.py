"""A site for a long run: http_blerg, fcgi_blerg behind lighttpd (with the file of htaccess/) and CGI programs, all on one data
directory. Start at `Site`. A `Visitor` asks it by whichever way it is told. Processes are ended by their pid.
"""

import http.client
import os
import shutil
import subprocess
import sys
import time
import urllib.parse
from contextlib import ExitStack
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests/bench"))
from harness import free_port, process, wait_for  # noqa: E402

BIN = Path(os.environ.get("BIN", TOP / "dist")).resolve()
PASSWORD = "correct horse"
WAYS = ("http", "lighttpd", "cgi")
FORM = "application/x-www-form-urlencoded"
PATIENCE = 60
KEPT_SECONDS = 2

LIGHTTPD = """
server.modules = ( "mod_indexfile", "mod_access", "mod_alias", "mod_redirect" )
server.document-root = "{dir}/document-root"
server.upload-dirs = ( "{dir}/uploads" )
server.errorlog = "{dir}/lighttpd.log"
server.bind = "127.0.0.1"
server.port = {port}
server.max-fds = 4096
server.max-connections = 2048
index-file.names = ( "index.html" )
mimetype.assign = ( ".html" => "text/html", ".css" => "text/css", ".js" => "text/javascript" )
var.blerg_url = ""
var.blerg_www = "{www}"
var.blerg_program = "{bin}/fcgi_blerg"
var.blerg_data = "{data}"
var.blerg_socket = "{dir}/fcgi.sock"
include "{htaccess}/lighttpd-fcgi.conf"
server.modules += ( "mod_staticfile" )
"""


class Answer:
    """A status, headers in lower case and a body."""

    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = {name.lower(): value for name, value in headers}

    def text(self):
        return self.body.decode()


class Site:
    """Starts everything in a folder of its own; ends it when the `with` ends."""

    def __init__(self, folder, settings):
        self.dir, self.data, self.settings = folder, folder / "data", settings
        self.pids, self.stack, self.ports = {}, ExitStack(), {}

    def __enter__(self):
        for name in ("lighttpd", *(f"{BIN}/{name}" for name in ("http_blerg", "fcgi_blerg", "cgi_blerg", "blergtool"))):
            if not shutil.which(name):
                sys.exit(f"soak: {name} is missing: `make all deps` makes and installs what is needed")
        shutil.rmtree(self.dir, ignore_errors=True)
        for name in ("document-root", "uploads"):
            (self.dir / name).mkdir(parents=True)
        self.tool("init")
        self.stack.__enter__()
        self._start_http()
        self._start_lighttpd()
        return self

    def __exit__(self, *raised):
        return self.stack.__exit__(*raised)

    def environment(self):
        return {"PATH": os.environ["PATH"], "BLERG_DATA": str(self.data), **self.settings}

    def tool(self, *arguments, data=None, check=True):
        """Runs blergtool; what it printed."""
        command = [BIN / "blergtool", "--data", data or self.data, *arguments]
        done = subprocess.run(command, env=self.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if check and done.returncode != 0:
            raise AssertionError(f"blergtool {arguments}: {done.returncode}: {done.stdout} {done.stderr}")
        return done

    def _log(self, name):
        log = self.stack.enter_context(open(self.dir / f"{name}.log", "ab"))
        return {"stdout": log, "stderr": log}

    def _start_http(self):
        port = self.ports["http"] = free_port()
        arguments = [BIN / "http_blerg", "--listen", f"127.0.0.1:{port}", "--www", TOP / "www"]
        pid = self.stack.enter_context(process(*arguments, env=self.environment(), **self._log("http_blerg")))
        self.pids["http_blerg"] = pid
        wait_for(port, "/latest")

    def _start_lighttpd(self):
        port = self.ports["lighttpd"] = free_port()
        config = self.dir / "lighttpd.conf"
        places = {"dir": self.dir, "port": port, "www": TOP / "www", "bin": BIN, "data": self.data}
        config.write_text(LIGHTTPD.format(htaccess=TOP / "htaccess", **places))
        arguments = ["lighttpd", "-D", "-f", config]
        pid = self.stack.enter_context(process(*arguments, env=self.environment(), **self._log("lighttpd-out")))
        self.pids["lighttpd"] = pid
        wait_for(port, "/latest")
        self.pids["fcgi_blerg"] = next(child for child in children(pid))


class Visitor:
    """Asks the site, with a kept connection for each server."""

    def __init__(self, site):
        self.site, self.kept, self.used, self.token = site, {}, {}, None

    def ask(self, way, method, path, body=None, headers=()):
        """One request; `body` may be fields of a form."""
        headers = dict(headers)
        if isinstance(body, dict):
            body = urllib.parse.urlencode(body).encode()
            headers["Content-Type"] = FORM
        if self.token:
            headers["Cookie"] = f"auth={self.token}"
        if way == "cgi":
            return self._ask_cgi(method, path, body, headers)
        return self._ask_server(way, method, path, body, headers)

    def leave(self, way=None):
        """Closes kept connections."""
        for name in [way] if way else list(self.kept):
            connection = self.kept.pop(name, None)
            if connection:
                connection.close()

    def _ask_server(self, way, method, path, body, headers):
        # lighttpd closes a connection that idles for five seconds; a change that meets the close could not be sent again.
        if time.monotonic() - self.used.get(way, 0) > KEPT_SECONDS:
            self.leave(way)
        self.used[way] = time.monotonic()
        for attempt in (1, 2):
            is_old = way in self.kept
            connection = self.kept.setdefault(
                way, http.client.HTTPConnection("127.0.0.1", self.site.ports[way], timeout=PATIENCE)
            )
            try:
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                return Answer(answer.status, answer.getheaders(), answer.read())
            except (http.client.RemoteDisconnected, ConnectionError):
                self.leave(way)
                # A connection may end just when it is used again; a change is not sent twice.
                if attempt == 2 or not is_old or method == "POST":
                    raise

    def _ask_cgi(self, method, path, body, headers):
        first = path.split("?")[0].split("/")[1]
        program = {"rss": "rss.cgi", "wiki": "wiki.cgi"}.get(first, "cgi_blerg")
        script = "/blerg.cgi" if program == "cgi_blerg" else f"/{program}"
        variables = {
            **self.site.environment(), "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1", "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80", "REMOTE_ADDR": "127.0.0.1", "REQUEST_METHOD": method, "REQUEST_URI": path, "SCRIPT_NAME": script,
            "QUERY_STRING": path.partition("?")[2], "HTTP_HOST": "127.0.0.1",
        }
        for name, value in headers.items():
            name = name.upper().replace("-", "_")
            variables[name if name == "CONTENT_TYPE" else f"HTTP_{name}"] = value
        if body is not None:
            variables["CONTENT_LENGTH"] = str(len(body))
        done = subprocess.run([BIN / program], env=variables, input=body or b"", capture_output=True, timeout=PATIENCE)
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        if done.returncode != 0 or not rest and not head:
            raise AssertionError(f"{program} {method} {path}: {done.returncode}: {done.stderr[:500]}")
        lines = [line.split(": ", 1) for line in head.decode().split("\r\n")]
        status = next((int(value[:3]) for name, value in lines if name.lower() == "status"), 200)
        return Answer(status, lines, rest)


def children(pid):
    """The processes that `pid` started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def look_at(pid):
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    zombies = sum(is_zombie(child) for child in children(pid))
    return {
        "anonymous_kib": int(status["RssAnon"].split()[0]), "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
        "threads": int(status["Threads"]), "zombies": zombies,
    }


def is_zombie(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return False
