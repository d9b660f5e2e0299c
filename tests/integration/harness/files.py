"""Content of served trees, and configurations that serve them."""

import os
import pathlib
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
MIB = 1 << 20
GIB = 1 << 30


def pattern(length, seed=0):
    """Bytes that differ from position to position, so that a shifted or repeated part is seen."""
    block = b"".join(((seed * 7919 + index) & 0xFFFFFFFF).to_bytes(4, "big")
                     for index in range(min(length, MIB) // 4 + 1))
    return (block * (length // len(block) + 1))[:length]


def write_old(path, content, age_s=3600):
    """Writes a file that looks as if it had not been touched for a while: its validators are then
    strong (RFC 9110 section 8.8.2.2)."""
    path.write_bytes(content)
    then = int(time.time()) - age_s
    os.utime(path, (then, then))
    return path


def write_sparse(path, length, tail=b""):
    """A file of zeros that takes no room, but for what stands at its end."""
    with open(path, "wb") as file:
        file.truncate(length)
        file.seek(length - len(tail))
        file.write(tail)
    return path


# For tests in which no timeout may have a part, however slow the machine is.
PATIENT = "timeouts:\n  header: 1h\n  idle: 1h\n  read_stall: 1h\n  write_stall: 1h\n  drain: 1h\n"

LOOPBACK = "  - {name: web, address: 127.0.0.1:0}"


def configuration(root, *, listeners=LOOPBACK, mount="", extra=""):
    """A configuration that serves one directory. `mount` adds lines to the mount, `extra` adds
    sections."""
    mount_lines = "".join(f"\n        {line}" for line in mount.splitlines())
    return (f"admin:\n  listen: 127.0.0.1:0\n{extra}"
            f"listeners:\n{listeners}\n"
            f"sites:\n  - name: _default\n    mounts:\n"
            f"      - path: /\n        root: {root}{mount_lines}\n")
