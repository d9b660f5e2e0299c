"""A service manager that is a test: sd_notify(3) and sd_listen_fds(3) from the other side."""

import collections
import os
import socket
import sys
import threading
import time

from harness.daemon import LIMIT_S

# Becomes the daemon, with LISTEN_PID naming itself and the sockets from descriptor 3 on.
HAND_OVER = """
import os, sys
count = int(sys.argv[1])
numbers = [int(number) for number in sys.argv[2].split(",") if number]
sources = [os.dup(number) for number in numbers]
for number in numbers:
    os.set_inheritable(number, False)
for place, source in enumerate(sources):
    os.dup2(source, 3 + place)
    os.set_inheritable(3 + place, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(count), LISTEN_FDNAMES=sys.argv[3])
os.execv(sys.argv[4], sys.argv[4:])
"""


class Manager:
    """Receives what is said to NOTIFY_SOCKET."""

    def __init__(self, path):
        self.address = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + path[1:] if path.startswith("@") else path)
        self.socket.settimeout(LIMIT_S)

    def receive(self):
        return dict(line.split("=", 1)
                    for line in self.socket.recv(4096).decode().splitlines())

    def await_message(self, key):
        while True:
            message = self.receive()
            if key in message:
                return message

    def environment(self, **more):
        return {**os.environ, "NOTIFY_SOCKET": self.address, **more}


def listening(address=("127.0.0.1", 0), **options):
    made = socket.create_server(address, **options)
    return made, made.getsockname()[1]


def hand_over(sockets, names, count=None):
    numbers = ",".join(str(each.fileno()) for each in sockets)
    return (sys.executable, "-c", HAND_OVER, str(len(sockets) if count is None else count), numbers,
            ":".join(names))


def keep_open(sockets):
    return {"pass_fds": [each.fileno() for each in sockets]}


class StoringManager(Manager):
    """Holds the sockets that it is given to store (FDSTORE=1), as systemd does, on a thread."""

    def __init__(self, path, slow_s=0.0):
        super().__init__(path)
        self.log = []  # of the messages about sockets, in their order
        self.socket.settimeout(None)
        self._slow_s = slow_s
        self._stored = collections.defaultdict(list)
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while True:
            data, fds, _, _ = socket.recv_fds(self.socket, 4096, 253)
            if data == b"END":
                return
            with self._changed:
                self._follow(dict(line.split("=", 1) for line in data.decode().splitlines()), fds)
                self._changed.notify_all()

    def _follow(self, message, fds):
        name = message.get("FDNAME")
        if "FDSTORE" in message:
            self.log.append(("store", name))
            for fd in fds:
                self._store_once(name, socket.socket(fileno=fd))
            return
        if "FDSTOREREMOVE" in message:
            self.log.append(("remove", name))
            time.sleep(self._slow_s)
            for each in self._stored.pop(name, []):
                each.close()
        elif "READY" in message:
            self.log.append(("ready", None))
        for fd in fds:  # as that of BARRIER=1
            os.close(fd)

    def _store_once(self, name, new):
        inode = os.fstat(new.fileno()).st_ino
        held = [each for sockets in self._stored.values() for each in sockets]
        if inode in [os.fstat(each.fileno()).st_ino for each in held]:
            new.close()
        else:
            self._stored[name].append(new)

    def store(self, name, sockets):
        self._stored[name] += sockets

    def stored(self):
        with self._changed:
            return {name: list(sockets) for name, sockets in self._stored.items()}

    def await_ready(self, count=1):
        """Until READY=1 has come `count` times."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: self.log.count(("ready", None)) >= count, LIMIT_S), self.log

    def handing_over(self):
        """How to start the next run of the service."""
        names, sockets = [], []
        for name, held in self.stored().items():
            names += [name] * len(held)
            sockets += held
        return {"launcher": hand_over(sockets, names), "env": self.environment(),
                **keep_open(sockets)}

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"END", self.address)
        self._thread.join(LIMIT_S)
        self.socket.close()
        for sockets in self._stored.values():
            for each in sockets:
                each.close()
