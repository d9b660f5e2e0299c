"""Starts, watches and stops the program under test.

Every wait is for a condition and has a generous limit, so that a slow machine or a sanitizer build
changes nothing but the duration. Only processes started here are ever signalled, by their pid.
"""

import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time
from typing import NamedTuple

from harness import metrics, wire

LIMIT_S = 60.0  # the longest wait for anything that should happen at once
BINARY = pathlib.Path(os.environ.get("SLUICED_BINARY", "build/release/bin/sluiced")).resolve()

# What a build with sanitizers, or a broken invariant, leaves on standard error.
_FATAL_MARKS = ("Sanitizer", "runtime error", "broken rule", "terminate called")

_LISTENING = re.compile(r"^Listening on (http://(?P<host>\S+):(?P<port>\d+)/|unix:(?P<path>.+)) "
                        r"\((?P<name>[a-z0-9_-]+)\)$")
_ADMIN = re.compile(r"^Admin on (http://(?P<host>\S+):(?P<port>\d+)/|unix:(?P<path>.+)) "
                    r"\((/[a-z /]+)?\)$")


class Endpoint(NamedTuple):
    """Where a listener can be reached."""

    family: int
    address: tuple | str

    @property
    def url(self):
        if self.family == socket.AF_UNIX:
            return "http://localhost"
        host, port = self.address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def curl_arguments(self):
        return ["--unix-socket", self.address] if self.family == socket.AF_UNIX else []

    def connect(self, timeout_s=LIMIT_S, receive_buffer_bytes=None):
        """A connected plain socket. A small receive buffer makes a reader slow on purpose."""
        plain = socket.socket(self.family, socket.SOCK_STREAM)
        try:
            plain.settimeout(timeout_s)
            if receive_buffer_bytes is not None:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
            plain.connect(self.address)
            if self.family != socket.AF_UNIX:
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            plain.close()
            raise
        return plain


def _endpoint(match):
    if match["path"] is not None:
        return Endpoint(socket.AF_UNIX, match["path"])
    host = match["host"].strip("[]")
    return Endpoint(socket.AF_INET6 if ":" in host else socket.AF_INET, (host, int(match["port"])))


def wait_until(condition, what, limit_s=LIMIT_S):
    """Polls until the condition is true, and returns its value. Fails the test after the limit."""
    deadline = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {limit_s} s in vain: {what}"
        time.sleep(0.01)


def assert_clean(stderr_text):
    found = [mark for mark in _FATAL_MARKS if mark in stderr_text]
    assert not found, f"standard error shows {found}:\n{stderr_text[-8000:]}"


def command_line(launcher, binary, arguments, options, allow_root=True):
    """The program refuses to serve as root, which tests are as a rule, unless it is told not to."""
    words = [str(argument) for argument in arguments]
    is_root = os.geteuid() == 0 and "user" not in options
    if allow_root and is_root and words[:1] in (["serve"], ["run"]) and "--user" not in words:
        words.insert(1, "--allow-root")
    return [*launcher, str(binary), *words]


def run_to_end(*arguments, launcher=(), limit_s=LIMIT_S, binary=BINARY, allow_root=True, **options):
    """Runs the program where it is expected to end by itself. Its output is returned as text."""
    done = subprocess.run(command_line(launcher, binary, arguments, options, allow_root),
                          stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=limit_s,
                          check=False, **options)
    done.stdout = done.stdout.decode(errors="surrogateescape")
    done.stderr = done.stderr.decode(errors="surrogateescape")
    assert_clean(done.stderr)
    return done


class Sluiced:
    """One running daemon. Ready for connections once it has been made."""

    def __init__(self, arguments, workdir, *, listeners=1, admin=True, launcher=(), stderr=None,
                 binary=BINARY, **options):
        self.endpoints = {}
        self.admin = None
        self._lines = []
        self._news = threading.Condition()
        self._stderr_path = pathlib.Path(workdir) / f"stderr-{time.monotonic_ns()}"
        with open(self._stderr_path, "wb") as log:
            self.process = subprocess.Popen(
                command_line(launcher, binary, arguments, options), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=log if stderr is None else stderr, **options)
        self._reader = threading.Thread(target=self._read_stdout, daemon=True)
        self._reader.start()
        self._await_ready(listeners, admin)

    def _read_stdout(self):
        for raw in self.process.stdout:
            with self._news:
                self._lines.append(raw.decode(errors="surrogateescape").rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._lines.append(None)  # the end
            self._news.notify_all()

    def _await_ready(self, listeners, admin):
        read = 0
        with self._news:
            while len(self.endpoints) < listeners or (admin and self.admin is None):
                assert self._news.wait_for(lambda: len(self._lines) > read, LIMIT_S), \
                    f"not ready after {LIMIT_S} s: {self._lines}\n{self.stderr}"
                line = self._lines[read]
                read += 1
                assert line is not None, f"ended before it was ready:\n{self.stderr}"
                if match := _LISTENING.match(line):
                    self.endpoints[match["name"]] = _endpoint(match)
                elif match := _ADMIN.match(line):
                    self.admin = _endpoint(match)

    @property
    def pid(self):
        return self.process.pid

    @property
    def endpoint(self):
        """The only listener, or the first of several."""
        return next(iter(self.endpoints.values()))

    @property
    def url(self):
        return self.endpoint.url

    @property
    def stdout_lines(self):
        with self._news:
            return [line for line in self._lines if line is not None]

    @property
    def stderr(self):
        return self._stderr_path.read_text(errors="surrogateescape")

    def connect(self, **options):
        """A client connection to the (first) listener, which checks the framing of responses."""
        return wire.Connection(self.endpoint.connect(**options))

    def connect_admin(self):
        return wire.Connection(self.admin.connect())

    def get(self, target, *, method="GET", headers=(), version="HTTP/1.1"):
        """One request on a connection of its own, which the daemon must close afterwards."""
        with self.connect() as connection:
            connection.send(wire.request(target, method=method, version=version,
                                         headers=[*headers, ("Connection", "close")]))
            response = connection.read_response(method)
            connection.expect_close()
            return response

    def scrape(self):
        """What /metrics says now."""
        with self.connect_admin() as connection:
            connection.send(wire.request("/metrics", headers=[("Connection", "close")]))
            response = connection.read_response()
        assert response.status == 200
        return metrics.parse(response.body.decode())

    def refuses_connections(self):
        """Whether the listener is gone."""
        try:
            self.endpoint.connect().close()
        except (ConnectionRefusedError, FileNotFoundError):
            return True
        except ConnectionResetError:
            return False  # accepted by the kernel in the very moment the listener was closed
        return False

    def signal(self, number):
        os.kill(self.process.pid, number)

    def wait(self, limit_s=LIMIT_S):
        """Awaits the end and returns the exit status; what was written is checked too."""
        status = self.process.wait(limit_s)
        self._reader.join(LIMIT_S)
        assert_clean(self.stderr)
        return status

    def stop(self):
        """The ordinary end: SIGTERM and exit status 0."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        status = self.wait()
        assert status == 0, f"ended with {status}:\n{self.stderr[-8000:]}"

    def kill(self):
        """For the end of a test that has failed already: nothing is checked."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(LIMIT_S)
