"""The servers that are compared, each as an expert would set it up for static files: one worker on
one core, no log of requests, connections that stay open. The texts are in configurations/."""

import contextlib
import dataclasses
import http.client
import itertools
import os
import pathlib
import re
import resource
import shutil
import string
import subprocess
import time

from machine import read, settle
from subjects import HOT_BYTES

START_SECONDS = 15
DESCRIPTORS = 262144
HERE = pathlib.Path(__file__).resolve().parent
_PORTS = itertools.count(8081)


@dataclasses.dataclass(frozen=True)
class Plan:
    """How a server is started. Words in braces are filled in, as is what has a dollar sign in its
    configuration."""

    name: str
    command: tuple
    configuration: str = ""
    values: tuple = ()
    version: tuple = ()
    environment: tuple = ()


def _nginx(name, sendfile):
    return Plan(name, ("nginx", "-p", "{scratch}", "-e", "stderr", "-c", "{file}", "-g",
                       "daemon off;"),
                "nginx.conf", (("sendfile", sendfile),), ("-v",))


PLANS = {
    "sluiced": Plan("sluiced", ("{sluiced}", "run", "--allow-root", "-c", "{file}"), "sluiced.yaml",
                    version=("version",)),
    "raw": Plan("raw ring", ("{raw}", "{port}", "{root}",
                             *(f"{length}.bin" for length in HOT_BYTES.values()))),
    "nginx": _nginx("nginx", "on"),
    "nginx-copy": _nginx("nginx, sendfile off", "off"),
    "nginx-aio": _nginx("nginx, aio threads", "on; aio threads"),
    "h2o": Plan("h2o", ("h2o", "-m", "worker", "-c", "{file}"), "h2o.yaml", version=("-v",)),
    "lighttpd": Plan("lighttpd", ("lighttpd", "-D", "-f", "{file}"), "lighttpd.conf",
                     version=("-v",)),
    "caddy": Plan("Caddy", ("caddy", "run", "--config", "{file}", "--adapter", "caddyfile"),
                  "caddy.conf", version=("version",), environment=(("GOMAXPROCS", "1"),)),
    "apache": Plan("Apache", ("apache2", "-D", "FOREGROUND", "-f", "{file}"), "apache.conf",
                   version=("-v",)),
}


class Failure(Exception):
    """A server did not do what was asked of it."""


def find(program):
    """Programs of administrators are not in every PATH."""
    found = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
    if not found:
        raise SystemExit(f"{program} is not there: install it, or leave it out with --peers")
    return found


def version(plan, programs):
    """What the program says of itself; nothing if it does not."""
    if not plan.version:
        return ""
    program = find(plan.command[0].format(**programs, scratch="", file="", port="", root=""))
    done = subprocess.run([program, *plan.version], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    found = re.search(r"\d+\.\d+\.\d+[^\s,)]*", done.stdout)
    return found[0] if found else ""


class Server:
    """A server that was started."""

    def __init__(self, key, core, root, top, programs):
        plan = PLANS[key]
        self.key, self.name, self.root = key, plan.name, root
        self.port = next(_PORTS)
        scratch = top / f"{key}-{self.port}"
        scratch.mkdir(mode=0o755)
        words = {**programs, "scratch": scratch, "file": scratch / "configuration",
                 "port": self.port, "root": root, "descriptors": descriptors()}
        if plan.configuration:
            text = (HERE / "configurations" / plan.configuration).read_text()
            words["file"].write_text(string.Template(text).substitute(words, **dict(plan.values)))
        self.log = scratch / "output"
        environment = {**os.environ, "HOME": str(scratch), "XDG_DATA_HOME": str(scratch),
                       "XDG_CONFIG_HOME": str(scratch), **dict(plan.environment)}
        program, *arguments = [word.format(**words) for word in plan.command]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([find(program), *arguments], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env=environment,
                                            preexec_fn=lambda: _prepare(core))

    def wait_until_ready(self, path):
        """Until it sends the file."""
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(ConnectionError):
                self.check(path)
                return
            time.sleep(0.02)
        raise self.failure("did not start")

    def check(self, path):
        """Fetches the file over one connection, which also warms what the server keeps."""
        content = (self.root / path[1:]).read_bytes()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        with contextlib.closing(connection):
            for _ in range(10 if len(content) <= 1 << 20 else 2):
                connection.request("GET", path)
                answer = connection.getresponse()
                if answer.status != 200 or answer.read() != content:
                    raise self.failure(f"did not send {path} but answered {answer.status}")
                if answer.will_close:
                    raise self.failure("closed the connection after a request")

    def processes(self):
        """Its own number and those of all that it has started."""
        found, at = [self.process.pid], 0
        while at < len(found):
            with contextlib.suppress(OSError):  # A process may end just now.
                children = read(f"/proc/{found[at]}/task/{found[at]}/children")
                found += map(int, children.split())
            at += 1
        return found

    def cpu_ns(self):
        """CPU time by thread, io_uring's kernel workers and child processes included."""
        used = {}
        for process in self.processes():
            with contextlib.suppress(OSError):
                for thread in pathlib.Path(f"/proc/{process}/task").iterdir():
                    with contextlib.suppress(OSError):  # A thread may end just now.
                        used[thread] = int(read(thread / "schedstat").split()[0])
        return used

    def memory_bytes(self):
        """Memory of its processes that is resident."""
        total = 0
        for process in self.processes():
            with contextlib.suppress(OSError):
                kibibytes = re.search(r"^VmRSS:\s*(\d+)", read(f"/proc/{process}/status"),
                                      re.MULTILINE)
                total += int(kibibytes[1]) * 1024 if kibibytes else 0
        return total

    def failure(self, what):
        said = self.log.read_text(errors="replace")[-2000:].strip()
        return Failure(f"{self.name} {what}; the end of what it wrote: {said or '(nothing)'}")

    def alive(self):
        return self.process.poll() is None

    def stop(self):
        """Ends it and what it has started."""
        started = self.processes()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            for process in started:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, 9)
            self.process.wait()


def descriptors():
    """How many a server may have open."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)


def _prepare(core):
    settle(core)
    resource.setrlimit(resource.RLIMIT_NOFILE,
                       (descriptors(), resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
