"""The control socket of a daemon, and the configuration file that it reads again."""

import pathlib
import re
import socket
import tempfile
from typing import NamedTuple

from harness import daemon, wire

ADMIN = "admin: {listen: 127.0.0.1:0}\n"
WEB = "  - {name: web, address: 127.0.0.1:0}\n"
EXTRA = "  - {name: extra, address: 127.0.0.1:0}\n"

_LISTENING = re.compile(r"^Listening on http://(?P<host>[0-9.]+):(?P<port>\d+)/ \((?P<name>\S+)\)$",
                        re.MULTILINE)


class Answer(NamedTuple):
    """What came of a reload."""

    status: int
    text: str

    @property
    def endpoints(self):
        """The TCP listeners that were added, by name."""
        return {found["name"]: daemon.Endpoint(socket.AF_INET, (found["host"], int(found["port"])))
                for found in _LISTENING.finditer(self.text)}


class Controlled:
    """A daemon with a configuration file that is written again, and a control socket."""

    def __init__(self, fleet, text, **options):
        self._folder = tempfile.TemporaryDirectory(prefix="sluiced-")  # a short path
        self.path = f"{self._folder.name}/control"
        self.file = fleet.write_configuration(text)
        self.daemon = fleet.start("run", "-c", self.file, "--control", self.path, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.daemon.stop()
        self._folder.cleanup()

    def reload(self, text=None):
        """Writes the file and asks by the verb."""
        if text is not None:
            self.file.write_text(text)
        done = daemon.run_to_end("reload", "--control", self.path)
        return Answer(done.returncode, done.stdout + done.stderr)

    def reload_at_once(self, text):
        """The same without a process of the program."""
        self.file.write_text(text)
        with socket.socket(socket.AF_UNIX) as plain:
            plain.settimeout(daemon.LIMIT_S)
            plain.connect(self.path)
            plain.sendall(b"reload\n")
            answer = b""
            while piece := plain.recv(65536):
                answer += piece
        status, _, text = answer.decode().partition("\n")
        return Answer(int(status), text)


def readable(*directories):
    """The section that lets a later configuration have roots beneath these."""
    return f"confinement: {{readable: [{', '.join(map(str, directories))}]}}\n"


def configuration(mounts, *, listeners=WEB, extra=ADMIN, site=""):
    """`mounts` is a dictionary from paths to roots, which may be others next time if they lie where
    the first one does."""
    lines = "".join(f"      - {{path: {path}, root: {root}}}\n" for path, root in mounts.items())
    around = pathlib.Path(next(iter(mounts.values()))).parent
    return (f"{extra}{readable(around)}listeners:\n{listeners}"
            f"sites:\n  - name: _default\n{site}    mounts:\n{lines}")


def exchange(endpoint, target):
    with wire.Connection(endpoint.connect()) as connection:
        connection.send(wire.request(target, headers=[("Connection", "close")]))
        return connection.read_response()
