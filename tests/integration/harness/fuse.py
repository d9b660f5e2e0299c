"""A file system of our own making, for tests of slow and dead ones: FUSE, spoken directly.

    fuse.py DIRECTORY

mounts on a directory, in a mount namespace of its own, a file system whose answers can be withheld.
It says "ready", then obeys lines on standard input, and says "done" to each:

    put NAME SEED LENGTH    there is such a file, whose content is files.pattern(LENGTH, SEED)
    hold OPERATION          from now on "open", "read" or "flush" (at a close) is not answered
    release                 what was held is answered, and what comes

Everything waiting fails when the process ends. The protocol is that of linux/fuse.h.
"""

import contextlib
import ctypes
import errno
import os
import pathlib
import select
import stat
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import files  # noqa: E402

_LOOKUP, _FORGET, _GETATTR, _OPEN, _READ, _STATFS, _RELEASE = 1, 2, 3, 14, 15, 17, 18
_FLUSH, _INIT, _INTERRUPT, _BATCH_FORGET = 25, 26, 36, 42
_HELD = {_OPEN: "open", _READ: "read", _FLUSH: "flush"}
_HEADER = struct.Struct("<IIQQIIII")  # length, operation, request, node, three ids, padding
_ROOT = 1
_CLONE_NEWNS, _MS_PRIVATE_REC = 0x20000, 0x44000
_LARGEST_REQUEST = 1 << 20


class FileSystem:
    """Answers the kernel's requests."""

    def __init__(self, device):
        self.device = device
        self.nodes = {}  # number -> content
        self.names = {}
        self.held = set()
        self.waiting = []

    def put(self, name, content):
        number = self.names.setdefault(name.encode(), _ROOT + 1 + len(self.names))
        self.nodes[number] = content

    def attributes(self, node):
        if node == _ROOT:
            kind, length = stat.S_IFDIR | 0o755, 0
        else:
            kind, length = stat.S_IFREG | 0o644, len(self.nodes[node])
        seconds = 1_000_000_000 + length  # no two contents of a test have the same length
        return struct.pack("<6Q10I", node, length, 0, seconds, seconds, seconds, 0, 0, 0,
                           kind, 1, os.getuid(), os.getgid(), 0, 4096, 0)

    def serve_one(self):
        try:
            request = os.read(self.device, _LARGEST_REQUEST)
        except OSError as error:
            if error.errno == errno.ENOENT:  # interrupted before we took it
                return
            raise
        _, operation, number, node, *_ = _HEADER.unpack_from(request)
        if _HELD.get(operation) in self.held:
            self.waiting.append(request)
        elif operation not in (_FORGET, _BATCH_FORGET, _INTERRUPT):
            self.reply(number, self.answer(operation, node, request[_HEADER.size:]))

    def release(self):
        self.held.clear()
        waiting, self.waiting = self.waiting, []
        for request in waiting:
            _, operation, number, node, *_ = _HEADER.unpack_from(request)
            self.reply(number, self.answer(operation, node, request[_HEADER.size:]))

    def reply(self, number, answer):
        error, body = (-answer, b"") if isinstance(answer, int) else (0, answer)
        with contextlib.suppress(FileNotFoundError):  # nobody waits for it any more
            os.write(self.device, struct.pack("<IiQ", 16 + len(body), error, number) + body)

    def answer(self, operation, node, body):
        """The body of the answer, or an error."""
        if operation == _INIT:
            major, minor, read_ahead, _ = struct.unpack_from("<IIII", body)
            return struct.pack("<IIIIHHIIHHI7I", major, min(minor, 31), read_ahead, 0, 12, 9,
                               1 << 17, 1, 0, 0, 0, *[0] * 7)
        if operation == _LOOKUP:
            found = self.names.get(body.rstrip(b"\0"))
            # The kernel may rely on nothing for any time.
            return (errno.ENOENT if found is None else
                    struct.pack("<4Q2I", found, 1, 0, 0, 0, 0) + self.attributes(found))
        if operation == _GETATTR:
            return struct.pack("<QII", 0, 0, 0) + self.attributes(node)
        if operation == _OPEN:
            return struct.pack("<QII", 0, 0, 0)
        if operation == _READ:
            _, offset, length = struct.unpack_from("<QQI", body)
            return self.nodes[node][offset:offset + length]
        if operation == _STATFS:
            return struct.pack("<5Q10I", 0, 0, 0, 0, 0, 4096, 255, 4096, 0, *[0] * 6)
        return b"" if operation == _RELEASE else errno.ENOSYS

    def obey(self, words):
        if words[0] == "put":
            self.put(words[1], files.pattern(int(words[3]), int(words[2])))
        elif words[0] == "hold":
            self.held.add(words[1])
        else:
            self.release()


def _check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def main():
    """The program."""
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.unshare(_CLONE_NEWNS))
    _check(libc.mount(b"none", b"/", None, _MS_PRIVATE_REC, None))
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
    _check(libc.mount(b"sluice-test", os.fsencode(sys.argv[1]), b"fuse", 0, options.encode()))
    served = FileSystem(device)
    print("ready", flush=True)
    commands = b""
    while True:
        readable, _, _ = select.select([device, 0], [], [])
        if device in readable:
            served.serve_one()
        if 0 in readable:
            received = os.read(0, 4096)
            if not received:
                return
            *lines, commands = (commands + received).split(b"\n")
            for line in lines:
                served.obey(line.decode().split())
                print("done", flush=True)


class Mounted:
    """A running one. `launcher` starts a program that sees it."""

    def __init__(self, directory):
        self.process = subprocess.Popen([sys.executable, "-B", __file__, str(directory)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._expect(b"ready\n")
        self.launcher = ["nsenter", f"--mount=/proc/{self.process.pid}/ns/mnt", "--"]

    def _expect(self, line):
        said = self.process.stdout.readline()
        assert said == line, f"the file system said {said!r}"

    def tell(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        self._expect(b"done\n")

    def put(self, name, seed, length):
        """Makes or replaces a file; returns its content."""
        self.tell(f"put {name} {seed} {length}")
        return files.pattern(length, seed)

    def end(self):
        """The file system dies: whatever waits for it fails."""
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


if __name__ == "__main__":
    main()
